"""Request/reply over DEALER and ROUTER: ids, deadlines, and errors that cross.

Many calls share one socket; a late reply cannot be taken for another's, since it carries its request's id; and there is
no lock step to get stuck in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import zmq
import zmq.asyncio
from pydantic import BaseModel, ValidationError
from zmq.utils.monitor import parse_monitor_message

from shared.errors import InternalError, MalformedMessage, ParafoveaError, UnknownType
from shared.messages import new_id
from shared.rarely import Rarely
from shared.refusals import invalid_request, request_of
from shared.sockets import Bus
from shared.wire import (
    Payload,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode_error,
    encode_reply,
    encode_request,
    is_id,
)

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Reply]]
ModelT = TypeVar("ModelT", bound=BaseModel)

CONNECT_GRACE_S = 0.5
"""A caller that has just started, or whose peer is just restarting, waits this long for the connection."""


class PeerGone(Exception):
    """Nobody is at the other end, or it went away before it answered. Whether it acted is not known."""


class Client:
    """Calls one process. One owner, any number of calls at a time.

    Delivery: a request is carried out at most once. :class:`PeerGone` and :class:`TimeoutError` leave open whether it
    was, so requests that may be repeated carry an id of their own that makes the repetition harmless.
    """

    def __init__(self, bus: Bus, channel: str) -> None:
        self._bus = bus
        self._channel = channel
        self._socket, self._monitor = bus.connect_monitored(channel)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._connected = asyncio.Event()
        self._met = False
        self._unreadable = Rarely(log)
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._watch())]

    @property
    def connected(self) -> bool:
        """Whether somebody is at the other end, as far as this end knows."""
        return self._connected.is_set()

    @property
    def met(self) -> bool:
        """Whether somebody has been at the other end, now or before."""
        return self._met

    async def call(
        self,
        message_type: str,
        body: dict[str, Any] | None = None,
        payloads: Sequence[Payload] = (),
        *,
        timeout_s: float,
    ) -> Reply:
        """Ask and wait for the answer.

        Raises:
            PeerGone: nobody is there, or the other end went away before it answered.
            TimeoutError: no answer within ``timeout_s`` seconds of monotonic time; a later one is dropped.
            ParafoveaError: the error that the other side answered.
        """
        message_id = new_id()
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = reply
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(encode_request(message_type, body or {}, payloads, message_id=message_id))
                return await reply
        finally:
            del self._waiting[message_id]
            if reply.done() and not reply.cancelled():
                reply.exception()  # seen, even where the deadline or the failed send came first

    async def _send(self, frames: list[Payload]) -> None:
        deadline = asyncio.get_running_loop().time() + CONNECT_GRACE_S
        while True:
            try:
                await self._socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=len(frames) == 1)
                return
            except zmq.Again:
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0:
                    raise PeerGone(f"nobody answers on '{self._channel}'") from None
                # Writable means connected: with ZMQ_IMMEDIATE a socket without a connection accepts nothing.
                await self._socket.poll(timeout=int(remaining * 1000) + 1, flags=zmq.POLLOUT)  # type: ignore[call-arg]

    def _meet(self) -> None:
        self._connected.set()
        self._met = True

    async def _receive(self) -> None:
        while not self._socket.closed:
            frames = await self._socket.recv_multipart()
            self._meet()
            message_id: str | None
            reply: Reply | ParafoveaError
            try:
                message_id, reply = decode_reply(frames)
            except ParafoveaError as error:
                self._unreadable.warn("unreadable reply on %s: %s", self._channel, error.detail)
                # Its caller, where it can be told, need not wait for the deadline.
                message_id = _id_of(frames)
                reply = InternalError(f"the answer on '{self._channel}' cannot be read: {error.detail}")
            future = self._waiting.get(message_id or "")
            if future is None or future.done():
                continue  # its caller has given up
            if isinstance(reply, ParafoveaError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

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
        """Stop receiving and close the socket. Calls under way raise :class:`PeerGone`."""
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


class Server:
    """Answers a channel's requests, each in a task of its own. Every request is answered, a malformed one too."""

    def __init__(self, bus: Bus, channel: str, handlers: Mapping[str, Handler]) -> None:
        self._channel = channel
        self._socket = bus.bind(channel)
        self._handlers = dict(handlers)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Answer until cancelled."""
        try:
            while True:
                identity, *frames = await self._socket.recv_multipart()
                task = asyncio.create_task(self._answer(identity, frames))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, identity: bytes, frames: list[bytes]) -> None:
        try:
            request = decode_request(frames)
        except ParafoveaError as error:
            await self._send(identity, encode_error(_id_of(frames), error))
            return
        try:
            reply = encode_reply(request, await self._handle(request))
        except ParafoveaError as error:
            reply = encode_error(request.id, error)
        except ValidationError as error:
            reply = encode_error(request.id, invalid_request(error))
        except Exception:
            log.exception("a %s request failed", request.type)
            told = InternalError(f"the {self._channel} could not do '{request.type}'; its log has the reason")
            reply = encode_error(request.id, told)
        await self._send(identity, reply)

    async def _handle(self, request: Request) -> Reply:
        handler = self._handlers.get(request.type)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise UnknownType(f"'{self._channel}' serves no {request.type!r}; it serves {known}")
        return await handler(request)

    async def _send(self, identity: bytes, frames: list[Payload]) -> None:
        await self._socket.send_multipart([identity, *frames], copy=len(frames) == 1)


def read(model: type[ModelT], reply: Reply) -> ModelT:
    """What a reply says.

    Raises:
        InternalError: it is not what this version understands. An error of the one request, and of no other.
    """
    try:
        return model.model_validate(reply.body)
    except ValidationError as error:
        problem = invalid_request(error).detail[:500]
        raise InternalError(
            f"the answer '{reply.body.get('type')}' cannot be understood ({problem}); "
            "restart every process after an update, so that all are of one version"
        ) from None


def _id_of(frames: list[bytes]) -> str | None:
    """The id in a request that is otherwise unreadable, so that its caller need not wait for the deadline."""
    import orjson

    try:
        header = orjson.loads(frames[0]) if frames else None
    except orjson.JSONDecodeError:
        return None
    found = header.get("id") if isinstance(header, dict) else None
    return found if isinstance(found, str) and is_id(found) else None


__all__ = ["Client", "Handler", "MalformedMessage", "PeerGone", "Server", "invalid_request", "read", "request_of"]
