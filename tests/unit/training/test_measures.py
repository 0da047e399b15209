"""The measures' pure parts: distances between layers, cases, the card's tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("resvg_py", reason="training needs the packages of the train extra")

from training.card import END, START, fill
from training.diversity import distance, mean_distance
from training.evaluate import cases
from training.objects import BY_NAME, OBJECTS


def _square(left: int, colour: float) -> np.ndarray:
    layer = np.zeros((32, 32, 4), np.float32)
    layer[8:24, left : left + 8, :3] = colour
    layer[8:24, left : left + 8, 3] = 1
    return layer


def test_the_same_layer_is_at_no_distance() -> None:
    assert distance(_square(8, 0.5), _square(8, 0.5)) == 0
    assert distance(np.zeros((8, 8, 4), np.float32), np.zeros((8, 8, 4), np.float32)) == 0


def test_distance_counts_only_what_is_covered() -> None:
    assert distance(_square(8, 1.0), _square(8, 0.0)) == pytest.approx(0.75)
    assert distance(_square(0, 1.0), _square(16, 1.0)) == pytest.approx(1.0)


def test_mean_distance_is_over_pairs() -> None:
    assert mean_distance([_square(8, 1.0)]) is None
    three = [_square(8, 1.0), _square(8, 1.0), _square(8, 0.0)]
    assert mean_distance(three) == pytest.approx(0.5)


def test_cases_cover_all_objects_and_photographs_where_they_belong() -> None:
    todo = cases(600, photographs=6)
    assert len(todo) == 600
    assert {case.object for case in todo} == {item.name for item in OBJECTS}
    assert {case.photograph for case in todo} == set(range(6))
    assert len({case.seed for case in todo}) > 590
    for case in todo:
        place = BY_NAME[case.object].place
        assert case.object in case.prompt
        assert place == "any" or case.sector[0] == {"sky": "T", "ground": "B"}[place]
    assert todo == cases(600, photographs=6)


FIGURES = {
    "edits": 600,
    "objects": 78,
    "device": "bfloat16",
    "seconds_median": 0.5,
    "nothing_drawn": 0,
    "strayed_pixels": 0,
    "judges": {
        name: {
            "accuracy": 0.9,
            "accuracy_of_three": 0.95,
            "error_on_kept_set": 0.2,
            "error_on_models_drawings": 0.05,
            "worst": ["pig 50%"],
        }
        for name in ("broad", "strict")
    },
    "diversity": {
        "between_seeds": 0.2,
        "between_training_drawings": 0.25,
        "ratio": 0.8,
        "between_seeds_of_one_manner": 0.03,
    },
}


def test_figures_go_between_the_marks_and_again(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    fill(card, FIGURES)
    once = card.read_text()
    assert "90.0 %" in once
    assert "old" not in once
    assert once.startswith("before")
    assert once.endswith("after\n")
    fill(card, FIGURES)
    assert card.read_text() == once


def test_a_card_without_marks_is_an_error(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("nothing here")
    with pytest.raises(ValueError, match="no marks"):
        fill(card, FIGURES)
