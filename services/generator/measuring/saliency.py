"""What draws the eye in a picture before anything is known of it: a map of bottom-up saliency."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage, stats

from services.generator.engine import Floats, Pixels
from services.generator.measuring.colour import lab

MAP_SIDE_PX = 64
"""Longest side of a map, as in the paper."""
_BLUR_SHARE = 0.045
"""Standard deviation of the blur as a share of the map's width: what its authors' published program takes."""
_NOISE = 0.1
"""Coefficients below, in CIELAB units, are what rounding to 8 bits leaves: their sign says nothing."""
_DIGITS = 6
"""Of a map's values as shares of its largest: what differs by less is equally salient."""


def saliency_map(small: Pixels) -> Floats:
    """Percentile of each pixel's saliency among all of its picture, 0 to 1 and 0.5 on average: height x width.

    The image signature of X. Hou, J. Harel, C. Koch ("Image signature: highlighting sparse salient regions", IEEE TPAMI
    34(1), 2012) in CIELAB: of each channel the discrete cosine transform's signs alone, back in the plane, squared;
    the mean over channels, blurred. A percentile can be compared between pictures, where the values cannot.

    Args:
        small: the picture with its longest side at most :data:`MAP_SIDE_PX`.
    """
    channels = lab(small).astype(np.float64)
    coefficients = fft.dctn(channels, axes=(0, 1), norm="ortho")
    signature = np.where(np.abs(coefficients) < _NOISE, 0, np.sign(coefficients))
    plane = (fft.idctn(signature, axes=(0, 1), norm="ortho") ** 2).mean(axis=2)
    blurred = ndimage.gaussian_filter(plane, _BLUR_SHARE * small.shape[1], mode="nearest")
    steps = np.round(blurred / max(float(blurred.max()), 1e-12), _DIGITS)
    ranks: Floats = (stats.rankdata(steps).reshape(steps.shape) - 0.5) / steps.size
    return ranks


def saliency_of(saliency: Floats, weights: Floats) -> float:
    """Mean saliency of a place, which ``weights`` (of the map's shape, with a sum above 0) says."""
    return float((saliency * weights).sum(dtype=np.float64) / weights.sum(dtype=np.float64))
