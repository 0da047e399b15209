"""The requests that the generator answers, on a socket of their own: none of them queues behind an inference."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
from shared.errors import NotFound
from shared.frame import Frame
from shared.system.waiting import wait_at_most


@dataclass(slots=True)
class Requests:
    """Handlers of the ``generator`` channel."""

    queue: JobQueue
    backlog: Backlog
    stream: FrameStream
    journal: FrameJournal
    acknowledgements: Acknowledgements
    generate: Callable[[requests.Generate, bytes], Awaitable[WithImage[Frame]]]
    """Makes a frame of a request and its image, as it came."""
    current_status: Callable[[], Status]
    check_ready: Callable[[], ModelInfo]
    """The model, or the error that says why there is none."""
    cancel_commit: Callable[[str], bool]
    """Gives up a commit that waits, by the id of its request; whether there was one."""
    _acknowledged: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def register(self, server: Server) -> None:
        """Have them answer what this server is asked."""
        server.on_image(requests.GENERATE, self.generate)
        server.on(requests.CANCEL, self._cancel)
        server.on(requests.STATUS, self._status)
        server.on(requests.PENDING, self._pending)
        server.on(requests.FETCH, self._fetch)
        server.on(requests.INPUT, self._input)
        server.on(requests.ACKNOWLEDGE, self._acknowledge)
        server.on(requests.VOCABULARY, self._vocabulary)

    async def wait_for_acknowledgement(self, timeout_s: float) -> None:
        """Return after the next acknowledgement, or after the time."""
        self._acknowledged.clear()
        await wait_at_most(self._acknowledged, timeout_s)

    async def _cancel(self, asked: requests.Cancel) -> requests.CancelAnswer:
        if self.cancel_commit(asked.request_id):
            return requests.CancelAnswer(found="queued")
        return requests.CancelAnswer(found=self.queue.cancel(asked.request_id))

    async def _status(self, asked: Nothing) -> Status:
        return self.current_status()

    async def _pending(self, asked: Nothing) -> requests.Listing:
        return requests.Listing(
            epoch=self.stream.epoch,
            stopping=self.current_status().state == "stopping",
            frames=self.backlog.pending(),
            next_record_seq=dict(self.stream.next_record_seq),
        )

    async def _fetch(self, asked: requests.Fetch) -> WithImage[Frame]:
        held = self.backlog.frame(asked)
        if held is None:
            raise NotFound(f"frame {asked.record_seq} of session {asked.session_id} is not held here (any more)")
        return WithImage(held.frame, held.png)

    async def _input(self, asked: requests.InputRequest) -> WithImage[requests.Input]:
        held = self.backlog.input(asked.sha256)
        if held is None:
            raise NotFound(f"no unacknowledged frame needs an input {asked.sha256}")
        return WithImage(requests.Input(sha256=held.sha256, format=held.format), held.data)

    async def _vocabulary(self, asked: Nothing) -> requests.VocabularyAnswer:
        info = self.check_ready()
        known = info.vocabulary.to_json() if info.vocabulary is not None else {}
        return requests.VocabularyAnswer(model=info.model, **known)

    async def _acknowledge(self, asked: requests.Acknowledge) -> requests.Acknowledged:
        await self.acknowledgements.check(asked)
        released = [held.key.frame_id for ref in asked.frames if (held := self.backlog.acknowledge(ref))]
        if released:
            self.journal.let_go(released)
        self._acknowledged.set()
        return requests.Acknowledged(released=len(released))
