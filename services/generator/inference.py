"""Runs job after job on the one inference thread, and turns what goes wrong into the job's error."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.generator.catalog import Models
from services.generator.engine import Edit, EditCancelled, Edited, Inputs, ModelInfo
from services.generator.jobs import Job
from services.generator.models.files import ModelError
from services.generator.pictures import Picture
from services.generator.residents import Residents
from shared import sectors
from shared.bus.requests.generator import Generate
from shared.errors import GenerationFailed, GeneratorLoading, GeneratorUnavailable, ParafoveaError

log = logging.getLogger(__name__)

CALM_S = 10.0
"""So long nobody has asked for a frame before a background job may put another model into its model's place."""

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
    """Runs jobs, each by the model that it is for."""

    def __init__(self, models: Models) -> None:
        self.residents = Residents(models)
        self.residents.busy_s = self._busy_s
        self._last_live_s = -math.inf

    @property
    def info(self) -> ModelInfo | None:
        """What the model that makes frames is; None while it loads, or when it could not be loaded."""
        return self.residents.info

    @property
    def failure(self) -> str | None:
        """Why there is no model."""
        return self.residents.failure

    @property
    def is_loading(self) -> bool:
        """Whether there is no model yet, and may be one; or another one is on its way."""
        return (self.info is None and self.failure is None) or self.residents.loading is not None

    def check_loaded(self) -> ModelInfo:
        """The model; raises GeneratorLoading or GeneratorUnavailable where there is none."""
        if self.info is not None:
            return self.info
        if self.failure is not None and self.residents.loading is None:
            raise GeneratorUnavailable(f"The model could not be loaded: {self.failure}")
        raise GeneratorLoading("The model is still being loaded; try again in a moment.")

    async def load(self) -> None:
        """Load the first model, which may take minutes."""
        await self.residents.load_first()

    def defers(self, job: Job) -> float:
        """Seconds that a background job is to wait: one whose model would have to take the place of the one that makes
        frames, until nobody has asked for frames for a while."""
        if self.residents.is_here(job.request.model):
            return 0.0
        return self._busy_s()

    def info_for(self, job: Job) -> ModelInfo | None:
        """The model that a job is for; None where that is not known yet."""
        return self.info if job.request.model is None else self.residents.infos.get(job.request.model)

    def _busy_s(self) -> float:
        """Seconds until it may be taken that nobody is waiting for frames."""
        return max(0.0, self._last_live_s + CALM_S - time.monotonic())

    async def run(self, job: Job, on_progress: OnProgress, inputs: Inputs | None = None) -> Run | None:
        """Run a job; None when it came to nothing, and its caller has the error. ``inputs``: made ahead."""
        request, picture = job.request, job.picture
        if job.lane != "background":
            self._last_live_s = time.monotonic()
        assert picture is not None
        region = sectors.region(request.target_sector, request.grid_size, *picture.size)
        edit = Edit.of(request, picture.decoded.pixels, region, inputs)
        loop = asyncio.get_running_loop()

        def on_step(step: int, steps: int) -> None:
            loop.call_soon_threadsafe(on_progress, request, step, steps)

        try:
            async with self.residents.turn:
                if not job.is_wanted():
                    raise EditCancelled
                engine = await self.residents.engine(request.model)
                info, started = engine.info, time.monotonic()
                edited = await self.residents.thread.run(lambda: engine.run(edit, on_step, lambda: not job.is_wanted()))
        except EditCancelled:
            job.fail(job.drop_reason())
        except ParafoveaError as error:
            log.error("request %s failed: %s", request.request_id, error.detail)
            job.fail(error)
        except ModelError as error:
            job.fail(GeneratorUnavailable(f"The model could not be loaded: {error}"))
        except Exception as error:
            log.exception("request %s failed", request.request_id)
            job.fail(GenerationFailed(f"The model failed on this request ({type(error).__name__}: {error})."))
        else:
            finished = time.monotonic()
            if job.lane != "background":
                self._last_live_s = finished
            return Run(job, picture, edited, info, (started - job.accepted) * 1000, (finished - started) * 1000)
        return None

    def close(self) -> None:
        """End the threads after the calls they are in, without waiting for them."""
        self.residents.close()
