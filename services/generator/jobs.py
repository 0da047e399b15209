"""The queue of jobs: bounded, live before those that prepare, background last, first come first served within each.

A job's life is accepted, decoded, queued, running, encoding, done. It can be dropped until its frame is committed to
the stream. Everything here belongs to the event loop's thread; only :attr:`Job.dropped` is read by others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from services.generator.engine import Inputs
from services.generator.pictures import Picture
from shared.bus.call import WithImage
from shared.bus.requests.generator import Generate
from shared.errors import Cancelled, GenerationTimeout, InvalidRequest, ParafoveaError, QueueFull, Superseded
from shared.frame import Frame
from shared.system.waiting import wait_at_most

BACKGROUND_LIMIT = 4
"""Background jobs that may wait. They have places of their own: live jobs neither lose one to them nor take theirs."""
LOOK_S = 0.5
"""How often it is looked whether the moment has come for a background job that is put off."""
PREPARED_LIMIT = 64
"""Jobs that prepare, which may wait likewise."""

Lane = Literal["live", "prepared", "background"]
LANES: tuple[Lane, ...] = ("live", "prepared", "background")
"""In the order in which they are served."""


@dataclass(eq=False, slots=True)
class Job:
    """One ``generate`` request on its way, or the like of one that prepares.

    Attributes:
        picture: its input, once it is decoded.
        deadline: monotonic seconds at which its caller gives up.
        answer: resolved once, with the frame or the error.
        noted: whether the journal has its frame; None for one that is not recorded.
        dropped: set when nobody wants it any more; the inference thread asks it after each step.
        on_begin: called when its run begins.
        inputs: what the model is given of its picture, begun ahead, and of which picture that is.
    """

    request: Generate
    answer: asyncio.Future[WithImage[Frame]]
    lane: Lane = "live"
    picture: Picture | None = None
    noted: asyncio.Future[bool] | None = None
    accepted: float = field(default_factory=time.monotonic)
    dropped: threading.Event = field(default_factory=threading.Event)
    reason: ParafoveaError | None = None
    deadline: float = 0.0
    on_begin: Callable[[], None] | None = None
    inputs: tuple[Picture, Future[Inputs]] | None = None

    def __post_init__(self) -> None:
        # Of one that prepares nobody waits yet.
        self.deadline = inf if self.lane == "prepared" else self.accepted + self.request.timeout_ms / 1000

    @property
    def held_bytes(self) -> int:
        """Memory that it takes beside its picture."""
        made = self.inputs[1] if self.inputs is not None else None
        is_made = made is not None and made.done() and not made.cancelled() and made.exception() is None
        return made.result().held_bytes if made is not None and is_made else 0

    def begin(self) -> None:
        """It runs from now on: one that prepares has its time from here."""
        if self.lane == "prepared":
            self.deadline = time.monotonic() + self.request.timeout_ms / 1000
        if self.on_begin is not None:
            self.on_begin()

    def drop(self, reason: ParafoveaError) -> None:
        """Give it up: its caller gets ``reason``, and a run under way stops after the current step."""
        self.reason = self.reason or reason
        self.dropped.set()
        self.fail(self.reason)

    def fail(self, error: ParafoveaError) -> None:
        """Answer with an error, unless it is answered already."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # its caller may be gone; then nobody else reads it

    def is_wanted(self) -> bool:
        """False once dropped or past its deadline. Called from any thread."""
        return not self.dropped.is_set() and time.monotonic() < self.deadline

    def drop_reason(self) -> ParafoveaError:
        """Why it is not wanted."""
        return self.reason or GenerationTimeout(
            f"The picture was not ready within {self.request.timeout_ms / 1000:.0f} s; ask for fewer steps, or raise "
            "PARAFOVEA_GENERATION_TIMEOUT_S."
        )


class JobQueue:
    """Jobs that wait, and the one that runs. ``limit``: live jobs that may wait, the ones being decoded included.

    Attributes:
        on_ready: called when another job may run.
        defers: seconds that a background job is to wait for a better moment, though it is its turn.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._accepted: dict[str, Job] = {}
        self._ready: dict[Lane, deque[Job]] = {lane: deque() for lane in LANES}
        self._filled = asyncio.Event()
        self.running: Job | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self.defers: Callable[[Job], float] = lambda job: 0.0

    def __len__(self) -> int:
        """Jobs that wait."""
        return len(self._accepted)

    @property
    def held_bytes(self) -> int:
        """Bytes of the pictures that wait or run, and of what was made of them ahead."""
        pictures = {id(job.picture): job.picture for job in self._all() if job.picture is not None}
        return sum(picture.held_bytes for picture in pictures.values()) + sum(job.held_bytes for job in self._all())

    def waiting(self, lane: Lane) -> int:
        """Jobs of one kind that wait."""
        return sum(job.lane == lane for job in self._accepted.values())

    def line(self) -> list[Generate]:
        """The requests that wait, in the order in which they will run."""
        return [job.request for job in sorted(self._accepted.values(), key=lambda job: LANES.index(job.lane))]

    def accept(self, job: Job) -> None:
        """Give a job its place. Raises QueueFull, or InvalidRequest: a job of the same request id is under way."""
        if any(other.request.request_id == job.request.request_id for other in self._all()):
            raise InvalidRequest(f"A request {job.request.request_id} is under way already; give each its own id.")
        limit = {"live": self._limit, "prepared": PREPARED_LIMIT, "background": BACKGROUND_LIMIT}[job.lane]
        if self.waiting(job.lane) >= limit:
            raise QueueFull(f"{limit} jobs are waiting already; try again when one is done.")
        self._accepted[job.request.request_id] = job

    def make_ready(self, job: Job) -> None:
        """The job's input is decoded: it may run. One that was dropped meanwhile is passed over."""
        if job.request.request_id in self._accepted:
            self._ready[job.lane].append(job)
            self._filled.set()
            self.on_ready()

    def discard(self, job: Job) -> None:
        """Give its place back, if it waits; a running or finished one has none any more."""
        if self._accepted.get(job.request.request_id) is job:
            del self._accepted[job.request.request_id]
        waiting = self._ready[job.lane]
        if job in waiting:
            waiting.remove(job)

    async def take(self) -> Job:
        """The next job to run, which is :attr:`running` from now on: a live one if there is any, then one that
        prepares."""
        while True:
            wait_s = inf
            for waiting in self._ready.values():
                if waiting and (wait_s := self._wait_s(waiting[0])) <= 0:
                    self.running = waiting.popleft()
                    del self._accepted[self.running.request.request_id]
                    self.running.begin()
                    return self.running
            self._filled.clear()
            if wait_s == inf:
                await self._filled.wait()
            else:
                await wait_at_most(self._filled, min(wait_s, LOOK_S))

    def _wait_s(self, job: Job) -> float:
        return self.defers(job) if job.lane == "background" else 0.0

    def next(self) -> Job | None:
        """The job that :meth:`take` would give now."""
        return next((waiting[0] for waiting in self._ready.values() if waiting), None)

    def finish(self, job: Job) -> None:
        """The run of a job has ended."""
        if self.running is job:
            self.running = None

    def cancel(self, request_id: str) -> Literal["queued", "running", "unknown"]:
        """Drop the job of this request and no other; say where it was."""
        for job in self._all():
            if job.request.request_id == request_id:
                was_running = job is self.running
                self._drop([job], Cancelled(f"The request {request_id} was cancelled."))
                return "running" if was_running else "queued"
        return "unknown"

    def supersede(self, client_id: str) -> list[Job]:
        """Drop the jobs of a client whose eye has moved on; what is prepared for it stays."""
        stale = [job for job in self._all() if job.request.client_id == client_id and job.lane != "prepared"]
        self._drop(stale, Superseded("A newer request of the same client_id took this one's place."))
        return stale

    def drop_all(self, reason: ParafoveaError) -> None:
        """Drop every job, the running one too."""
        self._drop(list(self._all()), reason)

    def drop_late(self) -> None:
        """Drop the waiting jobs whose deadline has passed."""
        for job in [job for job in self._accepted.values() if not job.is_wanted()]:
            self._drop([job], job.drop_reason())

    def drop(self, job: Job, reason: ParafoveaError) -> None:
        """Drop one job."""
        self._drop([job], reason)

    def _all(self) -> Iterator[Job]:
        yield from self._accepted.values()
        if self.running is not None:
            yield self.running

    def _drop(self, jobs: list[Job], reason: ParafoveaError) -> None:
        for job in jobs:
            self.discard(job)
            job.drop(reason)
