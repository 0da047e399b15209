"""The sector that a change is worked out in. Nothing outside it is read: so a change that is made ahead stays good
whatever becomes of the other sectors, and depends on nothing that a viewer may see elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.generator.engine import Floats, Pixels
from services.generator.natural.raster import Mask, to_lab
from shared.sectors import Region

EDGE_PX = 3
"""Along a sector's edges nothing is changed, so that no seam lies there."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A sector of a picture.

    Attributes:
        picture: all of it.
        region: the sector, in the picture's pixels.
        pixels: height x width x 3, of the sector.
        lab: the same in CIE Lab, float32.
        may_change: height x width.
    """

    picture: Pixels
    region: Region
    pixels: Pixels
    lab: Floats
    may_change: Mask

    @classmethod
    def of(cls, picture: Pixels, region: Region) -> Surroundings:
        """Those of a sector of a picture."""
        pixels = np.ascontiguousarray(picture[region.slices])
        may_change = np.zeros(pixels.shape[:2], bool)
        may_change[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] = True
        return cls(picture, region, pixels, to_lab(pixels), may_change)
