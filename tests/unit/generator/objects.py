"""Drawn objects, as a layer model gives them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def ball(
    side: int = 128, radius: float = 40, colour: tuple[float, float, float] = (0.9, 0.2, 0.1)
) -> NDArray[np.float32]:
    """A shaded ball, soft at its edge, premultiplied; height x width x 4."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    alpha = (radius + 0.5 - np.hypot(x, y * 1.1)).clip(0, 1)
    shade = 1 - 0.3 * (y > 6) * (x > 0)
    rgba = np.dstack([np.array(colour) * (shade * alpha)[:, :, None], alpha])
    return ndimage.gaussian_filter(rgba, (0.7, 0.7, 0)).clip(0, 1).astype(np.float32)
