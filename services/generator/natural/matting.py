"""From a rough mask to a thing that can be lifted off: soft edges and colours without the background in them."""

from __future__ import annotations

import numpy as np

from services.generator.engine import Floats, Pixels
from services.generator.natural.raster import blurred, boxed, eroded, grown, resized, shrunk

_EPSILON = 2e-4
_LARGEST_SIDE_PX = 800
_FIRM = 0.2, 0.8
"""Opacity below and above is a filter's haze."""


def matte(pixels: Pixels, mask: Floats) -> Floats:
    """Opacity of a thing, height x width, 0 to 1: a rough mask drawn along the picture's own edges (He, Sun and Tang
    2010, "Guided image filtering", with colours as the guide).

    Args:
        mask: height x width, 0 to 1.
    """
    scale = max(1, round(max(mask.shape) / _LARGEST_SIDE_PX))
    if scale > 1:  # an opacity is smooth but for its edge, which is soft: He and Sun 2015, "Fast guided filter"
        height, width = mask.shape
        size = max(8, width // scale), max(8, height // scale)
        small = np.rint(shrunk(pixels.astype(np.float32), size)).astype(np.uint8)
        return resized(matte(small, shrunk(mask, size)), (width, height)).clip(0, 1)
    area = max(1.0, float((mask > 0.5).sum()))
    radius = int(np.clip(0.05 * area**0.5, 2, 12))
    guide = blurred(pixels.astype(np.float32) / 255, 0.6)
    soft = _guided(guide, blurred(mask, radius / 3), radius)
    low, high = _FIRM
    firm = ((soft - low) / (high - low)).clip(0, 1)
    near, core = grown(mask > 0.3, radius), eroded(mask > 0.7, radius)
    opacity: Floats = np.where(core, 1.0, np.where(near, firm, 0.0)).astype(np.float32)
    return opacity


def _guided(guide: Floats, values: Floats, radius: int) -> Floats:
    def mean(array: Floats) -> Floats:
        return boxed(array, radius)

    mean_guide, mean_values = mean(guide), mean(values)
    height, width = values.shape
    covariance = np.empty((height, width, 3, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            product = mean(guide[:, :, one] * guide[:, :, other]) - mean_guide[:, :, one] * mean_guide[:, :, other]
            covariance[:, :, one, other] = covariance[:, :, other, one] = product
    covariance += _EPSILON * np.eye(3, dtype=np.float32)
    crossed = mean(guide * values[:, :, None]) - mean_guide * mean_values[:, :, None]
    slope = np.linalg.solve(covariance, crossed[:, :, :, None])[:, :, :, 0].astype(np.float32)
    offset = mean_values - (slope * mean_guide).sum(axis=2)
    filtered: Floats = (mean(slope) * guide).sum(axis=2) + mean(offset)
    return filtered


def own_colours(pixels: Pixels, opacity: Floats) -> Floats:
    """Colours of the thing alone, height x width x 3, levels: where it is half transparent, without what is behind it
    (Forte 2021, "Approximate fast foreground colour estimation"); beyond its edge they go on."""
    picture: Floats = pixels.astype(np.float32)
    front, behind = picture, picture
    for sigma in (12.0, 3.0):
        alpha, weights = opacity[:, :, None], blurred(opacity, sigma)[:, :, None]
        mean_front = blurred(front * alpha, sigma) / (weights + 1e-4)
        mean_behind = blurred(behind * (1 - alpha), sigma) / (1 - weights + 1e-4)
        front = mean_front + alpha * (picture - alpha * mean_front - (1 - alpha) * mean_behind)
        behind = mean_behind
        front = front.clip(0, 255)
    colours: Floats = np.where(opacity[:, :, None] > 0.995, picture, front).astype(np.float32)
    return colours
