"""A change in its picture: the sector's pixels, and the rows of the PNG that it is in. Off the inference thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.generator import png
from services.generator.decode import DecodedImage
from services.generator.engine import Painted, Pixels, into_picture
from services.generator.measuring.size import measure
from services.generator.pictures import Picture
from services.generator.png import Strip
from shared import sectors
from shared.sectors import Region


@dataclass(frozen=True, slots=True)
class Composed:
    """A changed sector on a picture.

    Attributes:
        on: the picture that it goes onto.
        sector: its pixels, of the region's size.
        strips: the rows of sectors of the PNG, top to bottom.
        size: of the change, as numbers for its notes.
    """

    on: Picture
    region: Region
    sector: Pixels
    strips: tuple[Strip, ...]
    size: Mapping[str, Any]

    @property
    def held_bytes(self) -> int:
        """Memory that it takes beside its picture."""
        return self.sector.nbytes + max(len(strip.idat) for strip in self.strips)

    def encode(self, text: Mapping[str, str]) -> bytes:
        """The PNG, with this text in it."""
        return png.assemble(self.on.head, self.strips, text)

    def encode_sector(self) -> bytes:
        """The sector alone, as a PNG with the picture's colours."""
        return png.encode(self.sector, None, self.on.decoded.icc_profile, self.on.decoded.colour)

    def picture(self, sha256: str, encoded: bytes) -> Picture:
        """What came of it, as :func:`~services.generator.decode.decode` would read it from its PNG."""
        made = Picture(sha256, encoded, "png", self.on.size, self._decoded)
        made.keep(self.on.head, self.strips)
        return made

    def _decoded(self) -> DecodedImage:
        was = self.on.decoded
        pixels = into_picture(was.pixels, self.region, self.sector)
        pixels.flags.writeable = False
        return DecodedImage(pixels, was.icc_profile, "png", was.width, was.height, dict(was.colour))


def compose(painted: Painted, on: Picture, target_sector: str, grid_size: int) -> Composed:
    """Put what a model has made for a sector into a picture, measure the change, and encode the rows that it is in."""
    width, height = on.size
    region = sectors.region(target_sector, grid_size, width, height)
    changing, _ = sectors.position(target_sector, grid_size)
    sector = painted.sector(on.decoded.pixels)
    rows = on.decoded.pixels[region.top : region.bottom].copy()
    rows[:, region.left : region.right] = sector
    changed = png.encode_rows(rows)
    strips = tuple(changed if row == changing else on.strip(row, grid_size) for row in range(grid_size))
    return Composed(on, region, sector, strips, measure(on.decoded.pixels, sector, region).notes())
