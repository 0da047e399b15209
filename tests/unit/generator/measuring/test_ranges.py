"""Whether a change is of the size that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from services.generator.measuring.ranges import MEASURES, ranges, within
from services.generator.measuring.size import measure
from shared.sectors import Region
from tests.unit.generator.measuring.scenes import textured

NOTES = {"delta_e": 4.2, "area": 0.0075, "difficulty": 0.6, "edge_energy": -0.2}


@pytest.mark.parametrize(
    "magnitude",
    [{}, {"delta_e": [4, 5]}, {"delta_e": [4.2, 4.2]}, {"area": (0.005, 0.02), "edge_energy": [-1, 0]}],
)
def test_what_lies_within_is_not_spoken_of(magnitude: dict[str, Any]) -> None:
    assert within(NOTES, magnitude) is None


def test_the_sentence_says_which_number_lies_outside() -> None:
    assert within(NOTES, {"area": [0, 1], "delta_e": [8, 15]}) == "its delta_e is 4.2, and 8 to 15 is asked for"
    assert within(NOTES, {"difficulty": [0, 0.5]}) == "its difficulty is 0.6, and 0 to 0.5 is asked for"
    assert within(NOTES, {"delta_e": [8, 15], "difficulty": [0, 0.5]}) == (
        "its delta_e is 4.2, and 8 to 15 is asked for; its difficulty is 0.6, and 0 to 0.5 is asked for"
    )


def test_what_is_not_known_is_not_within() -> None:
    said = within(NOTES, {"eccentricity_edge_deg": [5, 10]})
    assert said == "its eccentricity_edge_deg is not known, and 5 to 10 is asked for"


@pytest.mark.parametrize(
    ("magnitude", "said"),
    [
        ({"delta": [1, 2]}, "no measure 'delta'"),
        ({"box": [1, 2]}, "no measure 'box'"),
        ({"delta_e": [2, 1]}, "lower number comes first"),
        ({"delta_e": [1]}, "two numbers"),
        ({"delta_e": [1, 2, 3]}, "two numbers"),
        ({"delta_e": 5}, "two numbers"),
        ({"delta_e": "15"}, "two numbers"),
        ({"delta_e": [True, 2]}, "two numbers"),
        ({"delta_e": [0, float("inf")]}, "two numbers"),
        ({"delta_e": [float("nan"), 1]}, "two numbers"),
        ({"delta_e": [0, 10**400]}, "two numbers"),
    ],
)
def test_a_range_is_two_finite_numbers_in_order(magnitude: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ranges(magnitude)
    with pytest.raises(ValueError, match=said):
        within(NOTES, magnitude)


def test_each_measure_but_where_the_viewer_looks_is_in_the_notes_of_a_change() -> None:
    picture = textured(32)
    region = Region(4, 4, 12, 12)
    notes = measure(picture, 255 - picture[region.slices], region).notes()
    numbers = {name for name, value in notes.items() if isinstance(value, float)}
    assert numbers == {name for name in MEASURES if not name.startswith("eccentricity")}
