"""Where a model has kept what it was shown, down to the finest that it saw.

There what scaling the picture to the model's size took away belongs to what it has painted, and is given back. Where it
has painted something else, that would be a ghost.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from services.generator.engine import Floats, Pixels
from services.generator.painting.scene import LUMA

_FINEST_SIGMA_PX = 1.5
_WINDOW_PX = 15
_CHANCE, _SURE = 0.5, 0.9
"""Likeness up to which it is left to chance, and from which it is the same for sure."""
_SMOOTH = 0.05
"""Squared levels, of rounding: where there is nothing finer, there is nothing to be alike in."""


def likeness(before: Pixels, after: Pixels) -> Floats:
    """How much of a picture's finest detail is in another of the same size: height x width, 0 to 1.

    What two pictures have in common of what is left of them above a blur, as a part of what the one with more of it
    has: 1 for the same, near 0 for others, for one that is smoother and for one that has more.
    """
    one, other = _finest(before), _finest(after)
    common = _around(one * other) / (np.maximum(_around(one * one), _around(other * other)) + _SMOOTH)
    above = ((common - _CHANCE) / (_SURE - _CHANCE)).clip(0, 1)
    alike: Floats = (above * above * (3 - 2 * above)).astype(np.float32)
    return alike


def _finest(pixels: Pixels) -> Floats:
    red, green, blue = LUMA
    grey = pixels[:, :, 0] * red + pixels[:, :, 1] * green + pixels[:, :, 2] * blue
    finest: Floats = grey - ndimage.gaussian_filter(grey, _FINEST_SIGMA_PX, truncate=3)
    return finest


def _around(values: Floats) -> Floats:
    mean: Floats = ndimage.uniform_filter(values, _WINDOW_PX)
    return mean
