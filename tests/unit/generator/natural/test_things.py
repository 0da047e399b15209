from __future__ import annotations

import numpy as np
import pytest

from services.generator.engine import Floats
from services.generator.natural.things import Thing, distinct, things_in
from shared.sectors import Region
from tests.unit.generator.natural.scenes import BALL, SIDE, disc

SECTOR = Region(100, 50, 100 + SIDE, 50 + SIDE)


def found(mask: Floats, crop: Region = SECTOR) -> list[Thing]:
    return things_in(mask, crop, SECTOR)


def test_a_whole_thing_is_found_where_it_is() -> None:
    (thing,) = found(disc() * 0.95)
    assert thing.box.left < 100 + BALL.left < 100 + BALL.right < thing.box.right
    assert thing.box.top < 50 + BALL.top < 50 + BALL.bottom < thing.box.bottom
    assert thing.area_px == pytest.approx((disc() > 0.5).sum(), rel=0.03)
    assert 0.85 < thing.confidence < 0.96
    assert np.array_equal(thing.on(SECTOR) > 0.5, disc() > 0.5)


def test_of_another_size_than_its_crop_a_mask_is_stretched() -> None:
    crop = Region(100, 50, 160, 110)
    (thing,) = things_in(disc(Region(80, 80, 160, 160), 256, 256), crop, SECTOR)
    assert (thing.box.left + thing.box.right) / 2 == pytest.approx(100 + 60 * 120 / 256, abs=1.5)


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (np.zeros((SIDE, SIDE)), "nothing"),
        (np.ones((SIDE, SIDE)), "everything"),
        (disc(Region(-20, 100, 20, 140)), "cut off"),
        (disc() * 0.6, "faint"),
        (disc(Region(100, 100, 106, 106)), "too small"),
        (disc(Region(20, 20, 220, 220)), "too large"),
        (disc(Region(20, 100, 220, 110)) + disc(Region(110, 20, 120, 220)), "scattered"),
    ],
)
def test_what_is_no_whole_thing_is_left_out(mask: Floats, why: str) -> None:
    assert found(mask.clip(0, 1).astype(np.float32)) == []


def test_what_lies_partly_in_another_sector_is_none() -> None:
    crop = Region(SECTOR.left - 100, SECTOR.top, SECTOR.right - 100, SECTOR.bottom)
    assert things_in(disc(Region(80, 100, 120, 140)), crop, SECTOR) == []
    assert len(things_in(disc(Region(120, 100, 160, 140)), crop, SECTOR)) == 1


def test_small_holes_are_closed_and_others_left() -> None:
    large = Region(60, 60, 160, 160)
    speck, window = disc(Region(100, 100, 106, 106)) > 0.5, disc(Region(90, 90, 130, 130)) > 0.5
    (closed,) = found(np.where(speck, 0, disc(large)).astype(np.float32))
    assert (closed.on(SECTOR)[speck] > 0.5).all()
    (open_one,) = found(np.where(window, 0, disc(large)).astype(np.float32))
    assert (open_one.on(SECTOR)[window] < 0.5).all()


def test_each_thing_comes_once_and_what_holds_another_does_not() -> None:
    def thing(region: Region, confidence: float) -> Thing:
        mask = disc(region)
        return Thing(Region(0, 0, SIDE, SIDE), mask, confidence)

    one, nearly, inner, other = (
        thing(BALL, 0.9),
        thing(Region(91, 100, 131, 141), 0.95),
        thing(Region(100, 110, 120, 130), 0.85),
        thing(Region(20, 20, 60, 60), 0.8),
    )
    assert distinct([one, nearly, inner, other]) == [nearly, other]
