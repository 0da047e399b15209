"""Answers that nobody reads."""

from __future__ import annotations

import asyncio
from typing import cast

from services.api.edge.connections import LEAST_TAKEN_BYTES, UNREAD_S, Unread


class Waiting:
    """A connection, as far as it is looked at."""

    def __init__(self, size: int, *, is_closing: bool = False) -> None:
        self.size, self._is_closing, self.aborted = size, is_closing, False
        self.said_bytes = 0

    def get_write_buffer_size(self) -> int:
        return self.size

    def is_closing(self) -> bool:
        return self._is_closing

    def abort(self) -> None:
        self.aborted = True


def look(unread: Unread, now: float, *connections: Waiting) -> None:
    left = [(each, each.said_bytes) for each in connections if not each.aborted]
    unread.check(cast("list[tuple[asyncio.Transport, int]]", left), now)


def test_within_the_limit_one_may_take_its_time() -> None:
    unread, one = Unread(1000), Waiting(900)
    for now in range(0, int(UNREAD_S), 10):
        look(unread, now, one)
    assert not one.aborted
    one.size -= 1
    look(unread, UNREAD_S, one)
    look(unread, 2 * UNREAD_S, one)
    assert not one.aborted
    look(unread, 2 * UNREAD_S + 1, one)
    assert one.aborted


def test_who_sends_meanwhile_may_leave_it_unread() -> None:
    """A tracker's program sends for hours over a WebSocket, and never reads."""
    unread, tracker, quiet = Unread(1000), Waiting(400), Waiting(400)
    for now in range(0, 3 * int(UNREAD_S), 10):
        tracker.said_bytes += 30
        look(unread, now, tracker, quiet)
    assert (tracker.aborted, quiet.aborted) == (False, True)
    look(unread, 3 * UNREAD_S, tracker)
    look(unread, 4 * UNREAD_S + 1, tracker)
    assert tracker.aborted, "it has stopped"


def test_at_the_limit_who_sends_goes_like_others() -> None:
    limit = 10 * LEAST_TAKEN_BYTES
    unread, tracker = Unread(limit), Waiting(limit + 1)
    for now in (0, 2):
        tracker.said_bytes += 30
        look(unread, now, tracker)
    assert tracker.aborted


def test_the_end_of_a_last_answer_is_waited_for_as_long() -> None:
    """Of a client that asked for ``Connection: close`` the server has closed while an answer's end still waits."""
    unread, one = Unread(1000), Waiting(10, is_closing=True)
    for now in range(0, int(UNREAD_S) + 1, 10):
        look(unread, now, one)
    assert not one.aborted
    look(unread, UNREAD_S + 1, one)
    assert one.aborted


def test_the_end_of_a_last_answer_counts_at_the_limit() -> None:
    limit = 10 * LEAST_TAKEN_BYTES
    unread, one = Unread(limit), Waiting(limit + 1, is_closing=True)
    look(unread, 0, one)
    assert not one.aborted, "who has just begun is not judged yet"
    look(unread, 2, one)
    assert one.aborted


def test_at_the_limit_those_who_take_little_go_the_largest_first() -> None:
    limit = 10 * LEAST_TAKEN_BYTES
    unread = Unread(limit)
    stalled, larger, reading = Waiting(limit // 3), Waiting(limit // 2), Waiting(limit // 3 * 2)
    look(unread, 0, stalled, larger, reading)
    assert not any(each.aborted for each in (stalled, larger, reading)), "who has just begun is not judged yet"
    reading.size -= LEAST_TAKEN_BYTES
    larger.size -= 1
    look(unread, 2, stalled, larger, reading)
    assert [stalled.aborted, larger.aborted, reading.aborted] == [False, True, False]


def test_beyond_twice_the_limit_anybody_goes() -> None:
    limit = 10 * LEAST_TAKEN_BYTES
    unread = Unread(limit)
    many = [Waiting(7 * LEAST_TAKEN_BYTES) for _ in range(10)]
    look(unread, 0, *many)
    assert sum(not each.aborted for each in many) == 2
