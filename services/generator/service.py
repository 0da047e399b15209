"""The generator process: owns the engine, the queue of jobs, the stream of frames and the backlog.

A request is accepted and decoded, waits, runs on the one inference thread, and is encoded on another while the next one
runs. Then the frame is committed: held for the recorder, answered, published. Nothing here waits for the recorder.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from services.generator.backlog import Backlog
from services.generator.catalog import Models
from services.generator.engine import Engine, ModelInfo
from services.generator.inference import Inference
from services.generator.jobs import JobQueue
from services.generator.journal import FrameJournal
from services.generator.making import Held, Making
from services.generator.model_requests import ModelRequests
from services.generator.pictures import Pictures
from services.generator.preparing.committing import PreparingRequests
from services.generator.preparing.preparations import Preparations
from services.generator.requests import Requests
from services.generator.stream import FrameStream
from shared.bus.acknowledging import Acknowledgements
from shared.bus.message import Message
from shared.bus.messages import AnyMessage, Backlogged, Status, Waiting
from shared.bus.publisher import Publisher
from shared.bus.server import Server
from shared.errors import GeneratorUnavailable
from shared.process.runner import Runtime
from shared.session.writing.spill import write_spill
from shared.system.disk import Disk

log = logging.getLogger(__name__)


def natural_engine(segmenter: Path | None) -> Engine:
    """The engine of natural changes. Imports what is heavy: call it on the inference thread."""
    from services.generator.natural.maker import NaturalEngine

    return NaturalEngine(segmenter)


HEARTBEAT_S = 1.0
TOLD_S = 0.02
"""A change is told so much later, with all that has changed since: making it, and those who hear of it, would else take
the processor from the frame that is being made."""
DRAIN_S = 3.0
"""How long a stopping generator waits for acknowledgements: honcho kills after five seconds."""
WORK_BYTES = 1 << 30
"""What an inference, and the pictures on their way through, may take beside what is accounted for."""


class Generator:
    """Jobs in, frames out. ``models``: what there is to load; ``disk`` is for the journal, and for what a stopping
    generator spills."""

    def __init__(self, runtime: Runtime, models: Models, disk: Disk) -> None:
        self._runtime = runtime
        self._disk = disk
        self._inference = Inference(models, lambda: natural_engine(runtime.settings.segmenter))
        self.queue = JobQueue(runtime.settings.queue_limit)
        self.backlog = Backlog(runtime.settings.backlog_bytes)
        self.pictures = Pictures()
        self.stream = FrameStream()
        self.journal = FrameJournal(disk, runtime.settings.sessions_dir, self.stream.epoch)
        self._frames = Publisher(runtime.bus, "frames", self._status_on_join)
        self._server = Server(runtime.bus, "generator")
        self.preparations = Preparations(self.queue, self._publish_soon, lambda: self._inference.info)
        self._inference.residents.on_change = self.preparations.model_changed
        self._making = Making(
            *(self._inference, self.queue, Held(self.backlog, self.journal), self.stream, self.pictures),
            check_ready=self.check_ready,
            publish=self._publish_soon,
            publish_status=self._tell_soon,
            prepared=self.preparations.took,
            pinned=self.preparations.kept.picture,
        )
        committing = PreparingRequests(
            *(self.preparations, self._making, self.stream, self.journal, self.check_ready, self.backlog.release)
        )
        self._requests = Requests(
            self.queue,
            self.backlog,
            self.stream,
            self.journal,
            Acknowledgements(runtime.bus, runtime.settings.sessions_dir),
            self._making.generate,
            self.status,
            self.check_ready,
            committing.cancel,
        )
        self._requests.register(self._server)
        committing.register(self._server)
        ModelRequests(self._inference.residents, models, self._tell_soon).register(self._server)
        self._telling: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve until stopped, then wait for acknowledgements, and spill the frames that got none."""
        self._runtime.supervise(self._server.serve(), "requests")
        self._runtime.supervise(self._frames.serve_joins(), "joins")
        self._runtime.supervise(self._beat(), "heartbeat")
        self._runtime.supervise(self._making.infer(), "inference")
        self._runtime.supervise(self._making.encode(), "encoding")
        self._runtime.guard(
            WORK_BYTES + self._runtime.settings.bus_budget_bytes,
            self._held_bytes,
            settling=lambda: self._inference.is_loading,
            working=lambda: self.queue.running is not None,
        )
        await self._runtime.stopping.wait()
        await self._stop()

    def _held_bytes(self) -> int:
        kept = self.pictures.held_bytes + self.preparations.held_bytes
        return self.backlog.held_bytes + self.queue.held_bytes + kept

    async def _stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self.preparations.close()
        self.queue.drop_all(GeneratorUnavailable("The generator is stopping."))
        await self.publish_status()
        deadline = time.monotonic() + DRAIN_S
        while len(self.backlog) and time.monotonic() < deadline:
            await self._requests.wait_for_acknowledgement(deadline - time.monotonic())
        if len(self.backlog):
            await self._spill()
        await self.journal.close()
        for part in (self._making, self.stream, self._inference):
            part.close()
        self._runtime.abandon_threads = True

    async def _spill(self) -> None:
        held = self.backlog.frames()
        log.warning("%d frames are not acknowledged; they go to the spill for the recorder's next start", len(held))
        inputs = {item.sha256: (item.format, item.data) for item in self.backlog.inputs()}
        frames = [(each.frame, each.png) for each in held]
        try:
            await asyncio.to_thread(write_spill, self._disk, self._runtime.settings.sessions_dir, frames, inputs)
        except OSError as error:
            lost = ", ".join(each.key.frame_id for each in held)
            log.error("the spill cannot be written (%s); these frames are lost: %s", error, lost)

    def check_ready(self) -> ModelInfo:
        """The model that would make a frame now. Raises GeneratorLoading or GeneratorUnavailable: there is none."""
        if self._runtime.stopping.is_set():
            raise GeneratorUnavailable("The generator is stopping; try again when it is back.")
        return self._inference.check_loaded()

    # -- what is published ---------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            self.queue.drop_late()
            self.preparations.sweep()
            self.journal.retry()
            await self.publish_status()
            await asyncio.sleep(HEARTBEAT_S)

    async def publish_status(self) -> None:
        """Publish how things stand."""
        await self._frames.publish(self.status())

    def status(self) -> Status:
        """How things stand, with the last numbers, so that a loss at the tail shows."""
        info, failure, running = self._inference.info, self._inference.failure, self.queue.running
        stopping, loading = self._runtime.stopping.is_set(), self._inference.residents.loading
        return Status(
            epoch=self.stream.epoch,
            state="stopping" if stopping else "ready" if info else "failed" if failure and not loading else "loading",
            detail=failure if info is None else None,
            last_seq=self.stream.last_seq,
            sessions=tuple(
                Backlogged(session_id=name, last_record_seq=self.stream.next_record_seq[name] - 1, frames=count)
                for name, count in self.backlog.counts().items()
            ),
            making=self.backlog.making(),
            queue=self.queue.waiting("live"),
            preparing=self.queue.waiting("prepared"),
            background=self.queue.waiting("background"),
            waiting=tuple(Waiting(request_id=one.request_id, client_id=one.client_id) for one in self.queue.line()),
            running=running.request.request_id if running else None,
            backlog_bytes=self.backlog.held_bytes,
            backlog_limit_bytes=self._runtime.settings.backlog_bytes,
            journal=self.journal.problem,
            unjournaled=self.journal.unjournaled,
            loading=loading,
            **(
                {"model": info.model, "device": info.device, "dtype": info.dtype, "advice": info.advice} if info else {}
            ),
        )

    def _status_on_join(self, message_type: str) -> list[Message]:
        return [self.status()] if message_type == Status.type else []

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOLD_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._publish_soon(self.status())

    def _publish_soon(self, message: AnyMessage, payload: bytes = b"") -> None:
        if not self._frames.is_heard(message.type):
            return  # progress, most of the time
        # Sent in the order of the calls, by the channel's thread.
        self._runtime.supervise(self._frames.publish(message, payload), f"publish {message.type}")
