"""Publishing on a bound channel, and telling those who join where things stand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable

import zmq

from shared.channels import BY_NAME, topic_of
from shared.messages import Message
from shared.rarely import Rarely
from shared.receiving import descriptor_of
from shared.sockets import Bus
from shared.wire import Payload, encode_published

log = logging.getLogger(__name__)

JOINS_AT_ONCE = 1000
"""Subscriptions that are looked at before others have a turn."""
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
        self._socket = bus.bind(channel)
        self._types = BY_NAME[channel].types
        self._on_join = on_join
        self._longest = max(len(topic_of(name)) for name in self._types)
        self._counts: Counter[int | None] = Counter()
        self._counted_s = 0.0
        self._flooded = Rarely(log)
        self.joins = 0

    async def publish(self, message: Message, payload: Payload = b"") -> None:
        """Send. Never waits for a subscriber: an XPUB drops at its mark instead."""
        await self._socket.send_multipart(encode_published(message, payload), copy=not payload)

    async def serve_joins(self) -> None:
        """Answer subscriptions until cancelled."""
        clock = asyncio.get_running_loop().time
        due_s = float("-inf")
        joined: set[str] = set()
        while True:
            wait_s = due_s - clock() if joined else None
            if wait_s is None or wait_s > 0:
                wait_ms = None if wait_s is None else int(wait_s * 1000) + 1
                await self._socket.poll(timeout=wait_ms, flags=zmq.POLLIN)  # type: ignore[call-arg]
                joined |= self._newly_joined()
                await asyncio.sleep(0)  # a socket that always has something would keep the loop to itself
            else:
                due_s = clock() + TELL_EVERY_S
                now, joined = joined, set()
                for message_type in self._types:
                    if message_type in now:
                        await self._tell(message_type)

    def _newly_joined(self) -> set[str]:
        """Types that somebody has subscribed to."""
        joined: set[str] = set()
        upstream: zmq.Socket[bytes] = zmq.Socket.shadow(self._socket.underlying)
        for _ in range(JOINS_AT_ONCE):
            try:
                frame = upstream.recv(flags=zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            self._count(frame)
            # An XSUB peer may send upstream whatever it likes, in any number of frames.
            if len(frame) - 1 <= self._longest and not frame.more and frame.bytes.startswith(b"\x01"):
                matching = {name for name in self._types if topic_of(name).startswith(frame.bytes[1:])}
                self.joins += len(matching)
                joined |= matching
        return joined if self._on_join is not None else set()

    def _count(self, frame: zmq.Frame) -> None:
        """Count what comes of a connection, and cut one that sends without end."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._counted_s > COUNTED_S:
            self._counts.clear()
            self._counted_s = now_s
        descriptor = descriptor_of(frame)
        self._counts[descriptor] += 1
        if self._counts[descriptor] <= MOST_JOINS or descriptor is None:
            return
        if self._counts[descriptor] % MOST_JOINS == 1 and self._bus.cut(descriptor):
            self._flooded.warn("a subscriber of '%s' sent %d subscriptions, and is cut off", self._channel, MOST_JOINS)

    async def _tell(self, message_type: str) -> None:
        assert self._on_join is not None
        for message in self._on_join(message_type):
            await self.publish(message)
