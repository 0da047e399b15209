"""A body must come at some pace: whoever begins one and sends no more holds its place for seconds, not for ever.

Only the time that is spent waiting for the sender counts. A phone on a slow link, with pauses of some seconds, is far
above the bounds.
"""

from __future__ import annotations

import asyncio

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


class Pace:
    """Reads one request's body, and watches how it comes.

    Attributes:
        received_bytes: so much has come.
        ended: all has come.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._waited_s = 0.0
        self.received_bytes = 0
        self.ended = False

    async def next(self) -> bytes:
        """What came next.

        Raises:
            ClientDisconnect: the client went away before the end.
            RequestTimeout: nothing came for too long, or too little.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        left_s = GRACE_S + self.received_bytes / LEAST_BYTES_PER_S - self._waited_s
        try:
            async with asyncio.timeout(min(PAUSE_S, left_s)):
                message = await self._request.receive()
        except TimeoutError:
            seconds = self._waited_s + loop.time() - began
            raise RequestTimeout(
                f"The body stopped coming: {self.received_bytes} bytes in {seconds:.0f} s; send it again over a better "
                "connection."
            ) from None
        self._waited_s += loop.time() - began
        if message["type"] == "http.disconnect":
            self.ended = True
            raise ClientDisconnect
        self.ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        self.received_bytes += len(part)
        return part
