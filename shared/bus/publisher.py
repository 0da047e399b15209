"""Publishing on a bound channel, and telling those who join where things stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from shared.bus.channels import BY_NAME
from shared.bus.envelope import Payload, encode_published
from shared.bus.joins import Joins
from shared.bus.messages import AnyMessage
from shared.bus.sockets import Bus
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

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

    async def publish(self, message: AnyMessage, payload: Payload = b"") -> None:
        """Send. Never waits for a subscriber to read: what is beyond its mark is dropped instead.

        Who is cancelled in it has sent it all the same. Where the channel is kept busy for :data:`ROOM_S`, it is
        dropped for all, and so is at once what follows, until the channel goes on.

        Raises:
            zmq.ZMQError: it could not be sent.
        """
        await self.send(encode_published(message, payload))

    async def send(self, frames: list[Payload]) -> None:
        """:meth:`publish` a message that is encoded."""
        if not (self._is_behind and self._front.waiting):
            sent = self._front.send(frames)
            # One at a time: a burst would overrun the marks of subscribers that are fast enough otherwise.
            await asyncio.wait([asyncio.wrap_future(sent)], timeout=ROOM_S)
            self._is_behind = not sent.done()
            if sent.done() and not sent.cancelled():
                sent.result()
            if self._front.end.done() or not sent.cancel():  # serve_joins tells of an end
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
