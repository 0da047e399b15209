"""Which part of a picture a model gets to see, and at what size: pure geometry.

A model that repaints a sector needs some of the picture around it, to go on with its lines and light. The steps:

1. *Context.* The sector grows by :data:`CONTEXT` of its own side (at least :data:`MIN_CONTEXT_PX`) on each side.
2. *Shape.* Models are trained on pictures near square: a box longer than :data:`MAX_ASPECT` to one is widened.
3. *Fit.* What stands out over the picture's border is moved inside, so context that is missing on one side is made up
   on the other, up to where the next sector ends: a box that reached one pixel further would depend on all that
   happens there. A box larger than the picture is cut to it.
4. *Scale.* The box is scaled so that its area is that of the model's own square, ``size * size``, at its aspect, each
   side rounded to the model's factor. Where the picture itself is a strip, the sides stay within
   :data:`MAX_ASPECT` of each other and the two axes are scaled differently: better a squeezed strip than a size
   that the model was never shown.

Scaling back is to the box's own size. As only the sector is pasted, how the rest of the box comes back is of no matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from shared.sectors import Region

CONTEXT = 0.5
MIN_CONTEXT_PX = 16
MAX_ASPECT = 2.0


@dataclass(frozen=True, slots=True)
class Crop:
    """A box of the picture and the size the model works on it at.

    Attributes:
        box: in the picture's pixels; holds the target sector and lies within the picture.
        target: the target sector, in pixels from the box's own top left.
        work_width, work_height: pixels at the model, multiples of its factor.
    """

    box: Region
    target: Region
    work_width: int
    work_height: int


def plan(target: Region, width: int, height: int, size: int, factor: int) -> Crop:
    """Choose the crop for a sector.

    Args:
        target: the sector, within the picture.
        width, height: the picture's, in pixels.
        size: side of the square that the model was trained on, in pixels.
        factor: what the model's sides have to be multiples of, in pixels.

    Raises:
        ValueError: the sector is empty or not within the picture.
    """
    if not (0 <= target.left < target.right <= width and 0 <= target.top < target.bottom <= height):
        raise ValueError(f"the sector {target.as_tuple()} does not lie in a picture of {width} x {height}")
    box_width = _with_context(target.left, target.right, width)
    box_height = _with_context(target.top, target.bottom, height)
    box_width = max(box_width, math.ceil(box_height / MAX_ASPECT))
    box_height = max(box_height, math.ceil(box_width / MAX_ASPECT))
    left, right = _fit(target.left, target.right, box_width, width)
    top, bottom = _fit(target.top, target.bottom, box_height, height)
    work_width, work_height = work_size(right - left, bottom - top, size, factor)
    return Crop(
        box=Region(left, top, right, bottom),
        target=Region(target.left - left, target.top - top, target.right - left, target.bottom - top),
        work_width=work_width,
        work_height=work_height,
    )


def work_size(width: int, height: int, size: int, factor: int) -> tuple[int, int]:
    """Width and height at the model for a box: near ``size * size`` pixels in area, multiples of ``factor``."""
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    return _to_multiple(size * math.sqrt(aspect), factor), _to_multiple(size / math.sqrt(aspect), factor)


def _with_context(start: int, stop: int, limit: int) -> int:
    """Pixels that a side of the sector has with its context."""
    side = stop - start
    context = max(round(CONTEXT * side), MIN_CONTEXT_PX)
    if context <= start and context <= limit - stop:
        return side + 2 * context
    next_side = side - (limit % side > 0)  # where the picture does not divide evenly it may be a pixel shorter
    return side + min(2 * context, next_side)


def _fit(start: int, stop: int, length: int, limit: int) -> tuple[int, int]:
    """``length`` pixels around the span from ``start`` to ``stop``, moved to lie within 0 to ``limit``."""
    length = min(length, limit)
    first = start - (length - (stop - start)) // 2
    first = min(max(first, 0), limit - length)
    return first, first + length


def _to_multiple(value: float, factor: int) -> int:
    return max(factor, round(value / factor) * factor)
