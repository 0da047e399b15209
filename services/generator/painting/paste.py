"""Repainted pixels back into their sector, without a seam and without touching any other pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels
from shared.sectors import Region

FEATHER = 0.035
"""Width of the feather, as a part of the sector's shorter side: what is new shows fully in 0.86 of a sector within the
picture, and a model that paints with a mask has made the seam itself."""
DRAWN_FEATHER = 0.18
MAX_DRAWN_FEATHER_PX = 96
"""Of the room that a drawn object's shadow has, which has no edge of its own."""


def feather_mask(region: Region, width: int, height: int, ramp: float | None = None) -> NDArray[np.float32]:
    """How much of the repainted sector shows: 0 at edges that border untouched picture, 1 inside and at the border; of
    the region's size, in a picture of ``width`` by ``height`` pixels.

    Along each axis the mask rises as a smoothstep, ``3 t^2 - 2 t^3``, from the edge inwards: its slope is 0 at both
    ends, so that neither end of the ramp shows as a line. The axes multiply.

    Args:
        ramp: pixels that it rises over; None: :data:`FEATHER` of the sector.
    """
    ramp = max(1.0, FEATHER * min(region.width, region.height) if ramp is None else ramp)
    across = _ramps(region.width, ramp, region.left > 0, region.right < width)
    down = _ramps(region.height, ramp, region.top > 0, region.bottom < height)
    return down[:, None] * across[None, :]


def shadow_room(region: Region, width: int, height: int) -> NDArray[np.float32]:
    """How much of a drawn object's shadow may show in its sector: as :func:`feather_mask`, but wide."""
    ramp = min(DRAWN_FEATHER * min(region.width, region.height), MAX_DRAWN_FEATHER_PX)
    return feather_mask(region, width, height, ramp)


def blend(pixels: Pixels, region: Region, painted: Pixels | Floats, grain: Floats | None = None) -> Pixels:
    """The region's pixels once ``painted`` (of the region's size, in levels) is feathered into them. Of the picture
    nothing else is read.

    Args:
        grain: to be laid over it, in levels, of the region's size. Where old and new are mixed each has lost some of
            its own: there more of it is laid, so that as much is seen.

    Raises ValueError: ``painted`` is of another size.
    """
    if painted.shape != (region.height, region.width, 3):
        raise ValueError(f"{painted.shape} does not fill a sector of {region.width} x {region.height}")
    height, width = pixels.shape[:2]
    mask = feather_mask(region, width, height)[:, :, None]
    inside = pixels[region.slices]
    mixed = inside + mask * (painted.astype(np.float32) - inside)
    if grain is not None:
        mixed += np.sqrt(mask * (2 - mask)) * grain  # squared and added to (1 - mask) ** 2 it makes 1
    blended: Pixels = np.rint(mixed).clip(0, 255).astype(np.uint8)
    return blended


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
