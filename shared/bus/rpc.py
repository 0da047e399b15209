"""The side of request/reply that asks: ids, deadlines, and errors that cross. ``shared/bus/server.py`` is the other.

Many calls share one socket; a late reply cannot be taken for another's, since it carries its request's id; and there is
no lock step to get stuck in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from traceback import clear_frames
from typing import Any, TypeVar

import zmq
import zmq.asyncio
from pydantic import BaseModel, ValidationError
from zmq.utils.monitor import parse_monitor_message

from shared.bus.call import AnswerT, AskedT, Call, WithImage
from shared.bus.envelope import Payload, Reply, StrangeAnswer, decode_reply, encode_request, id_of, own_fields
from shared.bus.sockets import Bus
from shared.errors import InternalError, ParafoveaError
from shared.ids import new_id
from shared.refusals import invalid_request
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)

CONNECT_GRACE_S = 0.5
"""A caller that has just started, or whose peer is just restarting, waits this long for the connection."""


class PeerGone(Exception):
    """Nobody is at the other end, or it went away before it answered. Whether it acted is not known."""


class Client:
    """Calls one process. One owner, any number of calls at a time.

    Delivery: a request is carried out at most once. :class:`PeerGone` and :class:`TimeoutError` leave open whether it
    was, so requests that may be repeated carry an id of their own that makes the repetition harmless.

    Attributes:
        met: whether somebody has been at the other end, now or before.
    """

    def __init__(self, bus: Bus, channel: str) -> None:
        self._bus = bus
        self._channel = channel
        self._socket, self._monitor = bus.connect_monitored(channel)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._wanted_as_views: set[str] = set()
        self._connected = asyncio.Event()
        self.met = False
        self._unreadable = Rarely(log)
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._watch())]

    @property
    def connected(self) -> bool:
        """Whether somebody is at the other end, as far as this end knows."""
        return self._connected.is_set()

    async def call(
        self,
        message_type: str,
        body: dict[str, Any] | None = None,
        payloads: Sequence[Payload] = (),
        *,
        timeout_s: float,
        as_views: bool = False,
    ) -> Reply:
        """Ask and wait for the answer. With ``as_views`` its payloads are not copied, but views of libzmq's memory.

        Raises:
            PeerGone: nobody is there, or the other end went away before it answered.
            TimeoutError: no answer within ``timeout_s`` seconds of monotonic time; a later one is dropped.
            ParafoveaError: the error that the other side answered.
        """
        message_id = new_id()
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = reply
        if as_views:
            self._wanted_as_views.add(message_id)
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(encode_request(message_type, body or {}, payloads, message_id=message_id))
                return await reply
        finally:
            del self._waiting[message_id]
            self._wanted_as_views.discard(message_id)
            if reply.done() and not reply.cancelled():
                reply.exception()  # seen, even where the deadline or the failed send came first

    async def ask(
        self, call: Call[AskedT, AnswerT], asked: AskedT | None = None, image: bytes | None = None, *, timeout_s: float
    ) -> AnswerT:
        """:meth:`call` for one thing, with its image where it needs one; raises StrangeAnswer for an answer that cannot
        be understood."""
        return read(call.answer, await self._call(call, asked, image, timeout_s))

    async def ask_for_image(
        self, call: Call[AskedT, AnswerT], asked: AskedT | None = None, image: bytes | None = None, *, timeout_s: float
    ) -> WithImage[AnswerT]:
        """:meth:`ask` where the answer has an image."""
        reply = await self._call(call, asked, image, timeout_s)
        answered = reply.payload
        return WithImage(read(call.answer, reply), answered)

    async def _call(
        self, call: Call[AskedT, AnswerT], asked: AskedT | None, image: bytes | None, timeout_s: float
    ) -> Reply:
        body = asked.flat() if asked is not None else {}
        return await self.call(call.name, body, () if image is None else (image,), timeout_s=timeout_s)

    async def _send(self, frames: list[Payload]) -> None:
        deadline = asyncio.get_running_loop().time() + CONNECT_GRACE_S
        while True:
            if self._socket.closed:
                raise PeerGone(f"this end of '{self._channel}' is closed")
            try:
                await self._socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=len(frames) == 1)
                return
            except zmq.Again as error:
                # Its future and its traceback are a ring that holds the picture until Python looks for rings.
                clear_frames(error.__traceback__)
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0:
                    raise PeerGone(f"nobody answers on '{self._channel}'") from None
                # Writable means connected: with ZMQ_IMMEDIATE a socket without a connection accepts nothing.
                await self._writable(int(remaining * 1000) + 1)

    async def _writable(self, timeout_ms: int) -> None:
        try:
            await self._socket.poll(timeout=timeout_ms, flags=zmq.POLLOUT)  # type: ignore[call-arg]
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._socket.closed or (task is not None and task.cancelling()):
                raise
            # pyzmq cancels what waits for a socket that is closed; the task itself was not.
            raise PeerGone(f"this end of '{self._channel}' is closed") from None

    def _meet(self) -> None:
        self._connected.set()
        self.met = True

    async def _receive(self) -> None:
        while not self._socket.closed:
            self._take(await self._socket.recv_multipart(copy=False))

    def _take(self, came: list[zmq.Frame]) -> None:
        self._meet()
        message_id: str | None
        reply: Reply | ParafoveaError
        header, *payloads = came
        frames: list[Any] = [header.bytes, *(payload.buffer for payload in payloads)]
        try:
            message_id, reply = decode_reply(frames)
        except ParafoveaError as error:
            self._unreadable.warn("unreadable reply on %s: %s", self._channel, error.detail)
            # Its caller, where it can be told, need not wait for the deadline.
            message_id = id_of(frames)
            reply = InternalError(f"the answer on '{self._channel}' cannot be read: {error.detail}")
        future = self._waiting.get(message_id or "")
        if future is None or future.done():
            return  # its caller has given up
        if isinstance(reply, ParafoveaError):
            future.set_exception(reply)
        elif message_id in self._wanted_as_views:
            future.set_result(reply)
        else:
            future.set_result(replace(reply, payloads=tuple(map(bytes, reply.payloads))))

    async def _watch(self) -> None:
        while not self._monitor.closed:
            event = parse_monitor_message(await self._monitor.recv_multipart())
            if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._meet()
            elif event["event"] == zmq.EVENT_DISCONNECTED:
                self._connected.clear()
                for future in self._waiting.values():
                    if not future.done():
                        future.set_exception(PeerGone(f"the process behind '{self._channel}' went away"))

    async def close(self) -> None:
        """Stop receiving and close the socket. Calls under way, and later ones, raise :class:`PeerGone`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(PeerGone("this end is closing"))
        if not self._socket.closed:
            self._socket.disable_monitor()
        self._bus.close_socket(self._monitor)
        self._bus.close_socket(self._socket)


def read(model: type[ModelT], reply: Reply) -> ModelT:
    """What a reply says. Raises StrangeAnswer: it is not what this version understands."""
    try:
        return model.model_validate(own_fields(reply.body))
    except ValidationError as error:
        problem = invalid_request(error).detail[:500]
        told = (
            f"the answer '{reply.body.get('type')}' cannot be understood ({problem}); "
            "restart every process after an update, so that all are of one version"
        )
        raise StrangeAnswer(told, reply.body, bytes(reply.payloads[0]) if reply.payloads else b"") from None
