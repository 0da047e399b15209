"""Receiving what others publish."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable

from shared.bus.channels import topic_of
from shared.bus.envelope import Published, checked, decode_published
from shared.bus.sockets import Bus
from shared.errors import ParafoveaError
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)


class Subscriber:
    """Receives the published messages of one channel.

    Delivery: at most once, in order; what was published before the join, or while this end was slow, is missed. A
    message that cannot be read (a bad publisher, or one of another version) is counted, told in the log ever more
    rarely, and passed over: it costs itself, never this process.

    Attributes:
        unread: messages passed over so far.
        problem: why the last message was passed over, None when it was read.
    """

    def __init__(self, bus: Bus, channel: str, topics: Iterable[str] = ()) -> None:
        self._bus = bus
        self._socket = bus.connect(channel, topics)
        self._channel = channel
        self._unreadable = Rarely(log)
        self._unusable = Rarely(log)
        self.unread = 0
        self.problem: str | None = None

    async def receive(self) -> Published:
        """The next message, its fields as their types."""
        while True:
            frames = await self._socket.recv_multipart()
            try:
                message = decode_published(frames)
            except ParafoveaError as error:
                self.unread += 1
                self._unreadable.warn("unreadable message on %s: %s", self._channel, error.detail)
                continue
            try:
                message = checked(message)
            except ValueError as error:
                self.unusable(message, error)
                continue
            self.problem = None
            return message

    async def __aiter__(self) -> AsyncIterator[Published]:
        while True:
            yield await self.receive()

    async def hand_to(self, take: Callable[[Published], None]) -> None:
        """Give each message to ``take``, until cancelled; one that it cannot use is passed over as well."""
        async for message in self:
            try:
                take(message)
            except Exception as error:
                self.unusable(message, error)

    def unusable(self, message: Published, error: Exception) -> None:
        self.unread += 1
        self.problem = f"{type(error).__name__}: {error}"
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        self._unusable.warn("a %r message on %s is passed over: %s", message.type, self._channel, said)

    def add(self, topic: str) -> None:
        """Receive messages of this type too, from about now on."""
        self._socket.subscribe(topic_of(topic))

    def drop(self, topic: str) -> None:
        """Receive messages of this type no more, from about now on."""
        self._socket.unsubscribe(topic_of(topic))

    def close(self) -> None:
        """Leave the channel before the bus is closed. Nobody may be receiving."""
        self._bus.close_socket(self._socket)
