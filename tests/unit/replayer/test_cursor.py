"""A cursor's steps, without a session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.replayer.cursors.cursor import Cursor, Cursors


def step(cursor: Cursor, total: int) -> int | None:
    position = cursor.ahead(total)
    if position is None:
        cursor.complete()
    else:
        cursor.show(position)
    return position


def step_back(cursor: Cursor, total: int) -> int | None:
    position = cursor.behind(total)
    if position is not None:
        cursor.show(position)
    return position


def test_next_goes_through_and_stays_at_the_end() -> None:
    cursor = Cursor("default", "s")
    assert [step(cursor, 3) for _ in range(5)] == [0, 1, 2, None, None]
    assert cursor.state(3) == "complete"


def test_a_session_that_grows_goes_on() -> None:
    cursor = Cursor("default", "s")
    assert [step(cursor, 1) for _ in range(2)] == [0, None]
    assert cursor.state(2) == "replaying"
    assert step(cursor, 2) == 1


def test_complete_is_what_the_client_was_told_not_what_is_next() -> None:
    cursor = Cursor("default", "s")
    step(cursor, 1)
    assert cursor.state(1) == "replaying"
    step(cursor, 1)
    assert cursor.state(1) == "complete"
    cursor.seek(0)
    assert cursor.state(1) == "replaying"


def test_an_empty_session_is_complete_at_once() -> None:
    cursor = Cursor("default", "s")
    assert cursor.state(0) == "replaying"
    assert step(cursor, 0) is None
    assert cursor.behind(0) is None


def test_previous_is_the_frame_before_the_one_on_the_screen() -> None:
    cursor = Cursor("default", "s")
    for _ in range(3):
        step(cursor, 5)
    assert [step_back(cursor, 5) for _ in range(3)] == [1, 0, None]
    assert step(cursor, 5) == 1, "and next is the one behind it"


def test_previous_from_the_end() -> None:
    cursor = Cursor("default", "s")
    while step(cursor, 3) is not None:
        continue
    assert step_back(cursor, 3) == 1


def test_after_a_seek_nothing_is_on_the_screen() -> None:
    cursor = Cursor("default", "s")
    cursor.seek(3)
    assert cursor.behind(5) == 2
    assert step(cursor, 5) == 3


def test_previous_at_the_beginning_is_nothing() -> None:
    cursor = Cursor("default", "s")
    assert cursor.behind(5) is None
    step(cursor, 5)
    assert cursor.behind(5) is None


@given(st.integers(0, 20), st.lists(st.one_of(st.sampled_from(["next", "previous"]), st.integers(0, 20))))
def test_no_course_leaves_the_session(total: int, course: list[str | int]) -> None:
    cursor = Cursor("default", "s")
    for move in course:
        if isinstance(move, int):
            cursor.seek(min(move, total))
            continue
        shown = step(cursor, total) if move == "next" else step_back(cursor, total)
        assert shown is None or 0 <= shown < total
        assert 0 <= cursor.position <= total


def test_the_cursor_unused_for_longest_makes_room() -> None:
    cursors = Cursors(limit=3)
    for name in "abc":
        cursors.put(Cursor(name, "s"))
    assert cursors.get("a") is not None
    cursors.put(Cursor("d", "s"))
    assert len(cursors) == 3
    assert cursors.get("b") is None
    assert [cursor.name for cursor in cursors.recent(2)] == ["a", "d"]


def test_putting_a_cursor_again_replaces_it() -> None:
    cursors = Cursors()
    cursors.put(Cursor("a", "one"))
    cursors.put(Cursor("a", "two"))
    found = cursors.get("a")
    assert found is not None
    assert found.session_id == "two"
    assert cursors.drop("a") is found
    assert cursors.drop("a") is None
