"""One change that is made ahead, and what is known of it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.generator.composing import Composed, compose
from services.generator.engine import Edited, ModelInfo
from services.generator.inference import Run
from services.generator.jobs import Job
from services.generator.natural.asking import check_magnitude
from services.generator.pictures import Picture
from shared import sectors
from shared.bus.messages import Prepared
from shared.bus.requests.generator import Generate
from shared.bus.requests.preparing import LEASE_S, PreparedAnswer, PreparedState
from shared.errors import GenerationFailed, ParafoveaError
from shared.sectors import Region

log = logging.getLogger(__name__)

FINAL: frozenset[PreparedState] = frozenset({"stale", "failed", "committed", "dropped"})


@dataclass(frozen=True, slots=True)
class Worked:
    """What a model has made. ``given``: the picture that it saw; None where it saw none."""

    edited: Edited
    info: ModelInfo
    given: Picture | None
    queued_ms: float
    generation_ms: float

    @classmethod
    def of(cls, run: Run) -> Worked:
        given = run.picture if run.edited.painted.seen is not None else None
        return cls(run.edited, run.info, given, run.queued_ms, run.generation_ms)


@dataclass(frozen=True, slots=True)
class OnPicture:
    """A change put into a picture, and its sector as a PNG."""

    composed: Composed
    sector_png: bytes


@dataclass(eq=False, slots=True)
class View:
    """What a display shows. ``changes``: how often that has changed; ``expires``: monotonic seconds."""

    name: str
    picture: Picture
    changes: int = 0
    expires: float = field(default_factory=lambda: time.monotonic() + LEASE_S)


@dataclass(eq=False, slots=True)
class Preparation:
    """A change of one sector.

    Attributes:
        request: what ``generate`` would be asked for.
        given: the picture that it was asked for.
        aim: the picture that it is to go onto.
        job: while its turn at the model has not come, or goes on.
        ready: put into the picture that it is aimed at; None before.
        expires: of one without a view.
    """

    request: Generate
    view: str | None
    given: Picture
    aim: Picture
    state: PreparedState = "queued"
    job: Job | None = None
    worked: Worked | None = None
    ready: OnPicture | None = None
    error: ParafoveaError | None = None
    detail: str | None = None
    expires: float = field(default_factory=lambda: time.monotonic() + LEASE_S)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def prepared_id(self) -> str:
        return self.request.request_id

    @property
    def region(self) -> Region:
        return sectors.region(self.request.target_sector, self.request.grid_size, *self.aim.size)

    @property
    def held_bytes(self) -> int:
        """Memory that it takes beside its pictures."""
        painted = self.worked.edited.painted.held_bytes if self.worked is not None else 0
        ready = self.ready.composed.held_bytes + len(self.ready.sector_png) if self.ready is not None else 0
        return painted + ready

    @property
    def is_over(self) -> bool:
        return self.state in FINAL

    def change(self, state: PreparedState) -> None:
        """Note its new state, for whoever waits."""
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def settled(self) -> None:
        """Wait until it is ready, or never will be."""
        while not self.is_over and self.state != "ready":
            await self._changed.wait()

    def onto(self) -> tuple[Picture, OnPicture | None]:
        """The picture that it is aimed at, and itself in it; None where that has changed too much. Called from a thread
        of its own, as it takes some tens of milliseconds. Raises ChangeRefused: it is not of the size asked for."""
        worked, on = self.worked, self.aim
        assert worked is not None
        painted = worked.edited.painted
        if worked.given is not None and painted.seen is not None and not same_there(worked.given, on, painted.seen):
            return on, None
        composed = compose(painted, on, self.request.target_sector, self.request.grid_size)
        check_magnitude(self.request, composed.size)
        return on, OnPicture(composed, composed.encode_sector())

    def told(self) -> dict[str, Any]:
        """What is told of it: on the bus and to who asks."""
        return {
            "prepared_id": self.prepared_id,
            "view": self.view,
            "client_id": self.request.client_id,
            "target_sector": self.request.target_sector,
            "state": self.state,
            "picture_sha256": self.aim.sha256,
            "region": self.region.as_tuple(),
            "generation_ms": round(self.worked.generation_ms, 3) if self.worked is not None else None,
            "code": self.error.code if self.error is not None else None,
            "detail": self.error.detail if self.error is not None else self.detail,
        }

    def message(self, frame_sha256: str | None = None) -> Prepared:
        return Prepared(**self.told(), frame_sha256=frame_sha256)

    def answer(self) -> PreparedAnswer:
        width, height = self.aim.size
        request = self.request
        return PreparedAnswer(**self.told(), width=width, height=height, seed=request.seed, prompt=request.prompt)


def same_there(one: Picture, other: Picture, region: Region) -> bool:
    """Whether two pictures are of one size and equal in a region."""
    if one is other or one.sha256 == other.sha256:
        return True
    if one.size != other.size:
        return False
    return np.array_equal(one.decoded.pixels[region.slices], other.decoded.pixels[region.slices])


def error_of(error: Exception, each: Preparation) -> ParafoveaError:
    """The error of a change that could not be put into its picture."""
    if isinstance(error, ParafoveaError):
        return error
    log.error("the change %s could not be put into its picture", each.prepared_id, exc_info=error)
    return GenerationFailed(f"The change could not be put into its picture ({error}).")
