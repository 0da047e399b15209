"""What each caller of a channel has under way: requests that wait or run, answers that it has not read.

Bounded for each caller and for all of them, so that one that asks and never reads costs itself. No sockets here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from shared.bus.envelope import Payload, Request

MIB = 1024 * 1024

REQUESTS_EACH = 8192
"""Twice the connections that the API takes: each may ask something."""
REQUESTS = 16_384
LARGEST_REQUESTS = 12
"""Requests under way have as many bytes at the most as this many of the largest: of pictures, those of a full queue."""

IN_LINE_EACH = 32
"""Requests of one caller that read pictures at a time: as many as a process has threads for it."""
TYPICAL_BYTES = 2 * MIB
"""Of an answer that is being made."""
UNREAD_BYTES_EACH = 16 * MIB
UNREAD_BYTES = 64 * MIB
"""While so much is unread or being made, pictures wait. A caller of whom nothing is gets one in any case."""


class Tracker(Protocol):
    @property
    def done(self) -> bool: ...


@dataclass(eq=False, slots=True)
class Caller:
    """One peer of the channel.

    Attributes:
        descriptor: of its connection, where that is known.
        requests, request_bytes: taken from it and not answered yet, those that wait included.
        line: requests that wait for earlier answers to be read, with their bytes.
        running: requests from the line that are being carried out.
        outgoing: answers that libzmq does not take: its queue for this caller is full.
        unread, unread_bytes: answers that libzmq holds, those of some size alone.
        moved_s: monotonic seconds at which it last read something, or began to have something to read.
    """

    identity: bytes
    descriptor: int | None = None
    requests: int = 0
    request_bytes: int = 0
    line: deque[tuple[Request, int]] = field(default_factory=deque)
    running: int = 0
    outgoing: deque[list[Payload]] = field(default_factory=deque)
    unread: deque[tuple[Tracker, int]] = field(default_factory=deque)
    unread_bytes: int = 0
    moved_s: float = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether so much is unread that whatever it asks waits."""
        return bool(self.outgoing) or self.unread_bytes >= 2 * UNREAD_BYTES_EACH

    @property
    def has_unread(self) -> bool:
        """Whether there are answers that it has not read."""
        return bool(self.outgoing or self.unread)


class Callers:
    """All callers with something under way, whose requests may have ``request_bytes`` together."""

    def __init__(self, request_bytes: int) -> None:
        self._limit_bytes = request_bytes
        self._callers: dict[bytes, Caller] = {}
        self.requests = 0
        self.request_bytes = 0
        self.running = 0
        self.unread_bytes = 0

    def __iter__(self) -> Iterator[Caller]:
        return iter(list(self._callers.values()))

    def __len__(self) -> int:
        return len(self._callers)

    def of(self, identity: bytes) -> Caller:
        return self._callers.setdefault(identity, Caller(identity))

    def forget_idle(self, caller: Caller) -> None:
        if not (caller.requests or caller.has_unread):
            self._callers.pop(caller.identity, None)

    # -- requests -----------------------------------------------------------------------------------------------------

    def admits(self, caller: Caller, size: int) -> bool:
        """Whether one more request may be under way. Once all places are taken, those who have few still get some."""
        if caller.requests >= REQUESTS_EACH:
            return False
        if self.requests < REQUESTS and self.request_bytes + size <= self._limit_bytes:
            return True
        share = 2 * max(1, len(self))
        return caller.requests < REQUESTS // share and caller.request_bytes + size <= self._limit_bytes // share

    def count(self, caller: Caller, requests: int, size: int) -> None:
        """So many requests, and bytes of theirs, have come to be under way; negative ones are so no more."""
        caller.requests += requests
        caller.request_bytes += size
        self.requests += requests
        self.request_bytes += size

    # -- the line -----------------------------------------------------------------------------------------------------

    def next_of(self, caller: Caller) -> tuple[Request, int] | None:
        """The next request of a caller's line that may be carried out now; it runs, until :meth:`left`."""
        if not caller.line or caller.outgoing or caller.unread_bytes >= UNREAD_BYTES_EACH:
            return None
        is_full = self.unread_bytes + self.running * TYPICAL_BYTES >= UNREAD_BYTES
        if caller.running >= IN_LINE_EACH or (is_full and (caller.running or caller.unread)):
            return None
        caller.running += 1
        self.running += 1
        return caller.line.popleft()

    def left(self, caller: Caller) -> None:
        """A request from the line has been carried out."""
        caller.running -= 1
        self.running -= 1

    def drop_line(self, caller: Caller) -> None:
        """The caller is gone: what it asked is not carried out, and what it was answered is nobody's."""
        while caller.line:
            _, size = caller.line.popleft()
            self.count(caller, -1, -size)
        caller.outgoing.clear()

    # -- answers ------------------------------------------------------------------------------------------------------

    def sent(self, caller: Caller, tracker: Tracker | None, size: int) -> None:
        """libzmq has taken an answer; with a tracker, it may hold it."""
        if tracker is not None:
            caller.unread.append((tracker, size))
            caller.unread_bytes += size
            self.unread_bytes += size

    def collect(self, caller: Caller) -> bool:
        """Notice what the caller has read; whether it has."""
        moved = False
        while caller.unread and caller.unread[0][0].done:
            _, size = caller.unread.popleft()
            caller.unread_bytes -= size
            self.unread_bytes -= size
            moved = True
        return moved
