"""``WS /ws``: messages of the bus, live, for viewers.

Each viewer has a small outbox. A message replaces an unsent one of its kind (a newer frame an older frame), so a slow
viewer gets the newest and slows nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from itertools import count
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.bus.envelope import Published
from shared.bus.messages import Prepared, Progress, ReplayFrame, ReplayStatus, Status
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.frame import Frame

OUTBOX_LIMIT = 1000
"""Messages that wait for one viewer; beyond it the oldest is dropped."""
OUTBOX_PICTURE_BYTES = 64 * 1024 * 1024
"""Pictures that wait for one viewer, of several cursors; beyond it the oldest are dropped, but never the newest."""
GOING_AWAY = 1001
CLOSE_S = 0.2

EVENTS = (("frames", (Progress.type, Prepared.type)), ("replays", (ReplayStatus.type,)))
"""By channel. One subscription takes them and the pictures of a channel, so that their order is kept."""
PICTURES = (("frames", Frame.type), ("replays", ReplayFrame.type))
"""Types with an image, by channel."""

Supervise = Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]]

_PICTURE_TYPES = frozenset(topic for _, topic in PICTURES)
_numbers = count()


class Outbox:
    """Messages that wait for one viewer, oldest first; ``pictures`` says whether it wants those with images."""

    def __init__(self, *, pictures: bool = True) -> None:
        self.pictures = pictures
        self._waiting: OrderedDict[Hashable, Published] = OrderedDict()
        self._bytes = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Published) -> None:
        """Add a message, in place of an unsent one of its kind."""
        key = _kind(message)
        self._drop(key)
        self._waiting[key] = message
        self._bytes += len(message.payload)
        if len(self._waiting) > OUTBOX_LIMIT:
            self._drop(next(iter(self._waiting)))
        while self._bytes > OUTBOX_PICTURE_BYTES:
            oldest = next(key for key, waiting in self._waiting.items() if waiting.payload)
            if oldest == key:
                break
            self._drop(oldest)
        self._filled.set()

    async def take(self) -> Published:
        """The oldest message; waits for one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        message = self._waiting.popitem(last=False)[1]
        self._bytes -= len(message.payload)
        return message

    def _drop(self, key: Hashable) -> None:
        message = self._waiting.pop(key, None)
        if message is not None:
            self._bytes -= len(message.payload)


class LiveHub:
    """The viewers, and the subscriptions that only they need.

    Frames are megabytes, so the API subscribes to them only while a viewer wants pictures. ``hello`` makes the first
    message to a viewer.
    """

    def __init__(self, bus: Bus, supervise: Supervise, hello: Callable[[], dict[str, Any]]) -> None:
        self._bus = bus
        self._supervise = supervise
        self._hello = hello
        self._outboxes: set[Outbox] = set()
        self._viewers: dict[WebSocket, asyncio.Task[None]] = {}
        self._streams: list[tuple[Subscriber, asyncio.Task[Any]]] = []
        self._with_pictures = False
        self._closing = False

    @property
    def viewers(self) -> int:
        return len(self._outboxes)

    def publish(self, message: Published) -> None:
        """Give a message to every viewer."""
        is_picture = message.type in _PICTURE_TYPES
        for outbox in self._outboxes:
            if outbox.pictures or not is_picture:
                outbox.put(message)

    async def serve(self, websocket: WebSocket, *, pictures: bool) -> None:
        """Serve a viewer until it leaves."""
        outbox = Outbox(pictures=pictures)
        await websocket.accept()
        await websocket.send_text(orjson.dumps({"type": "hello", "v": 1, **self._hello()}).decode())
        self._outboxes.add(outbox)
        self._join()
        sender = asyncio.create_task(_send(websocket, outbox))
        self._viewers[websocket] = sender
        try:
            if not self._closing:
                while (await websocket.receive())["type"] != "websocket.disconnect":
                    continue  # what a viewer sends is ignored
        finally:
            self._outboxes.discard(outbox)
            del self._viewers[websocket]
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            if self._outboxes:
                self._follow_pictures()
            else:
                await self._leave()

    async def close(self) -> None:
        """Close all viewers' connections."""
        self._closing = True
        await asyncio.gather(*(send_away(websocket, sender) for websocket, sender in self._viewers.items()))
        await self._leave()

    def _join(self) -> None:
        if not self._streams:
            for channel, topics in EVENTS:
                subscriber = Subscriber(self._bus, channel, topics)
                self._streams.append((subscriber, self._supervise(subscriber.hand_to(self.publish), f"live {channel}")))
        self._follow_pictures()

    def _follow_pictures(self) -> None:
        wanted = any(outbox.pictures for outbox in self._outboxes)
        if wanted == self._with_pictures:
            return
        for (subscriber, _), (_, topic) in zip(self._streams, PICTURES, strict=True):
            (subscriber.add if wanted else subscriber.drop)(topic)
        self._with_pictures = wanted

    async def _leave(self) -> None:
        streams, self._streams, self._with_pictures = self._streams, [], False
        for subscriber, task in streams:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            subscriber.close()


async def _send(websocket: WebSocket, outbox: Outbox) -> None:
    while True:
        message = await outbox.take()
        try:
            await websocket.send_text(orjson.dumps(message.header).decode())
            if message.type in _PICTURE_TYPES:
                await websocket.send_bytes(message.payload)
        except (WebSocketDisconnect, RuntimeError):
            return  # gone: the task that reads from it ends this viewer


async def send_away(websocket: WebSocket, sender: asyncio.Task[None]) -> None:
    """Close a connection because the server stops. ``sender`` writes to it until then."""
    sender.cancel()
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        # One that does not read is cut off instead.
        async with asyncio.timeout(CLOSE_S):
            await websocket.close(GOING_AWAY, "the server stops")


def _kind(message: Published) -> Hashable:
    """Messages of one kind replace each other; those of a kind of their own are all kept."""
    header = message.header
    if message.type in (Frame.type, Status.type):
        return message.type
    if message.type == Progress.type:
        return (message.type, str(header.get("request_id")))
    if message.type == Prepared.type:
        return (message.type, str(header.get("prepared_id")))
    if message.type in (ReplayFrame.type, ReplayStatus.type):
        return (message.type, str(header.get("cursor")))
    return next(_numbers)
