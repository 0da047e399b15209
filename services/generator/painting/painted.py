"""What a model has made for a sector without a look at it, before it is in its picture: an object that is to be put
there; or nothing. What one has painted anew is in :mod:`repainted`."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.generator.engine import Pixels
from services.generator.painting.compositing import compose
from services.generator.painting.cutout import Cutout
from services.generator.painting.placing import Pose, Wish
from services.generator.painting.rendering import Patch
from shared.sectors import Region


@dataclass(frozen=True, slots=True)
class Drawn:
    """An object that is to be put into a sector of a picture of ``size`` (width, height) in pixels, as ``wish`` says;
    ``seed`` of its place. ``rendered``: as it was drawn last, by pose: in the next picture it may stand as it did."""

    cutout: Cutout
    wish: Wish
    region: Region
    seed: int
    size: tuple[int, int]
    rendered: dict[Pose, Patch] = field(default_factory=dict)

    @property
    def seen(self) -> None:
        return None

    @property
    def reads(self) -> Region:
        """All of it: where its sky is, its light, its sharpness."""
        return Region(0, 0, *self.size)

    @property
    def held_bytes(self) -> int:
        own = self.cutout.colour.nbytes + self.cutout.alpha.nbytes
        return own + sum(patch.colour.nbytes + patch.alpha.nbytes for patch in list(self.rendered.values()))

    def sector(self, pixels: Pixels) -> Pixels:
        return compose(pixels, self.region, self.cutout, self.wish, self.seed, self.rendered).pixels[self.region.slices]


@dataclass(frozen=True, slots=True)
class Untouched:
    """A sector that stays as it is."""

    region: Region

    @property
    def seen(self) -> None:
        return None

    @property
    def reads(self) -> Region:
        return self.region

    @property
    def held_bytes(self) -> int:
        return 0

    def sector(self, pixels: Pixels) -> Pixels:
        return pixels[self.region.slices]
