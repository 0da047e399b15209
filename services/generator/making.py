"""A request's way to its frame: accepted, decoded, queued, run, composed, and made whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from services.generator.ahead import InputsAhead
from services.generator.backlog import Backlog, HeldFrame, HeldInput
from services.generator.composing import compose
from services.generator.engine import ModelInfo
from services.generator.inference import Inference, Run
from services.generator.jobs import Job, JobQueue
from services.generator.journal import FrameJournal
from services.generator.language.understanding import refuse_what_is_not_done
from services.generator.natural.asking import check_change, check_magnitude, refuse_what_is_unheeded
from services.generator.pictures import Picture, Pictures
from services.generator.stream import FrameStream, Made, Material
from shared import images, sectors
from shared.bus.call import WithImage
from shared.bus.messages import AnyMessage, Progress
from shared.bus.requests.generator import Generate
from shared.errors import GenerationFailed, ParafoveaError, UnknownImage
from shared.frame import Frame
from shared.images import ImageHeader
from shared.system.worker import Worker

log = logging.getLogger(__name__)

RUNS_AWAITING_ENCODING = 2
"""An engine faster than the encoder is held back here, so that pictures don't pile up in memory."""


@dataclass(frozen=True, slots=True)
class Held:
    """Where frames are held until the recorder has them, and named."""

    backlog: Backlog
    journal: FrameJournal


class Making:
    """Makes frames of requests.

    Args:
        check_ready: the model; raises the error that says why there is none.
        publish: sends a message soon.
        publish_status: tells how things stand.
        prepared: given the runs of jobs that prepare.
        pinned: finds a picture that something is prepared for, however long ago it was used.
    """

    def __init__(
        self,
        inference: Inference,
        queue: JobQueue,
        held: Held,
        stream: FrameStream,
        pictures: Pictures,
        *,
        check_ready: Callable[[], ModelInfo],
        publish: Callable[[AnyMessage, bytes], None],
        publish_status: Callable[[], None],
        prepared: Callable[[Run], None],
        pinned: Callable[[str], Picture | None],
    ) -> None:
        self._inference = inference
        self._queue = queue
        self._held = held
        self._stream = stream
        self._pictures = pictures
        self._check_ready = check_ready
        self._publish = publish
        self._publish_status = publish_status
        self._prepared = prepared
        self._pinned = pinned
        self._decoder = Worker("decoder")
        self._ahead = Worker("ahead")
        self._composer = Worker("composer")
        self._inputs = InputsAhead(queue, inference.info_for)
        self._runs: asyncio.Queue[Run] = asyncio.Queue(RUNS_AWAITING_ENCODING)
        self._making_ahead: set[asyncio.Future[object]] = set()

    def close(self) -> None:
        """End the threads after the calls they are in."""
        for part in (self._decoder, self._ahead, self._composer, self._inputs):
            part.close()

    # -- pictures -----------------------------------------------------------------------------------------------------

    async def picture(self, encoded: bytes, is_wanted: Callable[[], None] = lambda: None) -> Picture:
        """A picture that came, decoded. ``is_wanted``, asked in its turn, raises where it is not any more. Raises
        UnreadableImage."""

        def work() -> Picture:
            is_wanted()
            return self._pictures.read(encoded)

        return await self._decoder.run(work)

    def named(self, sha256: str) -> Picture:
        """A picture by its hash. Raises UnknownImage."""
        known = self._pictures.get(sha256) or self._pinned(sha256)
        if known is None:
            raise UnknownImage(f"No picture {sha256[:12]}… is known here, or it was let go; send the picture itself.")
        return known

    # -- a request's way ----------------------------------------------------------------------------------------------

    async def generate(self, request: Generate, encoded: bytes) -> WithImage[Frame]:
        """Make one frame. Raises ParafoveaError: why there will be none; nothing was published."""
        info = self._check_ready()
        known = self.named(request.image_sha256) if request.image_sha256 is not None else None
        encoded = known.encoded if known is not None else encoded
        header = images.probe(encoded)
        self.check_asked(request, info, (header.width, header.height))
        job = Job(request, asyncio.get_running_loop().create_future(), request.priority, known)
        if request.supersede and request.client_id is not None:
            self._queue.supersede(request.client_id)
        self._queue.drop_late()
        self.reserve(request, encoded, header)
        try:
            self._queue.accept(job)
            self._publish_status()
            if job.picture is None:
                job.picture = await self.picture(encoded, lambda: _check_wanted(job))
            self._queue.make_ready(job)
            self._make_strips(job.picture, request)
            made = await job.answer
            await self._held.journal.wait(job.noted)
            return made
        finally:
            self._queue.discard(job)
            self._held.backlog.release(request.request_id)

    def check_asked(self, request: Generate, info: ModelInfo, size: tuple[int, int]) -> None:
        """Check a request for a picture of a size (width, height). Raises InvalidRequest: something of it is wrong, or,
        where it is strict, would not be done."""
        check_change(request, size)
        if not request.strict:
            return
        if self._inference.is_natural(request):
            refuse_what_is_unheeded(request)
        else:
            refuse_what_is_not_done(info.vocabulary, request, size)

    def reserve(self, request: Generate, encoded: bytes, header: ImageHeader) -> None:
        """Set room aside for what a request's frame takes until it is on disk, and its input, whose ``header`` is
        known. Raises RecordingBacklogFull."""
        if request.session is None:
            return
        # The profile is in the frame as well, and may be a little less compressed there.
        room = len(encoded) + 2 * header.profile_bytes
        self._held.backlog.reserve(request.request_id, request.session.session_id, room, header.width, header.height)

    def _make_strips(self, picture: Picture, request: Generate) -> None:
        """Encode, while the model runs, what its edit will leave as it is."""
        row, _ = sectors.position(request.target_sector, request.grid_size)
        self._make_ahead(lambda: picture.make_ready(request.grid_size, row))

    def _make_ahead(self, work: Callable[[], object]) -> None:
        task: asyncio.Future[object] = asyncio.ensure_future(self._ahead.run(work))
        self._making_ahead.add(task)
        task.add_done_callback(self._is_made)

    def _is_made(self, task: asyncio.Future[object]) -> None:
        self._making_ahead.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("a part of a picture could not be made ahead: %s", task.exception())  # its frame says the same

    async def infer(self) -> None:
        """Load the model, then run job after job until cancelled; where there is none, wait for another."""
        self._queue.defers = self._inference.defers
        await self._inference.load()
        while True:
            self._publish_status()
            job = await self._queue.take()
            self._publish_status()
            try:
                inputs = await self._inputs.of(job)
                self._inputs.look()
                run = await self._inference.run(job, self._tell_progress, inputs)
            finally:
                self._queue.finish(job)
            if run is None:
                continue
            if job.lane == "prepared":
                self._prepared(run)
            else:
                await self._runs.put(run)

    def _tell_progress(self, request: Generate, step: int, steps: int) -> None:
        told = Progress(request_id=request.request_id, client_id=request.client_id, step=step, steps=steps)
        self._publish(told, b"")

    async def encode(self) -> None:
        """Make frames of runs until cancelled."""
        while True:
            run = await self._runs.get()
            job, request = run.job, run.request
            if not job.is_wanted():
                job.fail(job.drop_reason())
                continue
            try:
                composed = await self._composer.run(
                    compose, run.edited.painted, run.picture, request.target_sector, request.grid_size
                )
                check_magnitude(request, composed.size)
                material = Material(request, run.edited, run.info, composed, run.queued_ms, run.generation_ms)
                await self._frame(job, material)
            except ParafoveaError as error:
                job.fail(error)
            except Exception as error:
                log.exception("request %s: the picture could not be encoded", request.request_id)
                job.fail(GenerationFailed(f"The picture could not be encoded ({error})."))

    async def _frame(self, job: Job, material: Material) -> None:
        def commit(made: Made) -> None:
            # All in one turn of the loop: a cancel or a deadline finds the frame either whole or not at all.
            _check_wanted(job)
            job.noted = self.hold(made, answered=not job.answer.done())
            if not job.answer.done():
                job.answer.set_result(made.answer)

        made = await self._stream.make(material, commit)
        self.publish(made, material.request)

    # -- a frame that is there ----------------------------------------------------------------------------------------

    def hold(self, made: Made, *, answered: bool) -> asyncio.Future[bool] | None:
        """Hold a frame for the recorder, and name it: says whether that is written; None for one that is not
        recorded."""
        key = made.frame.key
        if key is None:
            return None
        source = made.source
        self._held.backlog.release(made.frame.request_id)
        kept = HeldInput(source.sha256, source.format, source.encoded)
        self._held.backlog.add(HeldFrame(key, made.frame, made.picture.encoded, kept))
        return self._held.journal.made(key, answered=answered)

    def publish(self, made: Made, request: Generate) -> None:
        """Send a frame that is held to whoever listens, and keep it: the next request may be on it."""
        if request.publish:
            self._publish(made.frame, made.picture.encoded)
            self._pictures.put(made.picture)
            self._make_ahead(lambda: made.picture.decoded)


def _check_wanted(job: Job) -> None:
    """Raises why it is not wanted any more."""
    if not job.is_wanted():
        raise job.drop_reason()
