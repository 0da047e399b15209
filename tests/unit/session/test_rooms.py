"""The rooms of the on-disk format stand on one another, and import none that stands above."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SESSION = Path(__file__).parents[3] / "shared" / "session"
ROOMS = ("format", "text", "reading", "writing", "transfer")


def test_these_are_the_rooms() -> None:
    assert {path.parent.name for path in SESSION.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS[:-1])
def test_a_room_imports_none_above_it(room: str) -> None:
    above = "|".join(ROOMS[ROOMS.index(room) + 1 :])
    imports = re.compile(rf"^from shared\.session(?:\.| import .*\b)(?:{above})\b", re.M)
    for path in (SESSION / room).glob("*.py"):
        assert not imports.search(path.read_text(encoding="utf-8")), path.name
