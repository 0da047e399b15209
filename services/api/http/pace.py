"""A minimum pace for bodies: whoever starts one and stops sending holds its place for seconds, not for ever.

Only time spent waiting for the sender counts. A phone on a slow link is far above the bounds. An archive may pause for
longer, as its sender may have to read many files first, unless another import waits for its place: few run at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from services.api.http.uploads import ServerBusy
from shared.errors import ParafoveaError

PAUSE_S = 20.0
"""The longest pause in a body."""
GRACE_S = 20.0
"""After so much waiting the average pace counts."""
LEAST_BYTES_PER_S = 4096

AT_ONCE = 2
"""Imports that run at a time; others wait, and so do their senders."""
MAX_WAITING = 8
WAIT_S = 600.0
"""How long an import waits for a slot."""
WINDOW_S = 60.0
LEAST_IMPORT_BYTES_PER_S = 64 * 1024
"""On average over :data:`WINDOW_S`, of each import that others wait for."""


class Closes:
    """Marks an error after whose answer the connection closes, as the rest of the request is not read."""


class RequestTimeout(Closes, ParafoveaError):
    """A request stopped coming, or is too slow. Never on the bus."""

    code, status = "request_timeout", 408


class Pace:
    """Reads the body of a request; ``pause_s`` is the longest pause, and the waiting before the average counts."""

    def __init__(self, request: Request, pause_s: float | None = None) -> None:
        self._request = request
        self._pause_s, self._grace_s = (PAUSE_S, GRACE_S) if pause_s is None else (pause_s, pause_s)
        self._waited_s = 0.0
        self._began = 0.0
        self._wait: asyncio.Timeout | None = None
        """For the next piece, from ``_began`` on."""
        self._window_ends_s: float | None = None
        """After so much waiting, if a pace is required; another begins once ``_window_until_bytes`` have come."""
        self._window_until_bytes = 0
        self.received_bytes = 0
        self.ended = False

    def require(self) -> None:
        """Require the pace of an import that others wait for from now on, the present wait included."""
        if self._window_ends_s is None:
            self._begin_window()
            self._reschedule()

    def relax(self) -> None:
        """Require no more than of any body."""
        self._window_ends_s = None
        self._reschedule()

    def shorten(self) -> None:
        """Allow no longer pause than of any body from now on."""
        self._pause_s = min(self._pause_s, PAUSE_S)

    async def next(self) -> bytes:
        """The next piece. Raises ClientDisconnect, or RequestTimeout if nothing came for too long, or too little."""
        self._began, self._wait = asyncio.get_running_loop().time(), asyncio.timeout(None)
        try:
            async with self._wait:
                self._reschedule()
                message = await self._request.receive()
        except TimeoutError:
            raise self._timeout() from None
        finally:
            self._waited_s = self._waited_now_s()
            self._wait = None
        if message["type"] == "http.disconnect":
            self.ended = True
            raise ClientDisconnect
        self.ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        self.received_bytes += len(part)
        if self._window_ends_s is not None and self.received_bytes >= self._window_until_bytes:
            self._begin_window()
        return part

    def _begin_window(self) -> None:
        self._window_until_bytes = self.received_bytes + int(LEAST_IMPORT_BYTES_PER_S * WINDOW_S)
        self._window_ends_s = self._waited_now_s() + WINDOW_S

    def _reschedule(self) -> None:
        """Set the end of the present wait."""
        if self._wait is None or self._wait.expired():
            return
        average_s = self._grace_s + self.received_bytes / LEAST_BYTES_PER_S - self._waited_s
        left_s = min(self._pause_s, average_s)
        if self._window_ends_s is not None:
            left_s = min(left_s, self._window_ends_s - self._waited_s)
        self._wait.reschedule(self._began + left_s)

    def _waited_now_s(self) -> float:
        if self._wait is None:
            return self._waited_s
        return self._waited_s + asyncio.get_running_loop().time() - self._began

    def _timeout(self) -> RequestTimeout:
        seconds = self._waited_now_s()
        came = f"{self.received_bytes} bytes in {seconds:.0f} s"
        if self._window_ends_s is not None and seconds >= self._window_ends_s:
            return RequestTimeout(f"Others wait, and the body came too slowly: {came}; send it again later, or faster.")
        return RequestTimeout(f"The body stopped coming: {came}; send it again over a better connection.")


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
                body.require()
            else:
                body.relax()
