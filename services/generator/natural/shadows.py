"""The shadow that a thing casts on what it stands on: it belongs to the thing, and tells of it where it stays."""

from __future__ import annotations

import numpy as np

from services.generator.engine import Floats
from services.generator.natural.raster import Mask, blurred, grown, opened, parts_of, resized, shrunk

_DARKER = 5.0
"""In units of L*, a shadow is at least so much darker than the ground around it,"""
_SPREADS = 1.0
"""and by so many standard deviations of it,"""
_SAME_COLOUR = 9.0
"""while its colour (a*, b*) is about the ground's."""
_REACH = 0.6
"""How far a shadow is looked for, in parts of the thing's size."""
_MOST = 1.2
"""Of the thing's own area."""


def shadow_of(lab: Floats, thing: Mask) -> Mask:
    """The pixels of a thing's shadow, none of its own.

    Args:
        lab: height x width x 3, float32, CIE Lab.
        thing: height x width.
    """
    rows, columns = np.nonzero(thing)
    nothing = np.zeros_like(thing)
    if not len(rows):
        return nothing
    size = max(float(np.ptp(rows)), float(np.ptp(columns)), 8.0)
    reach = int(_REACH * size) + 2
    near = grown(thing, reach) & ~thing
    near[: int((rows.min() + rows.max()) / 2)] = False
    ground_lab, spread = _ground(lab, ~grown(thing, 3), 0.7 * size)
    darker = ground_lab[:, :, 0] - lab[:, :, 0]
    same = np.hypot(lab[:, :, 1] - ground_lab[:, :, 1], lab[:, :, 2] - ground_lab[:, :, 2]) < _SAME_COLOUR
    dark = opened(near & same & (blurred(darker, 1.5) > np.maximum(_DARKER, _SPREADS * spread)))
    parts, _ = parts_of(dark & ~thing)
    touching = np.unique(parts[grown(thing, 4)])
    shadow = np.isin(parts, touching[touching > 0])
    if shadow.sum() > _MOST * thing.sum():
        return nothing
    return grown(shadow, 2) & ~thing


def _ground(lab: Floats, ground: Mask, sigma: float) -> tuple[Floats, Floats]:
    """Mean colour, and standard deviation of lightness, of the ground around each pixel."""
    step = max(1, int(sigma / 6))
    size = max(4, lab.shape[1] // step), max(4, lab.shape[0] // step)
    weights = ground.astype(np.float32)

    def spread_out(values: Floats) -> Floats:
        small = blurred(shrunk(values, size), max(1.0, sigma / step))
        return resized(small, (lab.shape[1], lab.shape[0]))

    share = np.maximum(spread_out(weights), 1e-3)
    mean = spread_out(lab * weights[:, :, None]) / share[:, :, None]
    spread = np.sqrt(np.maximum(spread_out(lab[:, :, 0] ** 2 * weights) / share - mean[:, :, 0] ** 2, 0))
    return mean.astype(np.float32), spread.astype(np.float32)
