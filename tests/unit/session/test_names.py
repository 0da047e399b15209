"""Session ids, file names, and sets of numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidSessionId, SessionExists
from shared.session.format import ids, layout
from shared.session.format.numbers import NumberSet


@pytest.mark.parametrize(
    "good", ["a", "9", "my_experiment", "session_1736155234", "A.b-c_d", "x" * 128, "Start", "com"]
)
def test_valid_ids(good: str) -> None:
    assert ids.validate(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        *["", "x" * 129, ".hidden", "-a", "_a", "..", "a/b", "a\\b", "a b", "a\n", "a\0", "ä", "a."],
        *["list", "start", "stop", "status", "replay", "next", "previous", "seek", "play", "pause", "compare"],
        *["import", "con", "CON", "nul.txt", "Aux", "prn", "com1", "LPT9.x"],
    ],
)
def test_invalid_ids(bad: str) -> None:
    with pytest.raises(InvalidSessionId) as caught:
        ids.validate(bad)
    assert caught.value.detail.isprintable()


def test_an_id_is_claimed_once_and_in_one_case(tmp_path: Path) -> None:
    (tmp_path / "Mine").mkdir()
    with pytest.raises(SessionExists):
        ids.claim(tmp_path, "Mine")
    with pytest.raises(InvalidSessionId, match="only in case"):
        ids.claim(tmp_path, "mine")
    assert ids.claim(tmp_path, "other") == "other"
    assert ids.claim(tmp_path / "none", "other") == "other"


def test_ids_made_in_the_same_second_are_numbered(tmp_path: Path) -> None:
    made = []
    for _ in range(3):
        made.append(ids.automatic(tmp_path, 1736155234.9))
        (tmp_path / made[-1]).mkdir()
    assert made == ["session_1736155234", "session_1736155234_2", "session_1736155234_3"]
    assert ids.automatic(tmp_path / "none", 5.0) == "session_5"


@pytest.mark.parametrize(("index", "name"), [(0, "0000_BR.png"), (9999, "9999_TL.png"), (100_000, "100000_MC.png")])
def test_frame_names_there_and_back(index: int, name: str) -> None:
    sector = name[-6:-4]
    assert layout.frame_name(index, sector) == name
    assert layout.parse_frame_name(name) == layout.FrameName(index, sector)


@pytest.mark.parametrize(
    "name",
    ["000_BR.png", "00001_BR.png", "0000_br.png", "0000_BR.PNG", "0000_BR.png\n", "0000_BRR.png", "../0000_BR.png"],
)
def test_other_names_are_not_frames(name: str) -> None:
    assert layout.parse_frame_name(name) is None


def test_input_names() -> None:
    sha256 = "ab" * 32
    assert layout.input_name(sha256, "jpg") == f"inputs/{sha256}.jpg"
    assert layout.parse_input_name(f"{sha256}.webp") == sha256
    assert layout.parse_input_name(f"{sha256}.gif") is None
    with pytest.raises(ValueError, match="an input is one of"):
        layout.input_name(sha256, "exe")


@given(st.lists(st.integers(0, 30)))
def test_a_set_of_numbers_is_a_set(numbers: list[int]) -> None:
    found = NumberSet()
    for number in numbers:
        found.add(number)
    assert {n for n in range(31) if n in found} == set(numbers)
    assert len(found) == len(set(numbers))
    assert found.next == max(numbers, default=-1) + 1
    assert [found.count(start, 20) for start in range(31)] == [
        sum(start <= n < 20 for n in set(numbers)) for start in range(31)
    ]
    ranges = found.ranges()
    assert all(start < stop for start, stop in ranges)
    assert all(ranges[i][1] < ranges[i + 1][0] for i in range(len(ranges) - 1)), "neighbours are joined"


def test_numbers_without_gaps_take_one_range() -> None:
    found = NumberSet()
    found.add_range(0, 1000)
    assert found.ranges() == [(0, 1000)]
