"""A body must come at some pace: whoever begins one and sends no more holds its place for seconds, not for ever.

Only the time that is spent waiting for the sender counts. A phone on a slow link, with pauses of some seconds, is far
above the bounds. An archive is made while it is sent, and its sender may have to look at many files first: it may pause
for longer, unless another one waits for its place.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from shared.errors import ParafoveaError

PAUSE_S = 20.0
"""Between two pieces of a body."""
GRACE_S = 20.0
"""After so much waiting the average counts."""
LEAST_BYTES_PER_S = 4096


class Closes:
    """Of an error: the connection ends behind its answer, as what may still come is not read."""


class RequestTimeout(Closes, ParafoveaError):
    """A request stopped coming, or hardly comes. Of this server's own HTTP, so it crosses no bus."""

    code, status = "request_timeout", 408


@dataclass(frozen=True, slots=True)
class _Wait:
    """For the next piece."""

    began: float
    limit: asyncio.Timeout


@dataclass(slots=True)
class _Window:
    """A stretch of waiting in which so much has to come; the next one begins once it has."""

    least_bytes: int
    window_s: float
    ends_s: float = 0.0
    until_bytes: int = 0

    def begin(self, waited_s: float, received_bytes: int) -> None:
        self.ends_s = waited_s + self.window_s
        self.until_bytes = received_bytes + self.least_bytes

    def came(self, waited_s: float, received_bytes: int) -> None:
        if received_bytes >= self.until_bytes:
            self.begin(waited_s, received_bytes)


class Pace:
    """Reads one request's body, and watches how it comes.

    Args:
        pause_s: so long it may pause, and so much waiting goes before the average counts; the same as for any body
            where it is None.

    Attributes:
        received_bytes: so much has come.
        ended: all has come.
    """

    def __init__(self, request: Request, pause_s: float | None = None) -> None:
        self._request = request
        self._pause_s = PAUSE_S if pause_s is None else pause_s
        self._grace_s = GRACE_S if pause_s is None else pause_s
        self._waited_s = 0.0
        self._wait: _Wait | None = None
        self._window: _Window | None = None
        self.received_bytes = 0
        self.ended = False

    def require(self, least_bytes: int, window_s: float) -> None:
        """From now on so much has to come in each so many seconds of waiting, in a wait that is under way too."""
        if self._window is None:
            self._window = _Window(least_bytes, window_s)
            self._window.begin(self._waited_now_s(), self.received_bytes)
            self._reschedule()

    def relax(self) -> None:
        """Nothing is required any more but what any body has to keep to."""
        self._window = None
        self._reschedule()

    def shorten(self) -> None:
        """It may pause no longer than any body from now on: nothing is done with what comes."""
        self._pause_s = min(self._pause_s, PAUSE_S)

    async def next(self) -> bytes:
        """What came next.

        Raises:
            ClientDisconnect: the client went away before the end.
            RequestTimeout: nothing came for too long, or too little.
        """
        self._wait = _Wait(asyncio.get_running_loop().time(), asyncio.timeout(None))
        try:
            async with self._wait.limit:
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
        if self._window is not None:
            self._window.came(self._waited_s, self.received_bytes)
        return part

    def _reschedule(self) -> None:
        """Have the wait that is under way end when it has to."""
        if self._wait is None or self._wait.limit.expired():
            return
        average_s = self._grace_s + self.received_bytes / LEAST_BYTES_PER_S - self._waited_s
        left_s = min(self._pause_s, average_s)
        if self._window is not None:
            left_s = min(left_s, self._window.ends_s - self._waited_s)
        self._wait.limit.reschedule(self._wait.began + left_s)

    def _waited_now_s(self) -> float:
        if self._wait is None:
            return self._waited_s
        return self._waited_s + asyncio.get_running_loop().time() - self._wait.began

    def _timeout(self) -> RequestTimeout:
        seconds = self._waited_now_s()
        came = f"{self.received_bytes} bytes in {seconds:.0f} s"
        if self._window is not None and seconds >= self._window.ends_s:
            return RequestTimeout(f"Others wait, and the body came too slowly: {came}; send it again later, or faster.")
        return RequestTimeout(f"The body stopped coming: {came}; send it again over a better connection.")
