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
_SEEN_PX = 1024
_AROUND, _LEAST_AROUND_PX = 2.0, 160
"""How far around a thing is looked, in parts of its larger side."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A sector of a picture.

    Attributes:
        picture: all of it.
        sector: in the picture's pixels.
        region: the part of the sector that is worked in, in the picture's pixels.
        pixels: height x width x 3, of the region.
        lab: the same in CIE Lab, float32.
        may_change: height x width.
    """

    picture: Pixels
    sector: Region
    region: Region
    pixels: Pixels
    lab: Floats
    may_change: Mask

    @classmethod
    def of(cls, picture: Pixels, sector: Region, box: Region | None = None) -> Surroundings:
        """Those of a sector of a picture; ``box``: of a thing in it, around which is worked. None: in all of it."""
        region = sector if box is None else _near(box, sector)
        pixels = np.ascontiguousarray(picture[region.slices])
        may_change = np.zeros(pixels.shape[:2], bool)
        left, top = max(sector.left + EDGE_PX - region.left, 0), max(sector.top + EDGE_PX - region.top, 0)
        right, bottom = sector.right - EDGE_PX - region.left, sector.bottom - EDGE_PX - region.top
        may_change[top : max(bottom, 0), left : max(right, 0)] = True
        return cls(picture, sector, region, pixels, to_lab(pixels), may_change)

    @property
    def grain(self) -> int:
        """Pixels of the picture to one of it as it is looked at: about a thousand across, as most displays show it."""
        return max(1, round(int(max(self.picture.shape[:2])) / _SEEN_PX))

    def into_sector(self, levels: Floats) -> Pixels:
        """The sector with other levels (height x width x 3, of the region) where it may change."""
        made: Pixels = self.picture[self.sector.slices].copy()
        inner = Region(
            self.region.left - self.sector.left,
            self.region.top - self.sector.top,
            self.region.right - self.sector.left,
            self.region.bottom - self.sector.top,
        )
        rounded = np.rint(levels).clip(0, 255).astype(np.uint8)
        made[inner.slices] = np.where(self.may_change[:, :, None], rounded, self.pixels)
        return made


def _near(box: Region, sector: Region) -> Region:
    """A box with so much around it that there is something to copy from, and somewhere to go."""
    by = max(_LEAST_AROUND_PX, round(_AROUND * max(box.width, box.height)))
    return Region(
        max(sector.left, box.left - by),
        max(sector.top, box.top - by),
        min(sector.right, box.right + by),
        min(sector.bottom, box.bottom + by),
    )
