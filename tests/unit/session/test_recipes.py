"""What a recorded frame can be made again from."""

from __future__ import annotations

from typing import Any

import pytest

from shared.session.format.recipes import NoRecipe, recipe_of

ENTRY = {"grid_size": 2, "target_sector": "BR", "prompt": "a hat", "seed": 3, "steps": 4, "sha256": "0" * 64}


def test_it_is_what_the_entry_says() -> None:
    made = recipe_of({**ENTRY, "negative_prompt": "red", "strength": 0.5, "of": "another hand"})
    assert made.model_dump(exclude_none=True) == {
        "grid_size": 2,
        "target_sector": "BR",
        "prompt": "a hat",
        "negative_prompt": "red",
        "seed": 3,
        "steps": 4,
        "strength": 0.5,
    }


def test_where_nobody_says_where_the_viewer_looked_in_our_terms_it_is_not_told() -> None:
    entry = {**ENTRY, "focus_sector": "MC", "focus_x": 7.0, "focus_y": 0.5}
    told = recipe_of(entry)
    assert (told.focus_sector, told.focus_x, told.focus_y) == (None, None, 0.5)
    assert recipe_of({**entry, "grid_size": 3}).focus_sector == "MC"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"seed": None}, "which seed"),
        ({"grid_size": None}, "which grid"),
        ({"target_sector": None}, "which target sector"),
        ({"target_sector": "MC"}, "no sector MC"),
        ({"seed": -1}, "no request: seed"),
        ({"prompt": 5}, "no request: prompt"),
    ],
)
def test_one_that_lacks_something_is_none(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(NoRecipe, match=problem):
        recipe_of({**ENTRY, **changes})
