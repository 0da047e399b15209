"""Who imports, and who waits for it: few at a time, and nobody keeps a place by hardly sending.

An archive may come slowly while no other waits for its place. Where one does, so many bytes must come in each minute
that is spent waiting for them; what the import itself takes doesn't count.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.api.http.pace import Pace
from services.api.http.uploads import ServerBusy

AT_ONCE = 2
"""Imports that run side by side; another one waits, and so does its sender."""
MAX_WAITING = 8
WAIT_S = 600.0
"""How long one waits for its turn."""
WINDOW_S = 60.0
LEAST_BYTES_PER_S = 64 * 1024
"""On average over :data:`WINDOW_S`, of each import that others wait for."""


class ImportsBusy(ServerBusy):
    """The same of imports, which take longer."""

    retry_after_s = 30


class ImportSlots:
    """Gives out the places, to whoever came first."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._holders: set[Pace] = set()

    @asynccontextmanager
    async def hold(self, body: Pace) -> AsyncIterator[None]:
        """Have one of the places, perhaps after a wait.

        Args:
            body: what is imported; it has to come fast enough while others wait.

        Raises:
            ServerBusy: many wait already, or it took too long.
        """
        await self._acquire()
        self._holders.add(body)
        self._look()
        try:
            yield
        finally:
            self._holders.remove(body)
            self._free.release()

    async def _acquire(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting >= MAX_WAITING:
            raise ImportsBusy(f"{AT_ONCE} imports are under way and {MAX_WAITING} wait; import again later.")
        self._waiting += 1
        self._look()
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            raise ImportsBusy(f"The imports before this one took over {WAIT_S:g} s; import again later.") from None
        finally:
            self._waiting -= 1
            self._look()

    def _look(self) -> None:
        for body in self._holders:
            if self._waiting:
                body.require(int(LEAST_BYTES_PER_S * WINDOW_S), WINDOW_S)
            else:
                body.relax()
