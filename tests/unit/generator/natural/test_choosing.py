from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from services.generator.engine import EditCancelled, Pixels
from services.generator.natural.choosing import Found, choose
from services.generator.natural.things import Thing
from services.generator.natural.wishes import KINDS, Wish
from shared.change import Magnitude
from shared.sectors import Region
from tests.unit.generator.natural.scenes import SIDE, ball, sand, with_ball

PICTURE = with_ball(sand())
SECTOR = Region(0, 0, SIDE, SIDE)


def chosen(
    wish: Wish, seed: int = 1, picture: Pixels = PICTURE, things: tuple[Thing, ...] | None = None
) -> tuple[Found | None, list[str]]:
    return choose(picture, SECTOR, (ball(),) if things is None else things, wish, seed, lambda: None)


def test_the_seed_decides_and_decides_the_same_again() -> None:
    kinds = Counter()
    for seed in range(14):
        (one, _), (other, _) = chosen(Wish(), seed), chosen(Wish(), seed)
        assert one is not None
        assert other is not None
        assert (one.kind, one.sector.tobytes()) == (other.kind, other.sector.tobytes())
        kinds[one.kind] += 1
    assert len(kinds) >= 3


def test_without_things_there_is_nothing() -> None:
    assert chosen(Wish(), things=()) == (None, [])


def test_a_thing_of_the_size_that_is_asked_for() -> None:
    small, large = ball(), Thing(Region(20, 20, 110, 110), np.ones((90, 90), np.float32), 0.99)
    for size, thing in (("small", small), ("large", large)):
        found, _ = chosen(Wish(("recolour",), colour="blue", size=size), things=(small, large))  # type: ignore[arg-type]
        assert found is not None
        assert found.thing is thing
    found, reasons = chosen(Wish(size="large"), things=(small,))
    assert (found, reasons) == (None, ["nothing large is there"])


def test_why_nothing_could_be_done_is_told() -> None:
    grey = with_ball(sand(), (130, 130, 130))
    found, reasons = chosen(Wish(("recolour",)), picture=grey)
    assert found is None
    assert reasons == ["recolour: it has no colour of its own"]


def test_skin_is_recoloured_only_where_it_is_asked_for() -> None:
    skin = with_ball(sand(seed=3), (205, 140, 120))
    assert chosen(Wish(("recolour",)), picture=skin)[1] == ["it is a part of a person"]
    pointed = Wish(("recolour",), box=Region(80, 90, 140, 150))
    assert chosen(pointed, picture=skin)[0] is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_size_that_cannot_be_is_refused_with_the_number(kind: str) -> None:
    found, reasons = chosen(Wish((kind,), colour="blue", magnitude=Magnitude(area=(0.9, 1.0))))
    assert found is None
    assert "its area is" in reasons[0]


def test_a_colour_is_turned_by_less_where_less_is_asked_for() -> None:
    found, reasons = chosen(Wish(("recolour",), magnitude=Magnitude(delta_e=(5.0, 12.0))))
    assert found is not None, reasons


def test_each_try_is_asked_whether_it_is_still_wanted() -> None:
    def given_up() -> None:
        raise EditCancelled

    with pytest.raises(EditCancelled):
        choose(PICTURE, SECTOR, (ball(),), Wish(), 1, given_up)


def test_what_is_less_sure_comes_first_less_often() -> None:
    sure, unsure = ball(), replace(ball(), confidence=0.5, box=Region(85, 95, 135, 145))
    first = Counter()
    for seed in range(12):
        found, _ = chosen(Wish(("recolour",), colour="blue"), seed, things=(sure, unsure))
        assert found is not None
        first[found.thing is sure] += 1
    assert first[True] > first[False]
