"""One display that is connected to ``WS /display``: what it says goes to the gaze process as it comes, what waits for
it goes out in order, and neither waits for an answer to what was before it."""

from __future__ import annotations

import asyncio
from collections import deque
from secrets import token_hex
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.api.bus.gaze_peer import GazePeer
from services.api.live.display_messages import MAX_TYPE_CHARS, POINTS_TYPE, message_of, points_of, request_of
from shared.body import Body
from shared.bus.call import Call
from shared.bus.requests.displays import MAX_POINTS, POINTS, VIEW, Point, Points, Pong, ShowView, ViewShown
from shared.errors import InvalidRequest, ParafoveaError

MAX_UNDER_WAY = 64
"""Requests of one display that are not answered yet; beyond it no more is read from it."""
MAX_WAITING = 1000
MAX_WAITING_CHARS = 4 * 1024 * 1024
"""Messages that wait for a display, and their text: one that leaves more unread is cut off, as none may be left out."""
MAX_ERRORS = 10
"""Errors sent to one connection for messages that cannot be used."""
LAST_ERROR = " Of further messages that cannot be used you are not told."
NAMED = "display-"
"""How names of displays of an API begin."""


class Display:
    """One connection: what it says, in order, and what waits to be sent to it."""

    def __init__(self, peer: GazePeer) -> None:
        self.name = f"{NAMED}{token_hex(4)}"
        self.view: ShowView | None = None
        """What it shows, as it said last."""
        self.is_behind = asyncio.Event()
        """Set once it leaves more unread than may wait."""
        self._peer = peer
        self._points: list[Point] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._has_room = asyncio.Event()
        self._waiting: deque[str] = deque()
        self._waiting_chars = 0
        self._filled = asyncio.Event()
        self._error_count = 0

    def shows(self, view: object) -> bool:
        """Whether it shows a view of this name."""
        return self.view is not None and self.view.view == view

    # -- to the display -----------------------------------------------------------------------------------------------

    def tell(self, message: dict[str, Any]) -> None:
        """Have a message sent, behind those before it."""
        self.put(orjson.dumps(message).decode())

    def put(self, text: str) -> None:
        """:meth:`tell` what is encoded already."""
        if self.is_behind.is_set():
            return
        self._waiting.append(text)
        self._waiting_chars += len(text)
        if len(self._waiting) > MAX_WAITING or self._waiting_chars > MAX_WAITING_CHARS:
            self._waiting.clear()
            self.is_behind.set()
        self._filled.set()

    async def send(self, websocket: WebSocket) -> None:
        """Send what waits, until it is gone."""
        while True:
            while self._waiting:
                text = self._waiting.popleft()
                self._waiting_chars -= len(text)
                try:
                    await websocket.send_text(text)
                except (WebSocketDisconnect, RuntimeError):
                    return
            self._filled.clear()
            await self._filled.wait()

    # -- from the display ---------------------------------------------------------------------------------------------

    async def room(self) -> None:
        """Wait until another request may be under way."""
        while len(self._asking) >= MAX_UNDER_WAY:
            self._has_room.clear()
            await self._has_room.wait()

    def take(self, text: str | None) -> None:
        """Pass on what it says; None stands for bytes. What cannot be used it is told."""
        kind = None
        try:
            message = message_of(text)
            kind = message["type"]
            if kind == POINTS_TYPE:
                self._collect(points_of(message))
                return
            call, asked = request_of(message, self.name)
        except InvalidRequest as error:
            self._refuse(error, kind)
            return
        if isinstance(asked, ShowView):
            self.view = asked
        self._forward_points()
        self.forward(call, asked)

    def show_again(self) -> None:
        """Tell a gaze process that came which view it shows."""
        if self.view is not None:
            self.forward(VIEW, self.view)

    def forward(self, call: Call[Any, Any], asked: Body) -> None:
        """Ask the gaze process, if it is there, without waiting. What is asked first is sent first."""
        if not self._peer.is_there:
            return  # it was told so
        task = asyncio.create_task(self._ask(call, asked))
        self._asking.add(task)
        task.add_done_callback(self._answered)

    def _collect(self, points: list[Point]) -> None:
        if points and not self._points:
            # What else comes in this turn of the loop goes with them.
            asyncio.get_running_loop().call_soon(self._forward_points)
        self._points += points

    def _forward_points(self) -> None:
        points, self._points = self._points, []
        for at in range(0, len(points), MAX_POINTS):
            part = tuple(points[at : at + MAX_POINTS])
            self.forward(POINTS, Points(source="page", display=self.name, points=part))

    async def _ask(self, call: Call[Any, Any], asked: Body) -> None:
        try:
            answer = await self._peer.ask(call, asked)
        except ParafoveaError as error:
            if call is not POINTS:  # of them /gaze/source counts what is refused
                self._tell_error(error, call.name)
            return
        if isinstance(answer, Pong):
            self.tell({"type": "pong", **answer.flat()})
        elif isinstance(answer, ViewShown):
            self.tell({"type": "view", **answer.flat()})

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._has_room.set()

    def _refuse(self, error: InvalidRequest, kind: str | None) -> None:
        if self._error_count == MAX_ERRORS:
            return
        self._error_count += 1
        last = LAST_ERROR if self._error_count == MAX_ERRORS else ""
        self._tell_error(InvalidRequest(error.detail + last), kind)

    def _tell_error(self, error: ParafoveaError, about: str | None) -> None:
        named = None if about is None else about[:MAX_TYPE_CHARS]
        self.tell({"type": "error", "error": error.code, "detail": error.detail, "about": named})
