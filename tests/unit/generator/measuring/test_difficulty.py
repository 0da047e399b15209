"""Predicted difficulty: which way each ingredient moves it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.measuring.difficulty import Ingredients

shares = st.floats(0.01, 0.99)
ingredients = st.builds(Ingredients, st.floats(0.001, 100), shares, shares, shares, shares)
ORDINARY = Ingredients(magnitude=1, complexity=0.5, clutter=0.5, saliency_before=0.5, saliency_after=0.5)


def test_an_ordinary_change_is_half_difficult() -> None:
    assert ORDINARY.difficulty == pytest.approx(0.5)
    assert ORDINARY.verma_2010 == 1
    assert ORDINARY.ma_2013 == pytest.approx(0.125)
    assert ORDINARY.le_moan_2019 == {"complexity": 0.5, "magnitude": 1}


@given(ingredients, st.floats(1.01, 10))
def test_more_change_is_easier(made: Ingredients, times: float) -> None:
    more = replace(made, magnitude=made.magnitude * times)
    assert more.difficulty < made.difficulty
    assert more.ma_2013 > made.ma_2013


@given(ingredients, st.floats(0.1, 0.9))
def test_more_complexity_is_harder_and_so_is_clutter(made: Ingredients, part: float) -> None:
    more = replace(made, complexity=made.complexity + part * (1 - made.complexity))
    assert more.difficulty > made.difficulty
    more = replace(made, clutter=made.clutter + part * (1 - made.clutter))
    assert more.difficulty > made.difficulty
    assert more.ma_2013 < made.ma_2013


@given(ingredients, st.floats(1.01, 10))
def test_a_more_salient_place_is_easier(made: Ingredients, times: float) -> None:
    before, after = made.saliency_before / times, made.saliency_after / times
    less = replace(made, saliency_before=before, saliency_after=after)
    assert less.difficulty > made.difficulty
    assert less.verma_2010 == pytest.approx(made.verma_2010)


@given(ingredients)
def test_all_lies_between_nothing_and_everything(made: Ingredients) -> None:
    assert 0 < made.difficulty < 1
    assert 0 < made.ma_2013 < 1


def test_a_change_that_upsets_the_balance_is_easier_than_one_that_keeps_it() -> None:
    for before, after in ((0.2, 0.5), (0.5, 0.2)):
        upset = replace(ORDINARY, saliency_before=before, saliency_after=after)
        assert upset.difficulty < ORDINARY.difficulty


def test_where_nothing_changes_nothing_can_be_seen() -> None:
    nothing = replace(ORDINARY, magnitude=0.0)
    assert nothing.difficulty == 1
    assert nothing.ma_2013 == 0
