"""Answers that clients do not read: how much may wait in memory, over all clients, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

LIMIT_BYTES = 256 * 1024 * 1024
"""Beyond it slow readers are cut off, the largest answer first; beyond twice as much any."""
UNREAD_S = 300.0
"""So long a client may read nothing of what waits for it."""
CHECK_S = 2.0
LEAST_TAKEN_BYTES = 64 * 1024
"""So much between two checks makes no slow reader."""


@dataclass(slots=True)
class _Seen:
    waiting_bytes: int
    since: float
    took_bytes: int


class Unread:
    """Cuts off connections that leave too much unread.

    Args:
        limit_bytes: of answers that wait, over all clients.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._seen: dict[asyncio.Transport, _Seen] = {}
        self._full = Rarely(log)

    def check(self, transports: Iterable[asyncio.Transport], now: float) -> None:
        """See what waits, and cut off whoever keeps it waiting; ``now`` is of a monotonic clock, in seconds."""
        before, self._seen = self._seen, {}
        for transport in transports:
            waiting_bytes = transport.get_write_buffer_size()
            if not waiting_bytes and not transport.is_closing():
                continue
            last = before.get(transport)
            if last is not None and last.waiting_bytes == waiting_bytes:
                seen = _Seen(waiting_bytes, last.since, 0)
            else:
                seen = _Seen(waiting_bytes, now, last.waiting_bytes - waiting_bytes if last else waiting_bytes)
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
