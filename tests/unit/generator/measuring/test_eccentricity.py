"""How far a change is from the focus."""

from __future__ import annotations

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.measuring.eccentricity import by_pixels_per_degree, eccentricity
from shared.gaze.screen import Screen
from shared.gaze.trial.view import View
from shared.sectors import Region

SIZE = (800, 600)
BOX = Region(700, 500, 800, 600)


def test_shares_are_of_the_diagonal() -> None:
    found = eccentricity(BOX, (0.0, 0.0), SIZE)
    assert found.centre == pytest.approx(hypot(750, 550) / 1000)
    assert found.edge == pytest.approx(hypot(700, 500) / 1000)
    assert found.notes() == {"eccentricity_centre": 0.9301, "eccentricity_edge": 0.8602}


def test_within_the_box_the_edge_is_no_distance_away() -> None:
    found = eccentricity(BOX, (0.9, 0.9), SIZE)
    assert found.edge == 0
    assert found.centre == pytest.approx(hypot(30, 10) / 1000)


def test_degrees_by_pixels_per_degree() -> None:
    found = eccentricity(BOX, (0.0, 1.0), SIZE, by_pixels_per_degree(40, SIZE))
    assert found.edge_deg == pytest.approx(700 / 40)
    assert found.centre_deg == pytest.approx(hypot(750, 50) / 40)
    assert set(found.notes()) == {
        *("eccentricity_centre", "eccentricity_edge"),
        *("eccentricity_centre_deg", "eccentricity_edge_deg"),
    }


def test_degrees_on_a_screen_are_those_of_the_trial() -> None:
    view = View(0.25, 0.1, 0.5, 0.8, Screen((1920, 1080), (0.53, 0.3), 0.6), 3, 0.0)
    found = eccentricity(Region(400, 300, 400, 300), (0.0, 0.5), SIZE, view.degrees)
    assert found.centre_deg == found.edge_deg == view.degrees((0.0, 0.5), (0.5, 0.5))


@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
def test_pixels_per_degree_are_a_number_above_nothing(wrong: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        by_pixels_per_degree(wrong, SIZE)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 799), st.integers(0, 599), st.data())
def test_the_edge_is_never_further_than_the_centre(
    x: float, y: float, left: int, top: int, data: st.DataObject
) -> None:
    box = Region(left, top, data.draw(st.integers(left + 1, 800)), data.draw(st.integers(top + 1, 600)))
    found = eccentricity(box, (x, y), SIZE)
    assert 0 <= found.edge <= found.centre <= 1
