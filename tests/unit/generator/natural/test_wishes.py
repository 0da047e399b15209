from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from services.generator.natural.asking import check_change, check_magnitude, refuse_what_is_unheeded
from services.generator.natural.wishes import KINDS, is_natural, wish_of
from shared.bus.requests.generator import AskedRecipe
from shared.change import Change, Magnitude
from shared.errors import ChangeRefused, InvalidRequest
from shared.sectors import Region
from tests.support.processes import REPOSITORY

LOADED = "import sys, services.generator.natural.asking; print('cv2' in sys.modules, 'torch' in sys.modules)"


def asked(prompt: str = "", **fields: Any) -> AskedRecipe:
    return AskedRecipe(grid_size=3, target_sector="BR", prompt=prompt, seed=1, **fields)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (asked("add a red balloon"), False),
        (asked("remove the rock"), True),
        (asked("remove the rock", engine="model"), False),
        (asked("a bee", engine="natural"), True),
        (asked(change={"kind": "move"}), True),
        (asked(), False),
    ],
)
def test_whose_a_request_is(recipe: AskedRecipe, expected: bool) -> None:
    assert is_natural(recipe) is expected


def test_a_change_says_what_is_wished_for() -> None:
    wish = wish_of("", Change(kind="recolour", box=(1, 2, 3, 4), colour="pink"), Magnitude(area=(0, 1)))
    assert (wish.kinds, wish.box, wish.colour) == (("recolour",), Region(1, 2, 3, 4), "pink")
    assert wish.is_pointed_at
    assert wish.not_done is None
    assert wish_of("", Change(kind="natural"), None).kinds == KINDS


def test_a_prompt_says_what_is_wished_for_and_what_is_not_known_of_it() -> None:
    wish = wish_of("make the small sign pink", None, None)
    assert (wish.kinds, wish.colour, wish.size, wish.thing) == (("recolour",), "pink", "small", "sign")
    assert wish.not_done is not None
    assert "'sign'" in wish.not_done
    assert wish_of("something disappears", None, None).not_done is None


def test_a_prompt_that_names_no_change_leaves_it_open() -> None:
    wish = wish_of("a bee", None, None)
    assert wish.kinds == KINDS
    assert "names no change" in (wish.not_done or "")


def test_a_box_lies_in_its_sector() -> None:
    check_change(asked(change={"kind": "move", "box": (200, 200, 300, 300)}), (300, 300))
    for box in ((199, 200, 300, 300), (200, 200, 301, 300), (250, 250, 250, 260)):
        with pytest.raises(InvalidRequest, match="does not lie in the sector BR"):
            check_change(asked(change={"kind": "move", "box": box}), (300, 300))


def test_strict_refuses_what_is_not_done() -> None:
    refuse_what_is_unheeded(asked("something disappears"))
    with pytest.raises(InvalidRequest, match="'rock'"):
        refuse_what_is_unheeded(asked("remove the rock"))


def test_a_size_out_of_range_is_refused() -> None:
    check_magnitude(asked(magnitude={"area": (0.1, 0.2)}), {"area": 0.15})
    check_magnitude(asked(), {"area": 0.5})
    with pytest.raises(ChangeRefused, match=r"area is 0\.5"):
        check_magnitude(asked(magnitude={"area": (0.1, 0.2)}), {"area": 0.5})


def test_asking_whose_it_is_imports_nothing_heavy() -> None:
    said = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert said.stdout.split() == ["False", "False"]
