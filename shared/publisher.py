"""Publishing on a bound channel, and telling those who join where things stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import zmq

from shared.channels import BY_NAME, topic_of
from shared.messages import Message
from shared.sockets import Bus
from shared.wire import Payload, encode_published

JOINS_AT_ONCE = 1000
"""Subscriptions that are looked at before others have a turn."""
TELL_EVERY_S = 0.1
"""Those who join within this time of each other are told the state once, all together: a flood of subscriptions makes
no flood of messages."""


class Publisher:
    """Publishes on a bound channel, and tells a late subscriber the current state.

    Delivery: each subscriber gets messages in order; one that is slower than the stream loses whole messages, without
    a word and without slowing anybody, once the channel's high-water mark is reached. So streams carry numbers.

    Args:
        bus: this process's end of the bus.
        channel: a publishing channel; this process becomes its holder.
        on_join: given a message type that somebody has just subscribed to, the messages that tell the state. They go
            to every subscriber of that type, so they must be harmless when repeated.
    """

    def __init__(self, bus: Bus, channel: str, on_join: Callable[[str], Iterable[Message]] | None = None) -> None:
        self._socket = bus.bind(channel)
        self._types = BY_NAME[channel].types
        self._on_join = on_join

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
                # An XSUB peer may send upstream whatever it likes, in any number of frames.
                event = upstream.recv(flags=zmq.NOBLOCK)
            except zmq.Again:
                break
            if not event.startswith(b"\x01") or upstream.rcvmore:
                continue
            joined |= {name for name in self._types if topic_of(name).startswith(event[1:])}
        return joined if self._on_join is not None else set()

    async def _tell(self, message_type: str) -> None:
        assert self._on_join is not None
        for message in self._on_join(message_type):
            await self.publish(message)
