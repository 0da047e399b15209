"""The one inference thread: loads the engine, runs job after job, and turns what goes wrong into the job's error."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.generator.engine import Edit, EditCancelled, Edited, Engine, ModelInfo
from services.generator.jobs import Job
from services.generator.models.files import ModelError
from services.generator.pictures import Picture
from shared import sectors
from shared.bus.requests.generator import Generate
from shared.errors import GenerationFailed, GeneratorLoading, GeneratorUnavailable, ParafoveaError
from shared.system.worker import Worker

log = logging.getLogger(__name__)

LoadEngine = Callable[[], Engine]

OnProgress = Callable[[Generate, int, int], None]
"""Called on the event loop with the request, steps done, steps in all."""


@dataclass(frozen=True, slots=True)
class Run:
    """A job that ran: what it gave, what made it, and how long it took, in milliseconds. ``picture``: its input."""

    job: Job
    picture: Picture
    edited: Edited
    info: ModelInfo
    queued_ms: float
    generation_ms: float


class Inference:
    """An engine and its thread.

    Attributes:
        info: what the loaded model is; None while it loads, or when it could not be loaded.
        failure: why it could not be loaded.
    """

    def __init__(self, load_engine: LoadEngine) -> None:
        self._load_engine = load_engine
        self._thread = Worker("inference")
        self._engine: Engine | None = None
        self.info: ModelInfo | None = None
        self.failure: str | None = None

    @property
    def is_loading(self) -> bool:
        """Whether there is no model yet, and may be one."""
        return self.info is None and self.failure is None

    def check_loaded(self) -> ModelInfo:
        """The model; raises GeneratorLoading or GeneratorUnavailable where there is none."""
        if self.failure is not None:
            raise GeneratorUnavailable(f"The model could not be loaded: {self.failure}")
        if self.info is None:
            raise GeneratorLoading("The model is still being loaded; try again in a moment.")
        return self.info

    async def load(self) -> bool:
        """Load the engine, which may take minutes; whether there is one."""
        try:
            self._engine = await self._thread.run(self._load_engine)
        except Exception as error:
            # What a person has to set right is said in a sentence; what nobody foresaw is shown with its place.
            is_refusal = isinstance(error, ModelError) and error.__cause__ is None
            log.error("the model could not be loaded: %s", error, exc_info=None if is_refusal else error)
            self.failure = f"{type(error).__name__}: {error}".splitlines()[0]
            return False
        self.info = self._engine.info
        model = self.info.model
        log.info("ready: %s (%s) on %s in %s", model.id, model.kind, self.info.device, self.info.dtype)
        return True

    async def run(self, job: Job, on_progress: OnProgress) -> Run | None:
        """Run a job; None when it came to nothing, and its caller has the error."""
        engine, info, request, picture = self._engine, self.info, job.request, job.picture
        assert engine is not None
        assert info is not None
        assert picture is not None
        region = sectors.region(request.target_sector, request.grid_size, *picture.size)
        edit = Edit.of(request, picture.decoded.pixels, region)
        loop = asyncio.get_running_loop()

        def on_step(step: int, steps: int) -> None:
            loop.call_soon_threadsafe(on_progress, request, step, steps)

        started = time.monotonic()
        try:
            if not job.is_wanted():
                raise EditCancelled
            edited = await self._thread.run(lambda: engine.run(edit, on_step, lambda: not job.is_wanted()))
        except EditCancelled:
            job.fail(job.drop_reason())
        except ParafoveaError as error:
            log.error("request %s failed: %s", request.request_id, error.detail)
            job.fail(error)
        except Exception as error:
            log.exception("request %s failed", request.request_id)
            job.fail(GenerationFailed(f"The model failed on this request ({type(error).__name__}: {error})."))
        else:
            finished = time.monotonic()
            return Run(job, picture, edited, info, (started - job.accepted) * 1000, (finished - started) * 1000)
        return None

    def close(self) -> None:
        """End the thread after the call it is in, without waiting for it."""
        self._thread.close()
