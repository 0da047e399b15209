"""A thing lifted off its picture, as a layer that can be laid down elsewhere: its colours, opacity and shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from services.generator.engine import Floats, Pixels
from services.generator.natural.matting import own_colours
from services.generator.natural.raster import Mask, blurred, inset, luma

_DARKEST = 0.25
_FADE_PX = 5.0
"""Towards the edge of what was filled in, no shadow is left: there it ends anyway."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A thing without its place.

    Attributes:
        colours: height x width x 3, levels.
        opacity: height x width, 0 to 1.
        shade: height x width, share of the light behind that its shadow leaves, up to 1.
        left, top: where it lay, in pixels of the picture that it was lifted off.
    """

    colours: Floats
    opacity: Floats
    shade: Floats
    left: int
    top: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return int(self.opacity.shape[1]), int(self.opacity.shape[0])

    def flipped(self) -> Layer:
        """Mirrored, left to right, about the middle of the thing itself: its shadow falls to the other side."""
        columns = np.nonzero((self.opacity > 0.5).any(axis=0))[0]
        off_middle = int(columns[0] + columns[-1] + 1 - self.size[0]) if len(columns) else 0
        left = self.left + off_middle
        return Layer(self.colours[:, ::-1], self.opacity[:, ::-1], self.shade[:, ::-1], left, self.top)

    def resized(self, scale: float) -> Layer:
        """Larger or smaller about the middle of its foot."""
        width, height = self.size
        new = max(2, round(width * scale)), max(2, round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        colours, opacity, shade = (
            np.asarray(cv2.resize(np.ascontiguousarray(each), new, interpolation=how))
            for each in (self.colours, self.opacity, self.shade)
        )
        left, top = self.left + (width - new[0]) // 2, self.top + height - new[1]
        return Layer(colours.clip(0, 255), opacity.clip(0, 1), shade.clip(0, 1), left, top)

    def moved(self, across: int, down: int) -> Layer:
        return Layer(self.colours, self.opacity, self.shade, self.left + across, self.top + down)


def lift(pixels: Pixels, opacity: Floats, hole: Mask, behind: Floats) -> Layer:
    """Lift a thing off.

    Args:
        opacity: height x width, of the thing.
        hole: the thing, its edge and its shadow: what ``behind`` was filled in for.
        behind: height x width x 3, levels: the picture without it.
    """
    rows, columns = np.nonzero(hole)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    here, there = blurred(luma(pixels[box]), 3), blurred(luma(behind[box].clip(0, 255)), 3)
    shade = (here + 4) / (there + 4)
    outside = hole[box] & (opacity[box] < 0.02)
    shade = np.where(outside, shade.clip(_DARKEST, 1), 1).astype(np.float32)
    shade = 1 - blurred(1 - shade, 1.5) * (inset(hole[box]) / _FADE_PX).clip(0, 1)
    colours = own_colours(pixels[box], opacity[box])
    return Layer(colours, opacity[box].astype(np.float32), shade, int(columns.min()), int(rows.min()))


def lay(picture: Floats, layer: Layer) -> Floats:
    """A copy of a picture (height x width x 3, levels) with a layer laid down; what reaches beyond it is cut off."""
    width, height = layer.size
    top, left = max(layer.top, 0), max(layer.left, 0)
    bottom, right = min(layer.top + height, picture.shape[0]), min(layer.left + width, picture.shape[1])
    result = picture.copy()
    if bottom <= top or right <= left:
        return result
    here = slice(top - layer.top, bottom - layer.top), slice(left - layer.left, right - layer.left)
    there = slice(top, bottom), slice(left, right)
    opacity = layer.opacity[here][:, :, None]
    shaded = picture[there] * layer.shade[here][:, :, None]
    result[there] = shaded + opacity * (layer.colours[here] - shaded)
    return result
