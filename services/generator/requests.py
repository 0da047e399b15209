"""The requests that the generator answers, on a socket of their own: none of them queues behind an inference."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from services.generator.backlog import Backlog
from services.generator.engine import ModelInfo
from services.generator.jobs import JobQueue
from services.generator.journal import FrameJournal
from services.generator.stream import FrameStream
from shared.bus.acknowledging import Acknowledgements
from shared.bus.call import Nothing, WithImage
from shared.bus.messages import Status
from shared.bus.requests import generator as requests
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.errors import NotFound
from shared.frame import Frame


class Requests:
    """Handlers of the ``generator`` channel.

    Args:
        sessions: the sessions folder, where the recorder's secret is.
        generate: makes a frame of a request and its image, as it came.
        status: how things stand.
        check_ready: the model, or the error that says why there is none.
    """

    def __init__(
        self,
        bus: Bus,
        sessions: Path,
        queue: JobQueue,
        backlog: Backlog,
        stream: FrameStream,
        journal: FrameJournal,
        *,
        generate: Callable[[requests.Generate, bytes], Awaitable[WithImage[Frame]]],
        status: Callable[[], Status],
        check_ready: Callable[[], ModelInfo],
    ) -> None:
        self._queue = queue
        self._backlog = backlog
        self._stream = stream
        self._journal = journal
        self._current_status = status
        self._check_ready = check_ready
        self._acknowledgements = Acknowledgements(bus, sessions)
        self._acknowledged = asyncio.Event()
        self._server = server = Server(bus, "generator")
        server.on_image(requests.GENERATE, generate)
        server.on(requests.CANCEL, self._cancel)
        server.on(requests.STATUS, self._status)
        server.on(requests.PENDING, self._pending)
        server.on(requests.FETCH, self._fetch)
        server.on(requests.INPUT, self._input)
        server.on(requests.ACKNOWLEDGE, self._acknowledge)
        server.on(requests.VOCABULARY, self._vocabulary)

    async def serve(self) -> None:
        """Answer until cancelled."""
        await self._server.serve()

    async def wait_for_acknowledgement(self, timeout_s: float) -> None:
        """Return after the next acknowledgement, or after the time."""
        self._acknowledged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._acknowledged.wait()

    async def _cancel(self, asked: requests.Cancel) -> requests.Cancelled:
        return requests.Cancelled(found=self._queue.cancel(asked.request_id))

    async def _status(self, asked: Nothing) -> Status:
        return self._current_status()

    async def _pending(self, asked: Nothing) -> requests.Listing:
        return requests.Listing(
            epoch=self._stream.epoch,
            stopping=self._current_status().state == "stopping",
            frames=self._backlog.pending(),
            next_record_seq=dict(self._stream.next_record_seq),
        )

    async def _fetch(self, asked: requests.Fetch) -> WithImage[Frame]:
        held = self._backlog.frame(asked)
        if held is None:
            raise NotFound(f"frame {asked.record_seq} of session {asked.session_id} is not held here (any more)")
        return WithImage(held.frame, held.png)

    async def _input(self, asked: requests.InputRequest) -> WithImage[requests.Input]:
        held = self._backlog.input(asked.sha256)
        if held is None:
            raise NotFound(f"no unacknowledged frame needs an input {asked.sha256}")
        return WithImage(requests.Input(sha256=held.sha256, format=held.format), held.data)

    async def _vocabulary(self, asked: Nothing) -> requests.Vocabulary:
        info = self._check_ready()
        known = info.vocabulary.to_json() if info.vocabulary is not None else {}
        return requests.Vocabulary(model=info.model, **known)

    async def _acknowledge(self, asked: requests.Acknowledge) -> requests.Acknowledged:
        await self._acknowledgements.check(asked)
        released = [held.key.frame_id for ref in asked.frames if (held := self._backlog.acknowledge(ref))]
        if released:
            self._journal.let_go(released)
        self._acknowledged.set()
        return requests.Acknowledged(released=len(released))
