"""Pictures with changes of a known kind in them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from services.generator.engine import Pixels
from shared.sectors import Region


def textured(side_px: int = 256, seed: int = 1, height_px: int | None = None) -> Pixels:
    """Soft blobs of many sizes in muted colours, as a photograph of foliage has them."""
    rng = np.random.default_rng(seed)
    shape = (height_px or side_px, side_px)
    field = np.zeros((*shape, 3))
    for sigma in (2, 6, 20):
        for channel in range(3):
            blurred = ndimage.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
            field[..., channel] += blurred / blurred.std()
    return (120 + 14 * field).clip(0, 255).astype(np.uint8)


def disc(pixels: Pixels, region: Region, colour: tuple[int, int, int], strength: float = 1.0) -> Pixels:
    """The region's pixels with a disc in its middle, a third of its height wide, moved so far towards a colour."""
    sector = pixels[region.slices].astype(float)
    down, across = np.mgrid[: region.height, : region.width]
    away = np.hypot(down - (region.height - 1) / 2, across - (region.width - 1) / 2)
    inside = away < min(region.height, region.width) / 6
    sector[inside] += strength * (np.array(colour) - sector[inside])
    return np.round(sector).astype(np.uint8)
