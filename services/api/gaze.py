"""``WS /gaze``: points of a gaze, passed on from whoever sends them (an eye tracker's program) to all who listen.

A point is ``{"x": 0.31, "y": 0.62}``: fractions of the view from its top left. Other keys are passed on as they are.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

MAX_POINT_CHARS = 2_000


class GazeRelay:
    """The listeners, each with the newest point that it has not been sent: a gaze has no use for old ones."""

    def __init__(self) -> None:
        self._newest: dict[WebSocket, str] = {}
        self._filled: dict[WebSocket, asyncio.Event] = {}

    async def serve(self, websocket: WebSocket) -> None:
        """One that sends, listens, or both, until it leaves."""
        await websocket.accept()
        self._filled[websocket] = asyncio.Event()
        sender = asyncio.create_task(self._send(websocket))
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                problem = self._take(websocket, message.get("text") or "")
                if problem:
                    await websocket.send_text(orjson.dumps({"error": "invalid_request", "detail": problem}).decode())
        except WebSocketDisconnect:
            return
        finally:
            del self._filled[websocket]
            self._newest.pop(websocket, None)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _take(self, source: WebSocket, text: str) -> str | None:
        """Pass a point on; answers what is wrong with it."""
        if len(text) > MAX_POINT_CHARS or not _is_point(text):
            return 'A point is a JSON object with numbers x and y from 0 to 1, like {"x": 0.5, "y": 0.5}.'
        for listener, filled in self._filled.items():
            if listener is not source:
                self._newest[listener] = text
                filled.set()
        return None

    async def _send(self, websocket: WebSocket) -> None:
        filled = self._filled[websocket]
        while True:
            await filled.wait()
            filled.clear()
            try:
                await websocket.send_text(self._newest[websocket])
            except (WebSocketDisconnect, RuntimeError):
                return  # gone: whoever reads from it ends this one


def _is_point(text: str) -> bool:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and all(
        isinstance(value.get(axis), (int, float)) and not isinstance(value[axis], bool) and 0 <= value[axis] <= 1
        for axis in ("x", "y")
    )
