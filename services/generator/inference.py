"""Runs job after job on the one inference thread, and turns what goes wrong into the job's error."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.generator.catalog import Models
from services.generator.engine import Edit, EditCancelled, Edited, Engine, Inputs, ModelInfo
from services.generator.jobs import Job
from services.generator.models.files import ModelError
from services.generator.natural.wishes import is_natural
from services.generator.pictures import Picture
from services.generator.residents import Residents
from shared import sectors
from shared.bus.requests.generator import Generate
from shared.errors import (
    ChangeRefused,
    GenerationFailed,
    GeneratorLoading,
    GeneratorUnavailable,
    InvalidRequest,
    ParafoveaError,
)
from shared.sectors import Region

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

    @property
    def request(self) -> Generate:
        """What was asked for, of the sector that was changed."""
        target = self.edited.target_sector
        return self.job.request if target is None else self.job.request.model_copy(update={"target_sector": target})


class Inference:
    """Runs jobs, each by the model that it is for, or by the engine of natural changes.

    Args:
        natural: makes that engine, which takes no room on a card; None: there is none, and the model does all.
    """

    def __init__(self, models: Models, natural: Callable[[], Engine] | None = None) -> None:
        self.residents = Residents(models)
        self._make_natural = natural
        self._natural: Engine | None = None
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
        if self.is_natural(job.request) or self.residents.is_here(job.request.model):
            return 0.0
        return self._busy_s()

    def info_for(self, job: Job) -> ModelInfo | None:
        """The model that a job is for; None where that is not known yet, or it is for none."""
        if self.is_natural(job.request):
            return None
        return self.info if job.request.model is None else self.residents.infos.get(job.request.model)

    def _busy_s(self) -> float:
        """Seconds until it may be taken that nobody is waiting for frames."""
        return max(0.0, self._last_live_s + CALM_S - time.monotonic())

    def is_natural(self, request: Generate) -> bool:
        """Whether a request is not for a model."""
        return self._make_natural is not None and is_natural(request)

    async def run(self, job: Job, on_progress: OnProgress, inputs: Inputs | None = None) -> Run | None:
        """Run a job; None when it came to nothing, and its caller has the error. ``inputs``: made ahead."""
        request, picture = job.request, job.picture
        if job.lane != "background":
            self._last_live_s = time.monotonic()
        assert picture is not None
        region = sectors.region(request.target_sector, request.grid_size, *picture.size)
        edit = replace(
            Edit.of(request, picture.decoded.pixels, region, inputs), elsewhere=_elsewhere(request, picture.size)
        )
        loop = asyncio.get_running_loop()

        def on_step(step: int, steps: int) -> None:
            loop.call_soon_threadsafe(on_progress, request, step, steps)

        try:
            async with self.residents.turn:
                if not job.is_wanted():
                    raise EditCancelled
                engine = await self._engine(request)
                info, started = engine.info, time.monotonic()
                edited = await self.residents.thread.run(lambda: engine.run(edit, on_step, lambda: not job.is_wanted()))
        except EditCancelled:
            job.fail(job.drop_reason())
        except (ChangeRefused, InvalidRequest) as error:
            job.fail(error)  # what is asked for is not there: nothing of ours has failed
        except ParafoveaError as error:
            log.error("request %s failed: %s", request.request_id, error.detail)
            job.fail(error)
        except ModelError as error:
            job.fail(GeneratorUnavailable(f"The model could not be loaded: {error}"))
        except Exception as error:
            log.exception("request %s failed", request.request_id)
            job.fail(GenerationFailed(self._failed(request, error)))
        else:
            finished = time.monotonic()
            if job.lane != "background":
                self._last_live_s = finished
            return Run(job, picture, edited, info, (started - job.accepted) * 1000, (finished - started) * 1000)
        return None

    def _failed(self, request: Generate, error: Exception) -> str:
        if self.is_natural(request):
            return f"The natural change failed ({type(error).__name__}); the generator's log has more."
        return f"The model failed on this request ({type(error).__name__}: {error})."

    async def _engine(self, request: Generate) -> Engine:
        """Who makes a request's change; for whoever holds the turn. Raises ModelError."""
        if not self.is_natural(request):
            return await self.residents.engine(request.model)
        if self._natural is None:
            assert self._make_natural is not None
            self._natural = await self.residents.thread.run(self._make_natural)
        return self._natural

    def close(self) -> None:
        """End the threads after the calls they are in, without waiting for them."""
        self.residents.close()


def _elsewhere(request: Generate, size: tuple[int, int]) -> tuple[tuple[str, Region], ...]:
    """The other sectors in which a change may be made, from the target's neighbour on, row by row."""
    if request.change is None or not request.change.widen:
        return ()
    names = sectors.names(request.grid_size)
    first = names.index(request.target_sector)
    others = [*names[first + 1 :], *names[:first]]
    return tuple(
        (name, sectors.region(name, request.grid_size, *size)) for name in others if name != request.focus_sector
    )
