"""Publishing on a bound channel, and telling those who join where things stand."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

import zmq

from shared.channels import BY_NAME, topic_of
from shared.messages import Message
from shared.rarely import Rarely
from shared.receiving import descriptor_of
from shared.sockets import Bus
from shared.wire import Payload, encode_published

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
"""Those who join within this time of each other are told the state once, all together: a flood of subscriptions makes
no flood of messages."""
MOST_JOINS = 1000
COUNTED_S = 60.0
"""A connection that subscribes more often in this time is cut: libzmq keeps every topic that it is told."""


class Publisher:
    """Publishes on a bound channel, and tells a late subscriber the current state.

    Delivery: each subscriber gets messages in order; one that is slower than the stream loses whole messages, without
    a word and without slowing anybody, once the channel's high-water mark is reached. So streams carry numbers.

    Args:
        bus: this process's end of the bus.
        channel: a publishing channel; this process becomes its holder.
        on_join: given a message type that somebody has just subscribed to, the messages that tell the state. They go
            to every subscriber of that type, so they must be harmless when repeated.

    Attributes:
        joins: subscriptions so far, to each type.
    """

    def __init__(self, bus: Bus, channel: str, on_join: Callable[[str], Iterable[Message]] | None = None) -> None:
        self._bus = bus
        self._channel = channel
        self._types = BY_NAME[channel].types
        self._on_join = on_join
        self._longest = max(len(topic_of(name)) for name in self._types)
        self._counts: Counter[int | None] = Counter()
        self._counted_s = 0.0
        self._flooded = Rarely(log)
        self.joins = 0
        self._heard: set[str] = set()
        self._joined: set[str] = set()
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket, self._front = bus.bind_front(channel, self._hear, self._rest)

    async def publish(self, message: Message, payload: Payload = b"") -> None:
        """Send. Never waits for a subscriber: an XPUB drops at its mark instead."""
        # Its front takes all at once; where that has ended, serve_joins says why, and nothing can be published.
        with suppress(zmq.Again):
            await self._socket.send_multipart(encode_published(message, payload), flags=zmq.NOBLOCK, copy=not payload)

    async def serve_joins(self) -> None:
        """Answer subscriptions until cancelled.

        Raises:
            zmq.ZMQError: the channel can be published on no more.
        """
        clock = asyncio.get_running_loop().time
        due_s = float("-inf")
        with self._lock:
            self._loop = asyncio.get_running_loop()
        self._news.set()  # for those who were faster
        while True:
            await self._news.wait()
            await asyncio.sleep(max(0.0, due_s - clock()))
            self._news.clear()
            if self._front.failure is not None:
                raise self._front.failure
            with self._lock:
                now, self._joined = self._joined, set()
            if now and self._on_join is not None:
                due_s = clock() + TELL_EVERY_S
                for message_type in self._types:
                    if message_type in now:
                        await self._tell(message_type)

    # -- in the front's thread ----------------------------------------------------------------------------------------

    def _hear(self, frame: zmq.Frame) -> None:
        self._count(frame)
        # An XSUB peer may send upstream whatever it likes, in any number of frames.
        if len(frame) - 1 <= self._longest and not frame.more and frame.bytes.startswith(b"\x01"):
            matching = {name for name in self._types if topic_of(name).startswith(frame.bytes[1:])}
            self.joins += len(matching)
            self._heard |= matching

    def _rest(self) -> None:
        """Have those told who have joined meanwhile."""
        with self._lock:
            self._joined |= self._heard
            self._heard.clear()
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._news.set)

    def _count(self, frame: zmq.Frame) -> None:
        """Count what comes of a connection, and cut one that sends without end."""
        now_s = time.monotonic()
        if now_s - self._counted_s > COUNTED_S:
            self._counts.clear()
            self._counted_s = now_s
        descriptor = descriptor_of(frame)
        self._counts[descriptor] += 1
        if self._counts[descriptor] <= MOST_JOINS or descriptor is None:
            return
        if self._counts[descriptor] % MOST_JOINS == 1 and self._bus.cut(descriptor):
            self._flooded.warn("a subscriber of '%s' sent %d subscriptions, and is cut off", self._channel, MOST_JOINS)

    # -- in the event loop --------------------------------------------------------------------------------------------

    async def _tell(self, message_type: str) -> None:
        assert self._on_join is not None
        for message in self._on_join(message_type):
            await self.publish(message)
