"""Which part of a picture a model gets to see, and at what size: pure geometry.

A model that repaints a sector needs some of the picture around it, to go on with its lines and light. The steps:

1. *Context.* The sector grows by :data:`CONTEXT` of its own side (at least :data:`MIN_CONTEXT_PX`) on each side.
2. *Shape.* Models are trained on pictures near square: a box longer than :data:`MAX_ASPECT` to one is widened.
3. *Fit.* What stands out over the picture's border is moved inside, so context that is missing on one side is made up
   on the other, up to where the next sector ends (of sectors of a few pixels, :data:`MIN_CONTEXT_PX` further than
   themselves): a box that reached one pixel further would depend on all that happens there. A box larger than the
   picture is cut to it.
4. *Scale.* The box is scaled so that its area is that of the model's own square, ``size * size``, at its aspect, each
   side rounded to the model's factor.
5. *Aspect.* Rounding has changed the aspect by some per cent; a box of the same aspect is not squeezed. The side that
   is too long gives up context, down to :data:`LEAST_CONTEXT`: so the box stays within what it reached in 3, where
   growing would take it into the sector after the next. Only what that does not give, the other side grows, within the
   picture. What is left, of pictures that are strips, is squeezed: better that than a size the model was never shown.
   Else the aspect is right to half a pixel of the box.

The mask that a model paints in is a rectangle on the grid of its latents' cells: it holds the sector, and what the
resampling reads around it, so that no pixel of the sector is half painted and half kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.generator.engine import Rounding
from shared.sectors import Region

CONTEXT = 0.5
MIN_CONTEXT_PX = 16
LEAST_CONTEXT = 0.35
"""What a side keeps of context when it is shortened to the aspect, in parts of the sector's side, as CONTEXT is."""
MAX_ASPECT = 2.0
MASK_REACH_PX = 3
"""How far from a pixel, in pixels at the model, enlarging with Lanczos reads."""


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

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels at the model for one of the picture, across and down."""
        return self.work_width / self.box.width, self.work_height / self.box.height

    @property
    def work_target(self) -> tuple[float, float, float, float]:
        """The target at the model: left, top, right, bottom, in pixels and parts of them."""
        across, down = self.scale
        target = self.target
        return target.left * across, target.top * down, target.right * across, target.bottom * down

    def mask(self, cell: int) -> Region:
        """What the model is to paint, in pixels at the model: the target and what is read around it, grown outwards to
        whole cells of ``cell`` pixels."""
        left, top, right, bottom = self.work_target
        return Region(
            _outwards(left, -1, cell, self.work_width),
            _outwards(top, -1, cell, self.work_height),
            _outwards(right, 1, cell, self.work_width),
            _outwards(bottom, 1, cell, self.work_height),
        )


def plan(target: Region, width: int, height: int, size: int, factor: int, *, rounds: Rounding | None = None) -> Crop:
    """Choose the crop for a sector.

    Args:
        target: the sector, within the picture.
        width, height: the picture's, in pixels.
        size: side of the square that the model was trained on, in pixels.
        factor: what the model's sides have to be multiples of, in pixels.
        rounds: how a model rounds the sides that it is given by their ratio: those are taken that stay as they are.

    Raises:
        ValueError: the sector is empty or not within the picture.
    """
    if not (0 <= target.left < target.right <= width and 0 <= target.top < target.bottom <= height):
        raise ValueError(f"the sector {target.as_tuple()} does not lie in a picture of {width} x {height}")
    box_width = _with_context(target.left, target.right, width)
    box_height = _with_context(target.top, target.bottom, height)
    box_width = max(box_width, math.ceil(box_height / MAX_ASPECT))
    box_height = max(box_height, math.ceil(box_width / MAX_ASPECT))
    box_width, box_height = min(box_width, width), min(box_height, height)
    work_width, work_height = work_size(box_width, box_height, size, factor, rounds=rounds)
    box_width, box_height = _of_aspect(work_width / work_height, (box_width, box_height), target, (width, height))
    left, right = _fit(target.left, target.right, box_width, width)
    top, bottom = _fit(target.top, target.bottom, box_height, height)
    return Crop(
        box=Region(left, top, right, bottom),
        target=Region(target.left - left, target.top - top, target.right - left, target.bottom - top),
        work_width=work_width,
        work_height=work_height,
    )


def work_size(width: int, height: int, size: int, factor: int, *, rounds: Rounding | None = None) -> tuple[int, int]:
    """Width and height at the model for a box: near ``size * size`` pixels in area, multiples of ``factor``."""
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    sides = size * math.sqrt(aspect), size / math.sqrt(aspect)
    found = _to_multiple(sides[0], factor), _to_multiple(sides[1], factor)
    return found if rounds is None else _settled(found, size, factor, rounds)


def _settled(sides: tuple[int, int], size: int, factor: int, rounds: Rounding) -> tuple[int, int]:
    """The nearest sides that a model leaves as they are which rounds those of its area itself, by their ratio."""
    seen = set()
    while sides not in seen:
        seen.add(sides)
        across = size * math.sqrt(sides[0] / sides[1])
        sides = _to_multiple(across, factor, rounds), _to_multiple(across * sides[1] / sides[0], factor, rounds)
    return sides


def _with_context(start: int, stop: int, limit: int) -> int:
    """Pixels that a side of the sector has with its context."""
    side = stop - start
    context = max(round(CONTEXT * side), MIN_CONTEXT_PX)
    if context <= start and context <= limit - stop:
        return side + 2 * context
    next_side = side - (limit % side > 0)  # where the picture does not divide evenly it may be a pixel shorter
    return side + min(2 * context, max(next_side, MIN_CONTEXT_PX))


def _of_aspect(aspect: float, box: tuple[int, int], target: Region, picture: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a box brought to an aspect: the longer one is shortened as far as it may be, and if that is
    not enough, the other grows as far as the picture goes."""
    box_width, box_height = box
    wanted_width, wanted_height = round(aspect * box_height), round(box_width / aspect)
    if box_width > wanted_width:
        box_width = max(wanted_width, _least(box_width, target.width))
        if box_width > wanted_width:
            box_height = min(max(box_height, round(box_width / aspect)), picture[1])
    elif box_height > wanted_height:
        box_height = max(wanted_height, _least(box_height, target.height))
        if box_height > wanted_height:
            box_width = min(max(box_width, round(aspect * box_height)), picture[0])
    return box_width, box_height


def _least(length: int, side: int) -> int:
    """How short a side of the box may become, around a sector's side."""
    return min(length, side + max(round(2 * LEAST_CONTEXT * side), MIN_CONTEXT_PX))


def _fit(start: int, stop: int, length: int, limit: int) -> tuple[int, int]:
    """``length`` pixels around the span from ``start`` to ``stop``, moved to lie within 0 to ``limit``."""
    first = start - (length - (stop - start)) // 2
    first = min(max(first, 0), limit - length)
    return first, first + length


def _outwards(edge: float, way: int, cell: int, limit: int) -> int:
    """An edge moved outwards (``way`` -1 or 1) by what is read beyond it, and on to the next cell's edge."""
    reached = edge + way * MASK_REACH_PX
    cells = math.ceil(reached / cell) if way > 0 else math.floor(reached / cell)
    return min(max(cells * cell, 0), limit)


def _to_multiple(value: float, factor: int, rounds: Rounding = "nearest") -> int:
    times = math.ceil(value / factor) if rounds == "up" else round(value / factor)
    return max(factor, times * factor)
