"""The side of request/reply that answers: every request, whoever asks, and in bounded memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from traceback import clear_frames
from types import MappingProxyType
from typing import cast

import zmq
from pydantic import ValidationError

from shared.body import Body
from shared.bus.call import AnswerT, AskedT, Call, Handler, Typed, TypedWithImage, WithImage
from shared.bus.callers import LARGEST_REQUESTS, REQUESTS_EACH, Caller, Callers
from shared.bus.channels import BY_NAME
from shared.bus.envelope import Payload, Reply, Request, decode_request, encode_error, encode_reply, id_of
from shared.bus.receiving import descriptor_of, receive
from shared.bus.sockets import Bus
from shared.errors import InternalError, MalformedMessage, ParafoveaError, TooManyRequests, UnknownType
from shared.refusals import invalid_request
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

MAX_FRAMES = 16
"""Of one request, its caller's identity included. None of ours has more than three."""
TRACKED_BYTES = 4096
"""Answers from this size on are counted until libzmq has let go of them; its mark bounds the smaller ones."""
SOON_S, LATER_S = 0.002, 0.1
"""How often what is unread is looked at: soon after something moved, ever later while nothing does."""
STALL_S = 30.0
"""A caller that leaves answers unread for so long is disconnected. One that was only paused connects again."""


class Server:
    """Answers a channel's requests, each in a task of its own. Every request is answered, a malformed one too.

    Whoever asks more than it reads waits: requests of :attr:`shared.bus.channels.Channel.in_line` are carried out in
    order as the earlier answers are read. Beyond bounds on what is under way, requests are answered
    ``too_many_requests``.

    Args:
        channel: it is bound by this process from now on.
        handlers: by name, for requests that are taken as they come; :meth:`on` adds those that are checked.
    """

    def __init__(self, bus: Bus, channel: str, handlers: Mapping[str, Handler] = MappingProxyType({})) -> None:
        self._bus = bus
        self._channel = BY_NAME[channel]
        self._socket = bus.bind(channel)
        bus.answering.append(self)
        self._handlers = dict(handlers)
        self._callers = Callers(LARGEST_REQUESTS * self._channel.max_inbound_bytes)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unread = asyncio.Event()
        self._refused = Rarely(log)
        self._stalled = Rarely(log)

    def on(self, call: Call[AskedT, AnswerT], handler: Typed[AskedT, AnswerT]) -> None:
        """Answer a kind of request with what ``handler`` returns, or with the :class:`ParafoveaError` that it raises.
        It is given the fields, checked."""

        async def answer(request: Request) -> Reply:
            return _reply_of(await handler(call.asked.model_validate(request.body)))

        self._handlers[call.name] = answer

    def on_image(self, call: Call[AskedT, AnswerT], handler: TypedWithImage[AskedT, AnswerT]) -> None:
        """:meth:`on` of a kind of request that comes with an image."""

        async def answer(request: Request) -> Reply:
            if len(request.payloads) != 1:
                raise MalformedMessage(f"'{call.name}' needs one payload, the input image")
            return _reply_of(await handler(call.asked.model_validate(request.body), request.payloads[0]))

        self._handlers[call.name] = answer

    def busy_descriptors(self) -> set[int]:
        """The connections whose requests are under way."""
        return {caller.descriptor for caller in self._callers if caller.requests and caller.descriptor is not None}

    def held_bytes(self) -> int:
        """Bytes of the requests under way, and of the answers that nobody has read."""
        return self._callers.request_bytes + self._callers.unread_bytes

    async def serve(self) -> None:
        watching = asyncio.create_task(self._watch_unread())
        try:
            while True:
                self._take(await receive(self._socket, MAX_FRAMES))
                if watching.done():
                    watching.result()  # it ends by an error alone, which ends us
        finally:
            tasks = [*self._tasks, watching]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _take(self, received: list[zmq.Frame]) -> None:
        caller = self._callers.of(received[0].bytes)
        caller.descriptor = descriptor_of(received[0])
        size = sum(len(frame) for frame in received)
        frames: list[bytes] = []
        try:
            if len(received) > MAX_FRAMES:
                raise MalformedMessage(f"a request has a header and at most {MAX_FRAMES - 2} payloads")
            if not self._callers.admits(caller, size):
                self._refused.warn(
                    "more requests on '%s' than may be under way: a caller has %d of them, all have %d with %d bytes",
                    *(self._channel.name, caller.requests, self._callers.requests, self._callers.request_bytes),
                )
                frames = [received[1].bytes] if len(received) > 1 and len(received[1]) <= TRACKED_BYTES else []
                raise TooManyRequests(
                    f"more requests are under way than the {self._channel.name} takes (of one caller {REQUESTS_EACH}); "
                    "read the answers, and ask again"
                )
            frames = [frame.bytes for frame in received[1:]]
            request = decode_request(frames)
        except ParafoveaError as error:
            if not caller.outgoing:  # one that does not read is not told how much it asks
                self._reply(caller, encode_error(id_of(frames), error))
            self._callers.forget_idle(caller)
            return
        self._callers.count(caller, 1, size)
        if request.type in self._channel.in_line or caller.is_behind:
            caller.line.append((request, size))
            self._advance(caller)
        else:
            self._start(caller, request, size, in_line=False)

    def _advance(self, caller: Caller) -> None:
        while (following := self._callers.next_of(caller)) is not None:
            self._start(caller, *following, in_line=True)
        if caller.line:
            self._unread.set()

    def _start(self, caller: Caller, request: Request, size: int, *, in_line: bool) -> None:
        task = asyncio.create_task(self._answer(caller, request, size, in_line=in_line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, caller: Caller, request: Request, size: int, *, in_line: bool) -> None:
        try:
            if request.type not in self._handlers:
                known = ", ".join(sorted(self._handlers))
                raise UnknownType(f"'{self._channel.name}' serves no {request.type!r}; it serves {known}")
            reply = encode_reply(request, await self._handlers[request.type](request))
        except ParafoveaError as error:
            reply = encode_error(request.id, error)
        except ValidationError as error:
            reply = encode_error(request.id, invalid_request(error))
        except Exception:
            log.exception("a %s request failed", request.type)
            told = InternalError(f"the {self._channel.name} could not do '{request.type}'; its log has the reason")
            reply = encode_error(request.id, told)
        self._callers.count(caller, -1, -size)
        if in_line:
            self._callers.left(caller)
        self._reply(caller, reply)
        self._advance(caller)
        self._callers.forget_idle(caller)

    # -- answers ------------------------------------------------------------------------------------------------------

    def _reply(self, caller: Caller, frames: list[Payload]) -> None:
        if not caller.has_unread:
            caller.moved_s = time.monotonic()
        caller.outgoing.append(frames)
        self._flush(caller)
        if caller.has_unread:
            self._unread.set()

    def _flush(self, caller: Caller) -> bool:
        """Give libzmq what it takes of a caller's answers; whether it took any."""
        took = False
        while caller.outgoing:
            frames, tracker, size = _tracked(caller.outgoing[0])
            refusal = self._send([caller.identity, *frames])
            if refusal == zmq.EHOSTUNREACH:
                self._callers.drop_line(caller)
            if refusal is not None:
                return took
            caller.outgoing.popleft()
            self._callers.sent(caller, tracker, size)
            took = True
        return took

    def _send(self, frames: list[Payload | zmq.Frame]) -> int | None:
        """Send, or say why libzmq does not take it: EAGAIN or EHOSTUNREACH."""
        sent = self._socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=False)
        error = cast("asyncio.Future[object]", sent).exception()  # with NOBLOCK it is done at once
        try:
            if error is None:
                return None
            if not isinstance(error, zmq.ZMQError) or error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise error
            clear_frames(error.__traceback__)
            return error.errno
        finally:
            # The future, its error and its traceback are a ring that holds the picture until Python looks for rings.
            del sent, error

    async def _watch_unread(self) -> None:
        """See that answers go on as they are read, until cancelled."""
        while True:
            await self._unread.wait()
            self._unread.clear()
            pause_s = SOON_S
            while any(caller.has_unread or caller.line for caller in self._callers):
                await asyncio.sleep(pause_s)
                moved = [self._look_at(caller) for caller in self._callers]
                pause_s = SOON_S if any(moved) else min(2 * pause_s, LATER_S)

    def _look_at(self, caller: Caller) -> bool:
        moved = self._callers.collect(caller)
        moved = self._flush(caller) or moved
        now_s = time.monotonic()
        if moved or not caller.has_unread:
            caller.moved_s = now_s
        elif now_s - caller.moved_s > STALL_S:
            caller.moved_s = now_s
            self._disconnect(caller)
        self._advance(caller)
        self._callers.forget_idle(caller)
        return moved

    def _disconnect(self, caller: Caller) -> None:
        # While it has something unread it is connected, so the descriptor is its own.
        peer = None if caller.descriptor is None else self._bus.connection(caller.descriptor)
        if peer is not None and self._bus.cut(peer):
            self._stalled.warn(
                "a caller of '%s' has left %d bytes of answers unread for %g s, and is disconnected",
                *(self._channel.name, caller.unread_bytes, STALL_S),
            )


def _reply_of(answer: Body | WithImage[AnswerT]) -> Reply:
    if isinstance(answer, WithImage):
        return Reply(answer.answer.flat(), (answer.image,))
    return Reply(answer.flat())


def _tracked(frames: list[Payload]) -> tuple[list[Payload | zmq.Frame], zmq.MessageTracker | None, int]:
    """An answer for libzmq, and what tells when it has let go of it: small ones it copies, of others one frame is
    watched, the largest."""
    size = sum(len(frame) for frame in frames)
    if size < TRACKED_BYTES:
        return [zmq.Frame(frame, copy=True) for frame in frames], None, size
    largest = max(range(len(frames)), key=lambda number: len(frames[number]))
    watched = [zmq.Frame(frame, track=number == largest, copy=False) for number, frame in enumerate(frames)]
    return [*watched], watched[largest].tracker, size
