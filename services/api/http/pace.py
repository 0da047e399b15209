"""A minimum pace for bodies: whoever starts one and stops sending holds its place for seconds, not for ever.

Only time spent waiting for the sender counts. A phone on a slow link is far above the bounds. An archive may pause for
longer, as its sender may have to read many files first, unless another import waits for its place.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from shared.errors import ParafoveaError

PAUSE_S = 20.0
"""The longest pause in a body."""
GRACE_S = 20.0
"""After so much waiting the average pace counts."""
LEAST_BYTES_PER_S = 4096


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
        self._window: tuple[int, float] | None = None
        """So many bytes have to come in so many seconds of waiting; then the next window begins."""
        self._window_ends_s, self._window_until_bytes = 0.0, 0
        self.received_bytes = 0
        self.ended = False

    def require(self, least_bytes: int, window_s: float) -> None:
        """Require so much in each window of waiting from now on, the present wait included."""
        if self._window is None:
            self._window = least_bytes, window_s
            self._begin_window()
            self._reschedule()

    def relax(self) -> None:
        """Require no more than of any body."""
        self._window = None
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
        if self._window is not None and self.received_bytes >= self._window_until_bytes:
            self._begin_window()
        return part

    def _begin_window(self) -> None:
        assert self._window is not None
        self._window_until_bytes = self.received_bytes + self._window[0]
        self._window_ends_s = self._waited_now_s() + self._window[1]

    def _reschedule(self) -> None:
        """Set the end of the present wait."""
        if self._wait is None or self._wait.expired():
            return
        average_s = self._grace_s + self.received_bytes / LEAST_BYTES_PER_S - self._waited_s
        left_s = min(self._pause_s, average_s)
        if self._window is not None:
            left_s = min(left_s, self._window_ends_s - self._waited_s)
        self._wait.reschedule(self._began + left_s)

    def _waited_now_s(self) -> float:
        if self._wait is None:
            return self._waited_s
        return self._waited_s + asyncio.get_running_loop().time() - self._began

    def _timeout(self) -> RequestTimeout:
        seconds = self._waited_now_s()
        came = f"{self.received_bytes} bytes in {seconds:.0f} s"
        if self._window is not None and seconds >= self._window_ends_s:
            return RequestTimeout(f"Others wait, and the body came too slowly: {came}; send it again later, or faster.")
        return RequestTimeout(f"The body stopped coming: {came}; send it again over a better connection.")
