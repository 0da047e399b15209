"""The changes themselves: a thing removed, given another colour, moved, mirrored, shrunk, grown or doubled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.generator.engine import Floats
from services.generator.language.changes import Direction
from services.generator.natural.filling import Filled, NothingAlike, fill
from services.generator.natural.lifting import Layer, lay, lift
from services.generator.natural.matting import matte, own_colours
from services.generator.natural.placing import places_for
from services.generator.natural.raster import Mask, grown, to_lab
from services.generator.natural.recolouring import COLOURFUL, recolour, to_oklab, typical_chroma
from services.generator.natural.shadows import shadow_of
from services.generator.natural.surroundings import EDGE_PX, Surroundings
from services.generator.natural.things import Thing

SHRUNK, GROWN = (0.62, 0.78), (1.22, 1.4)
"""Ranges of the scale."""
_EDGE = 0.05
"""How far a thing's edge is taken along, in parts of the root of its area,"""
_EDGE_PX = 3
"""and in pixels beside that."""


class CannotDo(Exception):
    """This change of this thing would not look like the photograph; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A thing in its surroundings, and what is worked out of the two for several changes.

    Attributes:
        others: height x width: other things, that are not copied from and not covered.
        way: to move it; None: any.
    """

    around: Surroundings
    thing: Thing
    others: Mask
    way: Direction | None = None

    @cached_property
    def opacity(self) -> Floats:
        """Height x width, 0 to 1."""
        found: Floats = matte(self.around.pixels, self.thing.on(self.around.region)) * self.around.may_change
        if (grown(self.thing.on(self.around.region) > 0.5, 2) & ~self.around.may_change).any():
            raise CannotDo("it reaches to the sector's edge")
        if (found > 0.5).sum() < 0.4 * self.thing.area_px:
            raise CannotDo("its edge is not found")
        return found

    @cached_property
    def hole(self) -> Mask:
        """The thing, its edge and its shadow."""
        radius = int(_EDGE_PX + _EDGE * self.thing.area_px**0.5)
        rough = (self.opacity > 0.04) | (self.thing.on(self.around.region) > 0.1)
        return (grown(rough, radius) | grown(self.shadow, 3)) & self.around.may_change

    @cached_property
    def shadow(self) -> Mask:
        """That it casts."""
        return shadow_of(self.around.lab, self.opacity > 0.3)

    @cached_property
    def filled(self) -> Filled:
        """The picture without it."""
        core = (grown(self.opacity > 0.04, 1) | self.shadow) & self.hole
        try:
            return fill(self.around.pixels, self.hole, core, ~self.hole & ~self.others, self.around.grain)
        except NothingAlike:
            raise CannotDo("nothing around it is like what is behind it") from None

    @cached_property
    def behind(self) -> Floats:
        """Levels of the picture without it, height x width x 3."""
        if not self.filled.is_convincing:
            raise CannotDo("its place would show")
        return self.filled.colour

    @cached_property
    def layer(self) -> Layer:
        return lift(self.around.pixels, self.opacity, self.hole, self.behind)

    def places(self, *, beside: bool = False) -> list[tuple[int, int]]:
        """Steps down and across to where it could be as well; ``beside``: without covering where it is."""
        free = self.around.may_change & ~grown(self.others & ~self.hole, 3)
        if beside:
            free &= ~self.hole
        places = places_for(to_lab(self.behind), self.hole, free)
        return [place for place in places if self.way is None or _goes(place, self.way)]


def remove(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    return subject.behind


def recolour_it(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    picture = subject.around.pixels.astype(np.float32)
    rows, columns = np.nonzero(subject.opacity > 0)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    opacity = subject.opacity[box]
    own = own_colours(subject.around.pixels[box], opacity)
    if colour is None and typical_chroma(to_oklab(own), opacity) < COLOURFUL:
        raise CannotDo("it has no colour of its own")
    result = picture.copy()
    dyed = recolour(own, opacity, colour, draw, share)
    result[box] += opacity[:, :, None] * (dyed - own)
    return result.clip(0, 255)


def move(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    down, across = _drawn_place(subject, draw)
    return lay(subject.behind, subject.layer.moved(across, down))


def duplicate(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    layer = subject.layer
    places = subject.places(beside=True)
    if not places:
        raise CannotDo("there is no room for a second one")
    down, across = places[int(draw.integers(len(places)))]
    if draw.random() < 0.5:
        layer = layer.flipped()
    return lay(subject.around.pixels.astype(np.float32), layer.moved(across, down))


def mirror(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    opacity = subject.layer.opacity
    same = np.minimum(opacity, opacity[:, ::-1]).sum() / max(1.0, np.maximum(opacity, opacity[:, ::-1]).sum())
    inside = (opacity > 0.7) & (opacity[:, ::-1] > 0.7)
    gap = np.abs(to_lab(subject.layer.colours) - to_lab(subject.layer.colours[:, ::-1])).sum(axis=2)
    if same > 0.85 and inside.any() and gap[inside].mean() < 8:
        raise CannotDo("it is the same from both sides")
    return lay(subject.behind, subject.layer.flipped())


def shrink(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    return lay(subject.behind, subject.layer.resized(float(draw.uniform(*SHRUNK))))


def grow(subject: Subject, draw: np.random.Generator, colour: str | None, share: float) -> Floats:
    larger = subject.layer.resized(float(draw.uniform(*GROWN)))
    (height, width), (wide, tall) = subject.around.may_change.shape, larger.size
    right, bottom = larger.left + wide, larger.top + tall
    if min(larger.left, larger.top, width - right, height - bottom) < EDGE_PX:
        raise CannotDo("its sector has no room for a larger one")
    return lay(subject.behind, larger)


CHANGES: dict[str, Callable[[Subject, np.random.Generator, str | None, float], Floats]] = {
    "remove": remove,
    "recolour": recolour_it,
    "move": move,
    "mirror": mirror,
    "shrink": shrink,
    "grow": grow,
    "duplicate": duplicate,
}
"""By kind: each gives the surroundings' levels, height x width x 3, or raises :class:`CannotDo`. The last argument is
how far a colour is turned, 0 to 1."""


def _drawn_place(subject: Subject, draw: np.random.Generator) -> tuple[int, int]:
    places = subject.places()
    if not places:
        raise CannotDo("there is no other place like its own")
    return places[int(draw.integers(len(places)))]


def _goes(place: tuple[int, int], way: Direction) -> bool:
    down, across = place
    if abs(down) > abs(across):
        return way == ("down" if down > 0 else "up")
    return way == ("right" if across > 0 else "left")
