"""Waiting, for a moment, until a session that was ended is closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from services.recorder.ledger.ledger import Ledger

END_S = 1.0
"""How long who ends a session waits for it to be closed; a disk that is slower than this closes it later."""


class Closing:
    """Who ends a session meets here who closes it: whoever packs its files next packs none that says it is open."""

    def __init__(self, ledger: Ledger, wake: asyncio.Event) -> None:
        self._ledger = ledger
        self._wake = wake
        self._awaited: dict[str, asyncio.Future[int]] = {}

    def __len__(self) -> int:
        """Sessions that somebody waits for."""
        return len(self._awaited)

    def expect(self, session_id: str) -> asyncio.Future[int]:
        """How many frames a session has when it is closed, for :meth:`wait`. Ask before the session is ended: from then
        on it may be closed at any moment."""
        return self._awaited.setdefault(session_id, asyncio.get_running_loop().create_future())

    async def wait(self, session_id: str, closed: asyncio.Future[int]) -> tuple[int, int]:
        """How many frames a session has that was ended, and how many wait."""
        ledger = self._ledger
        self._wake.set()
        is_open = session_id in ledger.recorded
        if not is_open and not ledger.pending(session_id):
            self._awaited.pop(session_id, None)  # nothing of that name will be closed
        is_refused = ledger.backoff.reason(session_id) is not None or ledger.backoff.folder is not None
        if closed.done() or (is_open and not is_refused):
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    return await asyncio.shield(closed), 0
        return ledger.recorded.get(session_id, 0), ledger.pending(session_id)

    def closed(self, session_id: str, count: int) -> None:
        """A session is closed, with so many frames."""
        if (awaited := self._awaited.pop(session_id, None)) is not None:
            awaited.set_result(count)

    def forget(self, session_id: str) -> None:
        """A session was deleted."""
        self._awaited.pop(session_id, None)
