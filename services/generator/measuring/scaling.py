"""A picture at the sizes that it is measured at."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np

from services.generator.engine import Pixels
from shared.sectors import Region

WORK_SIDE_PX = 512
"""Longest side of a picture whose edges count. Seen 30 degrees wide it has 17 pixels a degree, whose finest lines,
8 cycles a degree, are finer than what is seen best; and the numbers hardly depend on how many pixels there are."""


def shrunk(pixels: Pixels, side_px: int) -> Pixels:
    """With its longest side at most ``side_px``, each pixel the mean of those nearest to it, of which none is left out;
    a picture that is smaller stays as it is."""
    height, width = pixels.shape[:2]
    scale = side_px / max(width, height)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Means of whole blocks take a fifth of the time of means over parts of pixels. So some rows and columns are doubled
    # first, as many as it takes for the sides to divide.
    divisible = ceil(width / size[0]) * size[0], ceil(height / size[1]) * size[1]
    if divisible != (width, height):
        pixels = np.asarray(cv2.resize(pixels, divisible, interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def scaled(box: Region, of: tuple[int, int], to: tuple[int, int]) -> Region:
    """The pixels of a shrunk picture that a box of the picture bears on. Sizes are height and width, as in a shape."""
    down, across = to[0] / of[0], to[1] / of[1]
    return Region(
        left=floor(box.left * across),
        top=floor(box.top * down),
        right=min(ceil(box.right * across), to[1]),
        bottom=min(ceil(box.bottom * down), to[0]),
    )


def widened(box: Region, across: int, down: int, within: tuple[int, int]) -> Region:
    """With so many pixels more to each side, as far as there are any; ``within`` is height and width."""
    return Region(
        left=max(box.left - across, 0),
        top=max(box.top - down, 0),
        right=min(box.right + across, within[1]),
        bottom=min(box.bottom + down, within[0]),
    )
