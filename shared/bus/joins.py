"""Who has subscribed to what: received in the thread of a channel's front, taken by the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import zmq

from shared.bus.channels import Channel, topic_of
from shared.bus.receiving import descriptor_of
from shared.system.connections import Connection
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

MOST_JOINS = 1000
COUNTED_S = 60.0
"""A connection that subscribes more often in this time is cut: libzmq keeps every topic that it is told."""


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

    # -- in the front's thread ----------------------------------------------------------------------------------------

    def receive(self, frame: zmq.Frame) -> None:
        """Take what a subscriber has sent: an XSUB peer may send whatever it likes, in any number of frames."""
        self._count(frame)
        if len(frame) - 1 <= self._longest and not frame.more and frame.bytes.startswith(b"\x01"):
            matching = {name for name in self._channel.types if topic_of(name).startswith(frame.bytes[1:])}
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
