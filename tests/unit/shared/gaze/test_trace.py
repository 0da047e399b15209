"""Gaze traces as files that trackers, programs and people write."""

from __future__ import annotations

import io
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.gaze.sample import Sample
from shared.gaze.trace import MAX_LINE_CHARS, Trace, UnusableTrace


def samples(text: str) -> list[Sample]:
    return list(Trace(io.StringIO(text, newline="")))


def test_all_columns() -> None:
    (one,) = samples("t,x,y,pupil,confidence,open\n1.5,0.25,0.75,3.1,0.9,8\n")
    assert one == Sample(1_500_000_000, 0.25, 0.75, 3.1, 0.9, 8.0)


@pytest.mark.parametrize(
    "text",
    [
        "y,x,t\n0.75,0.25,1.5\n",
        "\ufefft,x,y\r\n1.5,0.25,0.75\r\n",
        "label,T, X ,y,other\nfixation,1.5, 0.25 ,0.75,\n",
        't,x,y\n"1.5","0.25","0.75"',
        "t,x,y\n\n1.5,0.25,0.75\n\n",
        "t,x,y\n1500e-3,.25,.75,9,9\n",
    ],
)
def test_the_ways_to_write_it(text: str) -> None:
    (one,) = samples(text)
    assert (one.t_ns, one.x, one.y) == (1_500_000_000, 0.25, 0.75)
    assert isnan(one.pupil)


@pytest.mark.parametrize("missing", ["", "nan", "NaN", " "])
def test_what_is_missing(missing: str) -> None:
    one, other = samples(f"t,x,y,pupil\n0,{missing},{missing},{missing}\n1,0.5\n")
    assert all(isnan(value) for value in (one.x, one.y, one.pupil, other.y, other.pupil))
    assert not one.is_valid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("t,x,y\n", "no line follows"),
        ("t,x\n0,0.5\n", "line 1 names no column y"),
        ("time;x;y\n", "names no column t, x, y"),
        ("0,0.5,0.5\n", "names no column t, x, y"),
        ("t,x,y,x\n", "line 1 names the column x twice"),
        ("t,x,y\n0,0.5,0.5\n1,left,0.5\n", "line 3: 'left' in the column x is no number"),
        ("t,x,y\n0,0.5,0.5\n,0.5,0.5\n", "line 3 has no time"),
        ("t,x,y\ninf,0.5,0.5\n", "line 2 has no time"),
        ("t,x,y\n1e300,0.5,0.5\n", "line 2 has no time"),
        ("t,x,y\n0,0.5," + "5" * MAX_LINE_CHARS, "line 2 is longer"),
    ],
)
def test_what_is_no_trace(text: str, said: str) -> None:
    with pytest.raises(UnusableTrace, match=said):
        samples(text)


def test_samples_that_are_not_later_are_left_out_and_counted() -> None:
    trace = Trace(io.StringIO("t,x,y\n0,0,0\n1,0.1,0\n1,0.2,0\n0.5,0.3,0\n2,0.4,0\n"))
    assert [one.x for one in trace] == [0, 0.1, 0.4]
    assert (trace.skipped, trace.first_skipped_line) == (2, 4)


class Counted(io.StringIO):
    """Counts the lines that were read."""

    count = 0

    def readline(self, size: int | None = -1, /) -> str:
        self.count += 1
        return super().readline(size)


def test_it_is_read_as_it_is_asked_for() -> None:
    file = Counted("t,x,y\n" + "".join(f"{n},0.5,0.5\n" for n in range(1000)))
    reading = iter(Trace(file))
    assert [next(reading).t_ns for _ in range(2)] == [0, 1_000_000_000]
    assert file.count == 3


@given(st.text(), st.lists(st.lists(st.text(max_size=5) | st.floats().map(str), max_size=6)))
def test_no_text_does_anything_else(head: str, rows: list[list[str]]) -> None:
    for first in (head, "t,x,y,pupil"):
        try:
            found = samples("\n".join([first, *(",".join(row) for row in rows)]))
        except UnusableTrace:
            continue
        times = [one.t_ns for one in found]
        assert times == sorted(set(times))
