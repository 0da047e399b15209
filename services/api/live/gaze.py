"""``WS /gaze``: gaze points, from whoever sends them (an eye tracker's program) to all who listen, and to trials.

A point is ``{"x": 0.31, "y": 0.62}``: fractions of the view from its top left. Other keys are passed on. A listener
gets the newest, the gaze process all of them.

A tracker's program sends and never reads. Data for it would pile up at its end until its connection breaks, so a
sender is sent nothing but a few errors.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.api.bus.gaze_peer import GazePeer
from services.api.live.gaze_points import heard
from shared.bus.requests.displays import MAX_POINTS, POINTS, Point, Points
from shared.errors import ParafoveaError

MAX_UNANSWERED = 256
"""Requests with points that the gaze process has not answered; beyond it new points are dropped."""
MAX_ERRORS = 10
"""Errors sent to one connection. Libraries hold 16 unread messages, then they stop reading."""

POINT = 'A point is a JSON object with numbers x and y from 0 to 1, like {"x": 0.5, "y": 0.5}.'
LAST_ERROR = f"{POINT} Of further ones that are none you are not told."


class GazeClient:
    """One end of the relay. ``listens``: whether it is sent points; None: until it sends something itself."""

    def __init__(self, websocket: WebSocket, listens: bool | None) -> None:
        self._websocket = websocket
        self._listens = listens
        self._point: str | None = None
        self._errors: list[str] = []
        self._error_count = 0
        self._filled = asyncio.Event()

    @property
    def listens(self) -> bool:
        return self._listens is not False

    def has_sent(self) -> None:
        """Note that it has sent something: it no longer listens, unless it asked to."""
        if self._listens is None:
            self._listens, self._point = False, None

    def put(self, point: str) -> None:
        """Queue a point, in place of an unsent one: old ones are of no use."""
        self._point = point
        self._filled.set()

    def refuse(self) -> None:
        """Queue the error that what it sent is no point."""
        if self._error_count == MAX_ERRORS:
            return
        self._error_count += 1
        self._errors.append(LAST_ERROR if self._error_count == MAX_ERRORS else POINT)
        self._filled.set()

    async def send(self) -> None:
        """Send what is queued, until it is gone. One that does not read delays nobody else."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            errors, self._errors = self._errors, []
            texts = [orjson.dumps({"error": "invalid_request", "detail": detail}).decode() for detail in errors]
            if self._point is not None:
                texts.append(self._point)
                self._point = None
            try:
                for text in texts:
                    await self._websocket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                return  # gone: the task that reads from it ends this one


class GazeRelay:
    """Passes points on between its clients, and to the gaze process, which need not be there."""

    def __init__(self, peer: GazePeer) -> None:
        self._clients: set[GazeClient] = set()
        self._peer = peer
        self._points: list[Point] = []
        self._unanswered: set[asyncio.Task[None]] = set()
        self._dropped = 0
        """Points that nobody had room for, since the last that were sent on."""

    async def serve(self, websocket: WebSocket, listens: bool | None) -> None:
        """Serve a client that sends, listens, or both, until it leaves."""
        await websocket.accept()
        client = GazeClient(websocket, listens)
        self._clients.add(client)
        sender = asyncio.create_task(client.send())
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._take(client, message.get("text") or "")
        except WebSocketDisconnect:
            return
        finally:
            self._clients.discard(client)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _take(self, source: GazeClient, text: str) -> None:
        source.has_sent()
        found = heard(text)
        if found.is_wrong:
            source.refuse()
        self._collect(found.points)
        if found.relayed is None:
            return
        for client in self._clients:
            if client is not source and client.listens:
                client.put(found.relayed)

    def _collect(self, points: list[Point]) -> None:
        if points and not self._points:
            # What else comes in this turn of the loop, of whomever, goes with them.
            asyncio.get_running_loop().call_soon(self._forward)
        self._points += points

    def _forward(self) -> None:
        points, self._points = self._points, []
        if not self._peer.is_there:
            return
        for at in range(0, len(points), MAX_POINTS):
            some = points[at : at + MAX_POINTS]
            if len(self._unanswered) >= MAX_UNANSWERED:
                self._dropped += len(some)
                continue
            part = Points(source="websocket", points=tuple(some), dropped=self._dropped)
            self._dropped = 0
            task = asyncio.create_task(self._ask(part))
            self._unanswered.add(task)
            task.add_done_callback(self._unanswered.discard)

    async def _ask(self, points: Points) -> None:
        # Of a process that went, or is stuck, there is nobody to tell: a sender does not read.
        with suppress(ParafoveaError):
            await self._peer.ask(POINTS, points)
