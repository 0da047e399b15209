"""``WS /display``: programs that show a view, and the gaze process that says when to exchange its picture.

A display outlives the gaze process: it is told that this went, and the view that it shows is told to the next one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from starlette.websockets import WebSocket

from services.api.bus.gaze_peer import GazePeer
from services.api.live.display import NAMED, Display
from services.api.live.viewers import send_away
from shared.bus.envelope import Published
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests.displays import GONE, Gone
from shared.bus.requests.gaze import STATE
from shared.errors import ParafoveaError

HELLO_S = 1.0
"""So long a greeting waits for the state of the trial."""
LAST_S = 0.2
"""So long a stopping server waits for the gaze process to have heard which displays are gone."""
WENT = "it went away"
CUT_OFF = "it left too much unread, and was cut off"


class DisplayHub:
    """All displays that are connected."""

    def __init__(self, peer: GazePeer) -> None:
        self._peer = peer
        self._displays: dict[Display, tuple[WebSocket, asyncio.Task[None]]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._displays)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve a display until it leaves, or leaves too much unread."""
        await websocket.accept()
        display = Display(self._peer)
        trial, status = await self._trial(), self._peer.status_now
        gaze = None if status is None else status.flat()
        display.tell({"type": "hello", "display": display.name, "trial": trial, "gaze": gaze})
        sender = asyncio.create_task(display.send(websocket))
        receiver = asyncio.create_task(_receive(websocket, display))
        behind = asyncio.create_task(display.is_behind.wait())
        self._displays[display] = websocket, sender
        try:
            if not self._closing:
                await asyncio.wait([receiver, behind], return_when=asyncio.FIRST_COMPLETED)
            if receiver.done():
                receiver.result()
        finally:
            del self._displays[display]
            for task in (sender, receiver, behind):
                task.cancel()
            await asyncio.gather(sender, receiver, behind, return_exceptions=True)
            self._say_gone(display)

    def publish(self, message: Published) -> None:
        """Give a message of a trial to the displays of its view, and a heartbeat to all."""
        text: str | None = None
        for display in self._displays:
            if message.type == GazeStatus.type or display.shows(message.header.get("view")):
                text = text or orjson.dumps(message.header).decode()
                display.put(text)

    def on_change(self, is_there: bool) -> None:
        """Tell all that the gaze process came or went, and one that came what they show."""
        if is_there:
            self._clear_up()
        for display in self._displays:
            display.tell({"type": "gaze", "there": is_there})
            if is_there:
                display.show_again()

    async def close(self) -> None:
        """Close all displays' connections."""
        self._closing = True
        await asyncio.gather(*(send_away(websocket, sender) for websocket, sender in self._displays.values()))

    async def finish(self) -> None:
        """Let the gaze process hear, for a moment, which displays are gone."""
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LAST_S)

    async def _trial(self) -> dict[str, Any] | None:
        """The state of the trial; None where it cannot be known."""
        if not self._peer.is_there:
            return None
        try:
            return (await self._peer.ask(STATE, timeout_s=HELLO_S)).flat()
        except ParafoveaError:
            return None

    def _clear_up(self) -> None:
        """Those of an earlier life of this API, which ended without a word, are gone: each stands in another's way."""
        own = {display.name for display in self._displays}
        status = self._peer.status_now
        for name in status.displays if status is not None else ():
            if name.startswith(NAMED) and name not in own:
                self._say(Gone(display=name, reason="the API that it was connected to went away"))

    def _say_gone(self, display: Display) -> None:
        self._say(Gone(display=display.name, reason=CUT_OFF if display.is_behind.is_set() else WENT))

    def _say(self, gone: Gone) -> None:
        task = asyncio.create_task(self._ask(gone))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _ask(self, gone: Gone) -> None:
        if self._peer.is_there:
            # One that is not told, or does not answer, begins anew without this display.
            with suppress(ParafoveaError):
                await self._peer.ask(GONE, gone)


async def _receive(websocket: WebSocket, display: Display) -> None:
    while True:
        await display.room()
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        display.take(message.get("text"))
