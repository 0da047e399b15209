"""Publishing on a bound channel, and telling those who join where things stand.

Who has subscribed to what is received in the thread of the channel's front, and taken by the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import zmq

from shared.bus.channels import BY_NAME, Channel, topic_of
from shared.bus.envelope import Payload, encode_published
from shared.bus.messages import AnyMessage
from shared.bus.receiving import descriptor_of
from shared.bus.sockets import Bus
from shared.system.descriptors import Connection
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

MOST_JOINS = 1000
COUNTED_S = 60.0
"""A connection that subscribes more often in this time is cut: libzmq keeps every topic that it is told."""
TELL_EVERY_S = 0.1
"""Those who join within this time of each other are told the state once, all together: a flood of subscriptions makes
no flood of messages."""
ROOM_S = 2.0
"""Only subscribers that send without end keep a channel from publishing for so long."""


class Publisher:
    """Publishes on a bound channel, and tells a late subscriber the current state.

    Delivery: each subscriber gets messages in order; one that is slower than the stream loses whole messages, without
    a word and without slowing anybody, once the channel's high-water mark is reached. So streams carry numbers.

    Args:
        channel: a publishing channel; this process becomes its holder.
        on_join: given a message type that somebody has just subscribed to, the messages that tell the state. They go
            to every subscriber of that type, so they must be harmless when repeated.
    """

    def __init__(self, bus: Bus, channel: str, on_join: Callable[[str], Iterable[AnyMessage]] | None = None) -> None:
        self._channel = channel
        self._on_join = on_join
        self._dropped = Rarely(log)
        self._is_behind = False
        self._joins = Joins(BY_NAME[channel], bus.connection, bus.cut)
        self._front = bus.front(channel, self._joins.receive, self._joins.flush)

    @property
    def joins(self) -> int:
        """Subscriptions so far, to each type."""
        return self._joins.count

    def is_heard(self, message_type: str) -> bool:
        """Whether somebody has subscribed to a type, and not left since, as far as this end knows: what nobody hears
        need not be made."""
        return self._joins.is_heard(message_type)

    async def publish(self, message: AnyMessage, payload: Payload = b"") -> None:
        """Send. Never waits for a subscriber to read: what is beyond its mark is dropped instead.

        Who is cancelled in it has sent it all the same. Where the channel is kept busy for :data:`ROOM_S`, it is
        dropped for all, and so is at once what follows, until the channel goes on. Raises zmq.ZMQError: it could not be
        sent.
        """
        await self.send(encode_published(message, payload))

    async def publish_all(self, messages: Iterable[tuple[AnyMessage, Payload]]) -> None:
        """:meth:`publish` a few small ones, in order, without waiting for each before the next: waiting takes longer
        than sending them."""
        await self._send([encode_published(*each) for each in messages])

    async def send(self, frames: list[Payload]) -> None:
        """:meth:`publish` a message that is encoded."""
        # One at a time: a burst would overrun the marks of subscribers that are fast enough otherwise.
        await self._send([frames])

    async def _send(self, messages: list[list[Payload]]) -> None:
        if not (self._is_behind and self._front.waiting):
            sent = [self._front.send(frames) for frames in messages]
            await asyncio.wait([asyncio.wrap_future(sent[-1])], timeout=ROOM_S)
            self._is_behind = not sent[-1].done()
            for each in sent:
                if each.done() and not each.cancelled():
                    each.result()
            left = [each for each in sent if each.cancel()]
            if self._front.end.done() or not left:  # serve_joins tells of an end
                return
        self._dropped.warn("'%s' is kept busy by its subscribers, and a message to all is dropped", self._channel)

    async def serve_joins(self) -> None:
        """Answer subscriptions until cancelled. Raises Exception: whatever ended the channel's front; it can be
        published on no more."""
        clock = asyncio.get_running_loop().time
        due_s = float("-inf")
        self._joins.attach()
        while not self._front.end.done():
            await self._joins.joined.wait()
            await asyncio.sleep(max(0.0, due_s - clock()))
            joined = self._joins.take()
            if joined and self._on_join is not None:
                due_s = clock() + TELL_EVERY_S
                for message_type in joined:
                    for message in self._on_join(message_type):
                        await self.publish(message)
        self._front.end.result()


@dataclass(slots=True)
class _Counted:
    peer: Connection | None
    messages: int = 0


class Joins:
    """Subscriptions to a channel's message types, as they come.

    Args:
        find: the connection behind a descriptor.
        cut: ends a connection; False where it has ended already.

    Attributes:
        count: subscriptions so far, to each type.
        joined: set when somebody has joined, or when no more will come; of the loop that :meth:`attach` was called in.
    """

    def __init__(
        self, channel: Channel, find: Callable[[int], Connection | None], cut: Callable[[Connection], bool]
    ) -> None:
        self._channel = channel
        self._find = find
        self._cut = cut
        self._longest = max(len(topic_of(name)) for name in channel.types)
        self._counted: dict[int, _Counted] = {}
        self._counted_s = 0.0
        self._flooded = Rarely(log)
        self._received: set[str] = set()
        self._waiting: set[str] = set()
        self._heard: frozenset[bytes] = frozenset()
        """The topics, or beginnings of such, that somebody has subscribed to: replaced, never changed."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.joined = asyncio.Event()
        self.count = 0

    def attach(self) -> None:
        """Wake the running loop by :attr:`joined` from now on, and at once for those who were faster."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
        self.joined.set()

    def take(self) -> list[str]:
        """The types that somebody has subscribed to since the last call, in the channel's order."""
        self.joined.clear()
        with self._lock:
            joined, self._waiting = self._waiting, set()
        return [name for name in self._channel.types if name in joined]

    def is_heard(self, message_type: str) -> bool:
        """Whether anybody is subscribed to a type."""
        topic = topic_of(message_type)
        return any(topic.startswith(prefix) for prefix in self._heard)

    # -- in the front's thread ----------------------------------------------------------------------------------------

    def receive(self, frame: zmq.Frame) -> None:
        """Take what a subscriber has sent: an XSUB peer may send whatever it likes, in any number of frames."""
        self._count(frame)
        if len(frame) - 1 > self._longest or frame.more or not frame.bytes.startswith((b"\x00", b"\x01")):
            return
        prefix = frame.bytes[1:]
        matching = {name for name in self._channel.types if topic_of(name).startswith(prefix)}
        if frame.bytes[0] == 0:  # libzmq tells it once the last one has left
            self._heard -= {prefix}
        elif matching:
            self._heard |= {prefix}
            self.count += len(matching)
            self._received |= matching

    def flush(self) -> None:
        """Hand those who have joined meanwhile to the loop."""
        with self._lock:
            self._waiting |= self._received
            self._received.clear()
            if self._loop is not None:
                with suppress(RuntimeError):  # it is closed
                    self._loop.call_soon_threadsafe(self.joined.set)

    def _count(self, frame: zmq.Frame) -> None:
        """Count what comes of a connection, and cut one that sends without end."""
        now_s = time.monotonic()
        if now_s - self._counted_s > COUNTED_S:
            self._counted.clear()
            self._counted_s = now_s
        descriptor = descriptor_of(frame)
        if descriptor is None:
            return
        counted = self._counted.get(descriptor)
        if counted is None:
            counted = self._counted[descriptor] = _Counted(self._find(descriptor))
        counted.messages += 1
        if counted.messages % MOST_JOINS:
            return
        if counted.peer is not None and self._cut(counted.peer):
            self._flooded.warn(
                "a subscriber of '%s' sent %d subscriptions, and is cut off", self._channel.name, MOST_JOINS
            )
        elif (now := self._find(descriptor)) != counted.peer:
            self._counted[descriptor] = _Counted(now)  # another one, whose connection has the number now
