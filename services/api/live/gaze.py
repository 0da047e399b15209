"""``WS /gaze``: gaze points, relayed from whoever sends them (an eye tracker's program) to all who listen.

A point is ``{"x": 0.31, "y": 0.62}``: fractions of the view from its top left. Other keys are passed on.

A tracker's program sends and never reads. Data for it would pile up at its end until its connection breaks, so a
sender is sent nothing but a few errors.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.json_loads import loads

MAX_POINT_CHARS = 2_000
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
    """Passes points on between its clients."""

    def __init__(self) -> None:
        self._clients: set[GazeClient] = set()

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
                self._relay(client, message.get("text") or "")
        except WebSocketDisconnect:
            return
        finally:
            self._clients.discard(client)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _relay(self, source: GazeClient, text: str) -> None:
        source.has_sent()
        if len(text) > MAX_POINT_CHARS or not _is_point(text):
            source.refuse()
            return
        for client in self._clients:
            if client is not source and client.listens:
                client.put(text)


def _is_point(text: str) -> bool:
    try:
        value: Any = loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and all(
        isinstance(value.get(axis), (int, float)) and not isinstance(value[axis], bool) and 0 <= value[axis] <= 1
        for axis in ("x", "y")
    )
