"""Which thing is changed, and how: drawn from the seed among those that will do; what would not look right is passed
over, and where nothing is left the change is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.generator.engine import Pixels
from services.generator.measuring.ranges import within
from services.generator.measuring.size import measure
from services.generator.natural.changing import CHANGES, CannotDo, Subject
from services.generator.natural.people import faces_in, is_part_of_person, skin_share
from services.generator.natural.raster import Mask
from services.generator.natural.surroundings import Surroundings
from services.generator.natural.things import Thing
from services.generator.natural.wishes import Wish
from shared.sectors import Region

_WEIGHTS = {"remove": 3.0, "recolour": 2.0, "move": 2.0, "duplicate": 1.0, "mirror": 1.0, "shrink": 1.0, "grow": 1.0}
"""How often a kind comes first where any will do."""
MOST_TRIES = 8
_SMALL, _LARGE = 0.025, 0.08
"""Of the sector: what is smaller is small, what is larger is large."""
_SKIN = 0.3
_SHARES = (1.0, 0.7, 0.5, 0.35, 0.22, 0.12)
"""How far a colour is turned, where how much it changes is asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change that will do: the sector's pixels, and what it is."""

    sector: Pixels
    kind: str
    thing: Thing
    colour: str | None


def choose(
    picture: Pixels,
    sector: Region,
    things: tuple[Thing, ...],
    wish: Wish,
    seed: int,
    check: Callable[[], None],
) -> tuple[Found | None, list[str]]:
    """A change of one of these things, or None, and why others will not do.

    Args:
        check: called before each try; what it raises ends them.
    """
    draw = np.random.default_rng(seed)
    refused: list[str] = []
    fitting = [thing for thing in things if _is_of_size(thing, sector, wish)]
    if things and not fitting:
        refused.append(f"nothing {wish.size} is there")
    if not wish.is_pointed_at:
        fitting = _without_parts_of_people(picture, sector, fitting, refused)
    subjects = {id(thing): _subject(picture, sector, thing, things, wish) for thing in fitting}
    for kind, thing in _in_drawn_order(draw, wish, fitting):
        check()
        try:
            return _made(subjects[id(thing)], kind, wish, int(draw.integers(2**63))), refused
        except CannotDo as error:
            refused.append(f"{kind}: {error}")
    return None, refused


def _in_drawn_order(draw: np.random.Generator, wish: Wish, things: list[Thing]) -> Iterator[tuple[str, Thing]]:
    """Kinds and things, a draw without return by weight (Efraimidis and Spirakis 2006)."""
    pairs = [(kind, thing) for thing in things for kind in wish.kinds]
    keys = [draw.random() ** (1 / (_WEIGHTS[kind] * thing.confidence**4)) for kind, thing in pairs]
    order = sorted(range(len(pairs)), key=lambda at: -keys[at])
    return (pairs[at] for at in order[:MOST_TRIES])


def _made(subject: Subject, kind: str, wish: Wish, seed: int) -> Found:
    """Raises CannotDo: it would not look right, or is not of the size that is asked for."""
    is_asked = wish.colour is not None or wish.is_pointed_at
    if kind == "recolour" and not is_asked and skin_share(subject.around.pixels, subject.opacity > 0.5) > _SKIN:
        raise CannotDo("it may be skin")
    asked = {} if wish.magnitude is None else wish.magnitude.model_dump(exclude_none=True)
    problem = ""
    for share in _SHARES if kind == "recolour" and asked else (1.0,):
        levels = CHANGES[kind](subject, np.random.default_rng(seed), wish.colour, share)
        sector = subject.around.into_sector(levels)
        if (sector == subject.around.picture[subject.around.sector.slices]).all():
            raise CannotDo("nothing would be seen of it")
        if not asked:
            return Found(sector, kind, subject.thing, wish.colour)
        around = subject.around
        said: dict[str, Any] = measure(around.picture, sector, around.sector).notes()
        problem = within(said, asked) or ""
        if not problem:
            return Found(sector, kind, subject.thing, wish.colour)
    raise CannotDo(problem)


def _is_of_size(thing: Thing, sector: Region, wish: Wish) -> bool:
    share = thing.area_px / (sector.width * sector.height)
    return {None: True, "small": share <= _SMALL, "medium": _SMALL <= share <= _LARGE, "large": share >= _LARGE}[
        wish.size
    ]


def _without_parts_of_people(picture: Pixels, sector: Region, things: list[Thing], refused: list[str]) -> list[Thing]:
    if not things:
        return []
    pixels = np.ascontiguousarray(picture[sector.slices])
    faces = faces_in(pixels)
    kept = []
    for thing in things:
        if is_part_of_person(pixels, thing.on(sector) > 0.5, faces):
            refused.append("it is a part of a person")
        else:
            kept.append(thing)
    return kept


def _subject(picture: Pixels, sector: Region, thing: Thing, things: tuple[Thing, ...], wish: Wish) -> Subject:
    around = Surroundings.of(picture, sector, thing.box)
    others: Mask = np.zeros(around.pixels.shape[:2], bool)
    for other in things:
        if other is not thing:
            others |= other.on(around.region) > 0.3
    return Subject(around, thing, others, wish.way)
