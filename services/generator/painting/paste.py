"""Repainted pixels back into their sector, without a seam and without touching any other pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Pixels
from shared.sectors import Region

FEATHER = 0.18
"""Width of the feather, as a part of the sector's shorter side."""
MAX_FEATHER_PX = 96
MAX_TONE_SHIFT = 24.0
"""Levels: a larger difference is no drift of a decoder but another picture, and is left."""


def feather_mask(region: Region, width: int, height: int) -> NDArray[np.float32]:
    """How much of the repainted sector shows: 0 at edges that border untouched picture, 1 inside and at the border; of
    the region's size, in a picture of ``width`` by ``height`` pixels.

    Along each axis the mask rises as a smoothstep, ``3 t^2 - 2 t^3``, from the edge inwards: its slope is 0 at both
    ends, so that neither end of the ramp shows as a line. The axes multiply.
    """
    ramp = max(1.0, min(FEATHER * min(region.width, region.height), MAX_FEATHER_PX))
    across = _ramps(region.width, ramp, region.left > 0, region.right < width)
    down = _ramps(region.height, ramp, region.top > 0, region.bottom < height)
    return down[:, None] * across[None, :]


def blend(pixels: Pixels, region: Region, painted: Pixels) -> Pixels:
    """The region's pixels once ``painted`` (of the region's size) is feathered into them. Of the picture nothing else
    is read. Raises ValueError: ``painted`` is of another size."""
    if painted.shape != (region.height, region.width, 3):
        raise ValueError(f"{painted.shape} does not fill a sector of {region.width} x {region.height}")
    height, width = pixels.shape[:2]
    mask = feather_mask(region, width, height)[:, :, None]
    inside = pixels[region.slices]
    blended: Pixels = np.rint(inside + mask * (painted.astype(np.float32) - inside)).astype(np.uint8)
    return blended


def match_tone(painted: Pixels, original: Pixels, target: Region) -> Pixels:
    """Take the model's drift in tone out of what it painted.

    An autoencoder shifts a picture's colours a little as a whole. Around the target the model was to leave the picture
    as it was, so the mean difference there, channel by channel, is that shift.

    Args:
        painted, original: the same box of the picture, after and before.
        target: the sector within the box; what lies around it is compared.
    """
    around = np.ones(painted.shape[:2], bool)
    around[target.slices] = False
    if not around.any():
        return painted
    shift = original[around].mean(axis=0) - painted[around].mean(axis=0)
    if np.abs(shift).max() > MAX_TONE_SHIFT:
        return painted
    matched: Pixels = np.rint((painted + shift.astype(np.float32)).clip(0, 255)).astype(np.uint8)
    return matched


def _ramps(length: int, ramp: float, at_start: bool, at_end: bool) -> NDArray[np.float32]:
    distance = np.arange(length, dtype=np.float32) + 0.5
    nearest = np.full(length, np.inf, np.float32)
    if at_start:
        nearest = np.minimum(nearest, distance)
    if at_end:
        nearest = np.minimum(nearest, distance[::-1])
    t = np.minimum(nearest / np.float32(ramp), 1.0)
    ramps: NDArray[np.float32] = (t * t * (3 - 2 * t)).astype(np.float32)
    return ramps
