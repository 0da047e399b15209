from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.generator.natural.recolouring import COLOURS, from_oklab, recolour, to_oklab
from shared.change import AskedChange

LEVELS = arrays(np.uint8, (6, 7, 3))
WHOLE = np.ones((6, 7), np.float32)


def painted(levels: tuple[int, int, int]) -> np.ndarray:
    return np.broadcast_to(np.array(levels, np.float32), (6, 7, 3)).copy()


def test_the_colours_are_those_that_may_be_asked_for() -> None:
    assert {AskedChange(kind="recolour", colour=name).colour for name in COLOURS} == set(COLOURS)  # type: ignore[arg-type]


def test_white_grey_and_black_are_on_the_axis_of_no_colour() -> None:
    lab = to_oklab(np.array([[255, 255, 255], [119, 119, 119], [0, 0, 0]], np.float32))
    assert lab[:, 0] == pytest.approx([1.0, 0.569, 0.0], abs=0.005)
    assert np.abs(lab[:, 1:]).max() < 1e-3


def test_red_is_where_ottosson_has_it() -> None:
    light, a, b = to_oklab(np.array([255, 0, 0], np.float32))
    assert (light, a, b) == pytest.approx((0.628, 0.225, 0.126), abs=0.002)


@given(LEVELS)
def test_there_and_back_is_the_same(levels: np.ndarray) -> None:
    assert np.abs(from_oklab(to_oklab(levels)) - levels).max() < 0.6


@settings(deadline=None)
@given(LEVELS, st.sampled_from([None, *COLOURS]), st.integers(0, 2**32))
def test_any_colour_of_anything_can_be_shown(levels: np.ndarray, colour: str | None, seed: int) -> None:
    made = recolour(levels.astype(np.float32), WHOLE, colour, np.random.default_rng(seed))
    assert np.isfinite(made).all()
    assert made.min() > -3
    assert made.max() < 258


@settings(deadline=None)
@given(LEVELS, st.sampled_from([name for name in COLOURS if COLOURS[name][1]]))
def test_nothing_of_the_way_is_no_change(levels: np.ndarray, colour: str) -> None:
    made = recolour(levels.astype(np.float32), WHOLE, colour, np.random.default_rng(1), 0.0)
    assert np.abs(made - levels).max() < 1.5


@pytest.mark.parametrize("colour", [name for name in COLOURS if COLOURS[name][1]])
def test_a_named_colour_has_its_hue(colour: str) -> None:
    made = to_oklab(recolour(painted((180, 60, 60)), WHOLE, colour, np.random.default_rng(1)))[0, 0]
    degrees = math.degrees(math.atan2(made[2], made[1])) % 360
    assert abs((degrees - COLOURS[colour][2] + 180) % 360 - 180) < 4


def test_a_highlight_stays_white() -> None:
    levels = painted((180, 60, 60))
    levels[0, 0] = 250
    made = recolour(levels, WHOLE, "blue", np.random.default_rng(1))
    assert np.ptp(made[0, 0]) < 12


def test_half_the_way_is_between() -> None:
    levels = painted((180, 60, 60))
    far = [
        np.abs(recolour(levels, WHOLE, None, np.random.default_rng(3), share) - levels).mean()
        for share in (0.2, 0.5, 1.0)
    ]
    assert far[0] < far[1] < far[2]
