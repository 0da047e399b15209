"""When the frames of a session come in a replay."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shared.session.reading.reader import SessionReader
from shared.session.reading.timeline import DEFAULT_GAP_S, Timeline, round_s, times
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.scripted_disk import ScriptedDisk


def test_a_clock_that_was_set_back_makes_no_interval_and_changes_no_other() -> None:
    assert list(Timeline([100.0, 101.0, 50.0, 52.0, 51.5]).offsets) == [0.0, 1.0, 1.0, 3.0, 3.0]


def test_a_time_that_is_not_told_is_that_of_the_frame_before() -> None:
    assert list(Timeline([None, 100.0, None, math.nan, math.inf, 102.0]).offsets) == [0.0, 0.0, 0.0, 0.0, 0.0, 2.0]


def test_an_entry_that_says_no_time_or_is_none_has_none(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(number, timestamp=CREATED_AT + number / 2) for number in (0, 1, 2, 3, 5)])
    writer.close()
    path = root / "s" / "metadata.json"
    text = path.read_text()
    for number, value in ((1, "null"), (2, '"soon"'), (3, "true")):
        text = text.replace(f'"timestamp":{CREATED_AT + number / 2}', f'"timestamp":{value}')
    path.write_text(text.replace('"index":3,', '"index":"third",'))
    with SessionReader(root / "s", salvage=True) as reader:
        assert times(reader, 0) == [CREATED_AT, None, None, None, CREATED_AT + 2.5]
        assert times(reader, 4) == [CREATED_AT + 2.5]


def test_the_last_interval_of_a_loop_is_used_twice() -> None:
    assert round_s([]) == round_s([0.0]) == DEFAULT_GAP_S
    assert round_s([0.0, 1.0, 1.5]) == 2.0
    assert round_s([0.0, 1.0, 1.0]) == 1.0 + DEFAULT_GAP_S


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True))), st.integers(0, 5))
def test_it_never_falls_however_it_grows(times: list[float | None], cut: int) -> None:
    made = Timeline(times[:cut])
    made.extend(times[cut:])
    assert made.offsets == Timeline(times).offsets
    assert all(before <= after for before, after in pairwise(made.offsets))
    assert all(math.isfinite(offset) for offset in made.offsets)
