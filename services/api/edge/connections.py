"""How many clients are connected at a time, fewer than there are file descriptors, and how much they leave unread.

At the limit a new connection replaces the one that has been idle for longest. If none is idle, a few more are let in
to be answered: ``/health`` and ``/ready`` as ever, anything else with 503. WebSockets stay for hours, so they have a
lower limit of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from shared.errors import ParafoveaError
from shared.system.descriptors import limit_now
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

OWN_DESCRIPTORS = 96
"""For the bus, for sessions that are read, and for child processes."""
LEAST, MOST = 8, 4096
SPARE = 32
"""Connections beyond the limit that are let in to be answered; one more ends the oldest of them."""
ACCEPTED_AT_ONCE = 16
"""asyncio accepts up to so many before we see one."""
OPEN_PATHS = (b"/health", b"/ready")

UNREAD_BYTES = 256 * 1024 * 1024
"""Of answers in memory. Beyond it slow readers are cut off, the largest answer first; beyond twice as much any."""
UNREAD_S = 300.0
"""So long a client may read nothing of what waits for it, and say nothing over a WebSocket."""
CHECK_S = 2.0
LEAST_TAKEN_BYTES = 64 * 1024
"""So much between two checks makes no slow reader."""


class TooManyConnections(ParafoveaError):
    """There is no room for this client now. Never on the bus."""

    code, status, retry_after_s = "too_many_connections", 503, 1


class ServedConnection(Protocol):
    """A connection of the HTTP server."""

    transport: asyncio.Transport

    @property
    def is_at_work(self) -> bool:
        """Whether it has a request that is not answered yet, or is a WebSocket."""

    @property
    def said_bytes(self) -> int:
        """What came over it as a WebSocket so far."""


class Connections:
    """Counts connections, and makes room."""

    def __init__(self) -> None:
        self._limit = max(LEAST, min(MOST, limit_now() - OWN_DESCRIPTORS - SPARE - ACCEPTED_AT_ONCE))
        self._websocket_limit = self._limit // 2
        self._known: dict[ServedConnection, None] = {}
        self._spare: dict[ServedConnection, None] = {}
        self._websockets: set[ServedConnection] = set()
        self._full = Rarely(log)

    async def cut_off_unread(self) -> None:
        """Cut off, again and again, those that leave too much unread."""
        unread = Unread()
        while True:
            await asyncio.sleep(CHECK_S)
            connections = [(each.transport, each.said_bytes) for each in (*self._known, *self._spare)]
            unread.check(connections, asyncio.get_running_loop().time())

    def opened(self, connection: ServedConnection) -> None:
        """Add a connection, perhaps in place of another."""
        if len(self._known) >= self._limit and not self._make_room():
            self._full.warn("%d connections are at work, the most that this server takes", self._limit)
            if len(self._spare) >= min(SPARE, self._limit // 2):
                self._end(next(iter(self._spare)))
            self._spare[connection] = None
            return
        self._known[connection] = None

    def closed(self, connection: ServedConnection) -> None:
        """Remove a connection."""
        self._known.pop(connection, None)
        self._spare.pop(connection, None)
        self._websockets.discard(connection)

    def used(self, connection: ServedConnection) -> None:
        """Note that a request was answered: of the idle ones it is now the newest."""
        if connection in self._known:
            self._known[connection] = self._known.pop(connection)

    def refusal(self, connection: ServedConnection, path: bytes, *, is_websocket: bool) -> TooManyConnections | None:
        """Why its request is refused, or None."""
        if connection in self._spare:
            if path.endswith(OPEN_PATHS) and not is_websocket:
                return None
            return TooManyConnections(f"{self._limit} connections are in use, the most that there may be; try again.")
        if is_websocket and len(self._websockets) >= self._websocket_limit:
            return TooManyConnections(
                f"{self._websocket_limit} WebSockets are open, the most that there may be; close some, and try again."
            )
        return None

    def upgraded(self, connection: ServedConnection) -> None:
        """Note that a connection is a WebSocket from now on."""
        self._websockets.add(connection)

    def _make_room(self) -> bool:
        idle = next((each for each in self._known if not each.is_at_work), None)
        if idle is not None:
            self._end(idle)
        return idle is not None

    def _end(self, connection: ServedConnection) -> None:
        self.closed(connection)
        connection.transport.abort()


@dataclass(slots=True)
class _Seen:
    waiting_bytes: int
    said_bytes: int
    since: float
    took_bytes: int


class Unread:
    """Cuts off connections that leave too much unread; ``limit_bytes`` is over all clients.

    A tracker's program sends over its WebSocket for hours and reads nothing: within the limit it stays.
    """

    def __init__(self, limit_bytes: int = UNREAD_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._seen: dict[asyncio.Transport, _Seen] = {}
        self._full = Rarely(log)

    def check(self, connections: Iterable[tuple[asyncio.Transport, int]], now: float) -> None:
        """See what waits, and cut off whoever keeps it waiting, and says nothing; ``connections`` are each with what
        came over it as a WebSocket so far, in bytes, and ``now`` is of a monotonic clock, in seconds."""
        before, self._seen = self._seen, {}
        for transport, said_bytes in connections:
            waiting_bytes = transport.get_write_buffer_size()
            if not waiting_bytes and not transport.is_closing():
                continue
            last = before.get(transport)
            took_bytes = last.waiting_bytes - waiting_bytes if last else waiting_bytes
            is_quiet = last is not None and not took_bytes and last.said_bytes == said_bytes
            seen = _Seen(waiting_bytes, said_bytes, last.since if last and is_quiet else now, took_bytes)
            self._seen[transport] = seen
            if now - seen.since > UNREAD_S:
                self._cut_off(transport)
        self._make_room()

    def _make_room(self) -> None:
        total = sum(seen.waiting_bytes for seen in self._seen.values())
        for transport, seen in sorted(self._seen.items(), key=lambda each: -each[1].waiting_bytes):
            if total <= self._limit_bytes:
                return
            if seen.took_bytes < LEAST_TAKEN_BYTES or total > 2 * self._limit_bytes:
                self._full.warn("answers of %d MiB are not read: a client that does not read is cut off", total >> 20)
                total -= seen.waiting_bytes
                self._cut_off(transport)

    def _cut_off(self, transport: asyncio.Transport) -> None:
        self._seen.pop(transport, None)
        transport.abort()
