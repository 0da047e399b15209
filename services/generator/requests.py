"""The requests that the generator answers. Control has its own socket, so none of it queues behind an inference."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from services.generator.acknowledged import Acknowledgements
from services.generator.stream import model_of
from shared.bus.envelope import Reply, Request
from shared.bus.requests import (
    Acknowledge,
    Acknowledged,
    Cancel,
    Cancelled,
    Fetch,
    Generate,
    Input,
    InputRequest,
    PendingFrames,
    Vocabulary,
)
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.errors import MalformedMessage, NotFound

if TYPE_CHECKING:
    from services.generator.service import Generator


class Control:
    """Handlers of the ``generator`` channel."""

    def __init__(self, bus: Bus, sessions: Path, generator: Generator) -> None:
        self._generator = generator
        self._acknowledgements = Acknowledgements(bus, sessions)
        self._acknowledged = asyncio.Event()
        self._server = Server(
            bus,
            "generator",
            {
                "generate": self._generate,
                "cancel": self._cancel,
                "status": self._status,
                "pending": self._pending,
                "fetch": self._fetch,
                "input": self._input,
                "ack": self._acknowledge,
                "vocabulary": self._vocabulary,
            },
        )

    async def serve(self) -> None:
        """Answer until cancelled."""
        await self._server.serve()

    async def wait_for_acknowledgement(self, timeout_s: float) -> None:
        """Return after the next acknowledgement, or after the time."""
        self._acknowledged.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._acknowledged.wait()
        except TimeoutError:
            return

    async def _generate(self, request: Request) -> Reply:
        if len(request.payloads) != 1:
            raise MalformedMessage("'generate' needs one payload, the input image")
        answer = await self._generator.generate(Generate.model_validate(request.body), request.payloads[0])
        return Reply(answer.generated.model_dump(), (answer.png,))

    async def _cancel(self, request: Request) -> Reply:
        where = self._generator.queue.cancel(Cancel.model_validate(request.body).request_id)
        return Reply(Cancelled(found=where).model_dump())

    async def _status(self, request: Request) -> Reply:
        return Reply(self._generator.status().model_dump(exclude={"v", "id", "time", "monotonic_ns"}))

    async def _pending(self, request: Request) -> Reply:
        status, stream = self._generator.status(), self._generator.stream
        pending = PendingFrames(
            epoch=stream.epoch,
            stopping=status.state == "stopping",
            frames=self._generator.backlog.pending(),
            next_record_seq=dict(stream.next_record_seq),
        )
        return Reply(pending.model_dump())

    async def _fetch(self, request: Request) -> Reply:
        wanted = Fetch.model_validate(request.body)
        frame = self._generator.backlog.frame(wanted)
        if frame is None:
            raise NotFound(f"frame {wanted.record_seq} of session {wanted.session_id} is not held here (any more)")
        return Reply(frame.header, (frame.png,))

    async def _input(self, request: Request) -> Reply:
        wanted = InputRequest.model_validate(request.body)
        held = self._generator.backlog.input(wanted.sha256)
        if held is None:
            raise NotFound(f"no unacknowledged frame needs an input {wanted.sha256}")
        return Reply(Input(sha256=held.sha256, format=held.format).model_dump(), (held.data,))

    async def _vocabulary(self, request: Request) -> Reply:
        info = self._generator.check_ready()
        known = info.vocabulary.to_json() if info.vocabulary is not None else {}
        return Reply(Vocabulary(model=model_of(info), **known).model_dump())

    async def _acknowledge(self, request: Request) -> Reply:
        wanted = Acknowledge.model_validate(request.body)
        await self._acknowledgements.check(wanted)
        released = sum(self._generator.backlog.acknowledge(ref) for ref in wanted.frames)
        self._acknowledged.set()
        return Reply(Acknowledged(released=released).model_dump())
