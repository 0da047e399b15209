"""Slots for imports: few run at a time, and while others wait, each archive has to come at a minimum pace.

Only the time spent waiting for its sender counts, not what the import itself takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.api.http.pace import Pace
from services.api.http.uploads import ServerBusy

AT_ONCE = 2
"""Imports that run at a time; others wait, and so do their senders."""
MAX_WAITING = 8
WAIT_S = 600.0
"""How long an import waits for a slot."""
WINDOW_S = 60.0
LEAST_BYTES_PER_S = 64 * 1024
"""On average over :data:`WINDOW_S`, of each import that others wait for."""


class ImportsBusy(ServerBusy):
    """Too many imports, which take longer than bodies."""

    retry_after_s = 30


class ImportSlots:
    """Gives out the slots, first come, first served."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self.waiting = 0
        self._holders: set[Pace] = set()

    @asynccontextmanager
    async def hold(self, body: Pace) -> AsyncIterator[None]:
        """Hold a slot, perhaps after a wait. Raises ServerBusy if many wait already, or it took too long."""
        await self._acquire()
        self._holders.add(body)
        self._set_pace()
        try:
            yield
        finally:
            self._holders.remove(body)
            self._free.release()

    async def _acquire(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        if self.waiting >= MAX_WAITING:
            raise ImportsBusy(f"{AT_ONCE} imports are under way and {MAX_WAITING} wait; import again later.")
        self.waiting += 1
        self._set_pace()
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            raise ImportsBusy(f"The imports before this one took over {WAIT_S:g} s; import again later.") from None
        finally:
            self.waiting -= 1
            self._set_pace()

    def _set_pace(self) -> None:
        for body in self._holders:
            if self.waiting:
                body.require(int(LEAST_BYTES_PER_S * WINDOW_S), WINDOW_S)
            else:
                body.relax()
