"""The generator process: owns the engine, the queue of jobs, the stream of frames and the backlog.

A request is accepted and decoded, waits, runs on the one inference thread, and is encoded on another while the next one
runs. Then the frame is committed: published, held for the recorder, answered. Nothing here waits for the recorder.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time

from services.generator import decode
from services.generator.backlog import Backlog, HeldFrame, HeldInput
from services.generator.engine import ModelInfo
from services.generator.inference import Inference, LoadEngine, Run
from services.generator.jobs import Job, JobQueue
from services.generator.journal import FrameJournal
from services.generator.language.understanding import refuse_what_is_not_done
from services.generator.requests import Requests
from services.generator.stream import FrameStream
from shared import images
from shared.bus.acknowledging import Acknowledgements
from shared.bus.call import WithImage
from shared.bus.message import Message
from shared.bus.messages import AnyMessage, Backlogged, Progress, Status, Waiting
from shared.bus.publisher import Publisher
from shared.bus.requests.generator import Generate
from shared.bus.server import Server
from shared.errors import GenerationFailed, GeneratorUnavailable
from shared.frame import Frame
from shared.process.runner import Runtime
from shared.session.writing.spill import write_spill
from shared.system.disk import Disk
from shared.system.worker import Worker

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
DRAIN_S = 3.0
"""How long a stopping generator waits for acknowledgements: honcho kills after five seconds."""
RUNS_AWAITING_ENCODING = 2
"""An engine faster than the encoder is held back here, so that pictures don't pile up in memory."""
WORK_BYTES = 1 << 30
"""What an inference, and the pictures on their way through, may take beside what is accounted for."""


class Generator:
    """Jobs in, frames out. ``load_engine`` is called on the inference thread, and may take minutes; ``disk`` is for the
    journal, and for what a stopping generator spills."""

    def __init__(self, runtime: Runtime, load_engine: LoadEngine, disk: Disk) -> None:
        self._runtime = runtime
        self._disk = disk
        self._inference = Inference(load_engine)
        self._decoder = Worker("decoder")
        self._encoder = Worker("encoder")
        self.queue = JobQueue(runtime.settings.queue_limit)
        self.backlog = Backlog(runtime.settings.backlog_bytes)
        self.stream = FrameStream(self._encoder)
        self.journal = FrameJournal(disk, runtime.settings.sessions_dir, self.stream.epoch)
        self._runs: asyncio.Queue[Run] = asyncio.Queue(RUNS_AWAITING_ENCODING)
        self._frames = Publisher(runtime.bus, "frames", self._status_on_join)
        self._server = Server(runtime.bus, "generator")
        self._requests = Requests(
            self.queue,
            self.backlog,
            self.stream,
            self.journal,
            Acknowledgements(runtime.bus, runtime.settings.sessions_dir),
            self.generate,
            self.status,
            self.check_ready,
        )
        self._requests.register(self._server)

    async def run(self) -> None:
        """Serve until stopped, then wait for acknowledgements, and spill the frames that got none."""
        self._runtime.supervise(self._server.serve(), "requests")
        self._runtime.supervise(self._frames.serve_joins(), "joins")
        self._runtime.supervise(self._beat(), "heartbeat")
        self._runtime.supervise(self._infer(), "inference")
        self._runtime.supervise(self._encode(), "encoding")
        self._runtime.guard(
            WORK_BYTES + self._runtime.settings.bus_budget_bytes,
            lambda: self.backlog.held_bytes + self.queue.held_bytes,
            settling=lambda: self._inference.is_loading,
            working=lambda: self.queue.running is not None,
        )
        await self._runtime.stopping.wait()
        await self._stop()

    async def _stop(self) -> None:
        self.queue.drop_all(GeneratorUnavailable("The generator is stopping."))
        await self.publish_status()
        deadline = time.monotonic() + DRAIN_S
        while len(self.backlog) and time.monotonic() < deadline:
            await self._requests.wait_for_acknowledgement(deadline - time.monotonic())
        if len(self.backlog):
            await self._spill()
        await self.journal.close()
        for part in (self._decoder, self._encoder, self._inference):
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

    # -- a request's way ----------------------------------------------------------------------------------------------

    async def generate(self, request: Generate, encoded: bytes) -> WithImage[Frame]:
        """Make one frame. Raises ParafoveaError: why there will be none; nothing was published."""
        info = self.check_ready()
        header = images.probe(encoded)
        if request.strict:
            refuse_what_is_not_done(info.vocabulary, request, (header.width, header.height))
        job = Job(request, encoded, asyncio.get_running_loop().create_future())
        if request.supersede and request.client_id is not None:
            self.queue.supersede(request.client_id)
        self.queue.drop_late()
        if request.session is not None:
            # The profile is in the frame as well, and may be a little less compressed there.
            room = len(encoded) + 2 * header.profile_bytes
            self.backlog.reserve(request.request_id, request.session.session_id, room, header.width, header.height)
        try:
            self.queue.accept(job)
            await self.publish_status()
            await self._decode(job)
            made = await job.answer
            await self.journal.wait(job.noted)
            return made
        finally:
            self.queue.discard(job)
            self.backlog.release(request.request_id)

    async def _decode(self, job: Job) -> None:
        def work() -> tuple[decode.DecodedImage, str]:
            if not job.is_wanted():  # its caller may have gone on while others were decoded
                raise job.drop_reason()
            return decode.decode(job.encoded), hashlib.sha256(job.encoded).hexdigest()

        job.decoded, job.input_sha256 = await self._decoder.run(work)
        self.queue.make_ready(job)

    def check_ready(self) -> ModelInfo:
        """The model that would make a frame now. Raises GeneratorLoading or GeneratorUnavailable: there is none."""
        if self._runtime.stopping.is_set():
            raise GeneratorUnavailable("The generator is stopping; try again when it is back.")
        return self._inference.check_loaded()

    async def _infer(self) -> None:
        if not await self._inference.load():
            await self.publish_status()
            return
        while True:
            await self.publish_status()
            job = await self.queue.take()
            await self.publish_status()
            try:
                run = await self._inference.run(job, self._publish_progress)
            finally:
                self.queue.finish(job)
            if run is not None:
                await self._runs.put(run)

    async def _encode(self) -> None:
        while True:
            run = await self._runs.get()
            if not run.job.is_wanted():
                run.job.fail(run.job.drop_reason())
                continue
            try:
                made = await self.stream.encode(run)
            except Exception as error:
                log.exception("request %s: the picture could not be encoded", run.job.request.request_id)
                run.job.fail(GenerationFailed(f"The picture could not be encoded ({error})."))
                continue
            # No await between here and the answer: a cancel or a deadline finds the frame either whole or not at all.
            self.stream.commit(made.answer)
            self._hold(run.job, made)
            if run.job.request.publish:
                self._publish_soon(made.answer, made.image)
            if not run.job.answer.done():
                run.job.answer.set_result(made)

    def _hold(self, job: Job, made: WithImage[Frame]) -> None:
        key = made.answer.key
        if key is None:
            return
        assert job.decoded is not None
        self.backlog.release(job.request.request_id)
        kept = HeldInput(job.input_sha256, job.decoded.format, job.encoded)
        self.backlog.add(HeldFrame(key, made.answer, made.image, kept))
        job.noted = self.journal.made(key, answered=not job.answer.done())

    # -- what is published ---------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            self.queue.drop_late()
            self.journal.retry()
            await self.publish_status()
            await asyncio.sleep(HEARTBEAT_S)

    async def publish_status(self) -> None:
        """Publish how things stand."""
        await self._frames.publish(self.status())

    def status(self) -> Status:
        """How things stand, with the last numbers, so that a loss at the tail shows."""
        info, failure, running = self._inference.info, self._inference.failure, self.queue.running
        stopping = self._runtime.stopping.is_set()
        return Status(
            epoch=self.stream.epoch,
            state="stopping" if stopping else "failed" if failure else "ready" if info else "loading",
            detail=failure,
            last_seq=self.stream.last_seq,
            sessions=tuple(
                Backlogged(session_id=name, last_record_seq=self.stream.next_record_seq[name] - 1, frames=count)
                for name, count in self.backlog.counts().items()
            ),
            making=self.backlog.making(),
            queue=self.queue.waiting("live"),
            background=self.queue.waiting("background"),
            waiting=tuple(Waiting(request_id=one.request_id, client_id=one.client_id) for one in self.queue.line()),
            running=running.request.request_id if running else None,
            backlog_bytes=self.backlog.held_bytes,
            backlog_limit_bytes=self._runtime.settings.backlog_bytes,
            journal=self.journal.problem,
            unjournaled=self.journal.unjournaled,
            **({"model": info.model, "device": info.device, "dtype": info.dtype} if info else {}),
        )

    def _publish_progress(self, request: Generate, step: int, steps: int) -> None:
        self._publish_soon(Progress(request_id=request.request_id, client_id=request.client_id, step=step, steps=steps))

    def _status_on_join(self, message_type: str) -> list[Message]:
        return [self.status()] if message_type == Status.type else []

    def _publish_soon(self, message: AnyMessage, payload: bytes = b"") -> None:
        # Sent in the order of the calls, by the channel's thread.
        self._runtime.supervise(self._frames.publish(message, payload), f"publish {message.type}")
