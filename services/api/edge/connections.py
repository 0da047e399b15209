"""How many clients are connected at a time: fewer than there are file descriptors.

At the limit a new connection replaces the one that has been idle for longest. If none is idle, a few more are let in
to be answered: ``/health`` and ``/ready`` as ever, anything else with 503. WebSockets stay for hours, so they have a
lower limit of their own.
"""

from __future__ import annotations

import asyncio
import logging
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


class TooManyConnections(ParafoveaError):
    """There is no room for this client now. Never on the bus."""

    code, status, retry_after_s = "too_many_connections", 503, 1


class Connection(Protocol):
    """A connection of the HTTP server."""

    transport: asyncio.Transport

    @property
    def is_at_work(self) -> bool:
        """Whether it has a request that is not answered yet, or is a WebSocket."""


class Connections:
    """Counts connections, and makes room.

    Attributes:
        limit: of connections at a time, without the spare ones.
    """

    def __init__(self) -> None:
        self.limit = max(LEAST, min(MOST, limit_now() - OWN_DESCRIPTORS - SPARE - ACCEPTED_AT_ONCE))
        self._known: dict[Connection, None] = {}
        self._spare: dict[Connection, None] = {}
        self._websockets: set[Connection] = set()
        self._full = Rarely(log)

    @property
    def websocket_limit(self) -> int:
        """WebSockets at a time."""
        return self.limit // 2

    def transports(self) -> list[asyncio.Transport]:
        """The transports of all connections."""
        return [connection.transport for connection in (*self._known, *self._spare)]

    def opened(self, connection: Connection) -> None:
        """Add a connection, perhaps in place of another."""
        if len(self._known) >= self.limit and not self._make_room():
            self._full.warn("%d connections are at work, the most that this server takes", self.limit)
            if len(self._spare) >= min(SPARE, self.limit // 2):
                self._end(next(iter(self._spare)))
            self._spare[connection] = None
            return
        self._known[connection] = None

    def closed(self, connection: Connection) -> None:
        """Remove a connection."""
        self._known.pop(connection, None)
        self._spare.pop(connection, None)
        self._websockets.discard(connection)

    def used(self, connection: Connection) -> None:
        """Note that a request was answered: of the idle ones it is now the newest."""
        if connection in self._known:
            self._known[connection] = self._known.pop(connection)

    def refusal(self, connection: Connection, path: bytes, *, is_websocket: bool) -> TooManyConnections | None:
        """Why its request is refused, or None."""
        if connection in self._spare:
            if path.endswith(OPEN_PATHS) and not is_websocket:
                return None
            return TooManyConnections(f"{self.limit} connections are in use, the most that there may be; try again.")
        if is_websocket and len(self._websockets) >= self.websocket_limit:
            return TooManyConnections(
                f"{self.websocket_limit} WebSockets are open, the most that there may be; close some, and try again."
            )
        return None

    def upgraded(self, connection: Connection) -> None:
        """Note that a connection is a WebSocket from now on."""
        self._websockets.add(connection)

    def _make_room(self) -> bool:
        idle = next((each for each in self._known if not each.is_at_work), None)
        if idle is None:
            return False
        self._end(idle)
        return True

    def _end(self, connection: Connection) -> None:
        self.closed(connection)
        connection.transport.abort()
