"""Asking the generator for the changes that a trial decides on, each made when it is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import ValidationError

from services.gaze.answers import failed, made
from services.gaze.fetching import Fetching, Supervise
from services.gaze.intake import Intake
from services.gaze.pictures import Pictures
from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import Generate
from shared.errors import ParafoveaError
from shared.frame import Frame
from shared.gaze.trial.steps import Requested
from shared.refusals import invalid_request


class Requesting:
    """Carries out requests, each in a task of its own, and gives up those that nobody waits for any more.

    Args:
        supervise: runs a task.
        pictures: where those that were made go; ``fetching`` has those to change.
    """

    def __init__(
        self, generator: GeneratorClient, pictures: Pictures, fetching: Fetching, supervise: Supervise
    ) -> None:
        self._generator = generator
        self._pictures = pictures
        self._fetching = fetching
        self._supervise = supervise
        self._under_way: dict[str, asyncio.Task[Any]] = {}
        """By the id of the ``request`` step."""

    def request(self, intake: Intake, step_id: str, wanted: Requested) -> None:
        """Have a change made."""
        work = self._carry_out(intake, step_id, wanted)
        self._under_way[step_id] = self._supervise(work, f"request of trial {intake.config.trial_id}")

    def end(self) -> None:
        """Give up all that is under way."""
        for step_id in list(self._under_way):
            self.give_up(step_id)

    def give_up(self, step_id: str) -> None:
        """Nobody waits for what a ``request`` asked for any more."""
        task = self._under_way.pop(step_id, None)
        if task is not None:
            task.cancel()  # the generator is told by that

    async def _carry_out(self, intake: Intake, step_id: str, wanted: Requested) -> None:
        problem: ParafoveaError
        try:
            _, image = await self._fetching.get(wanted.picture_sha256)
            answer = await self._generator.generate(_request(intake, wanted), image)
        except ParafoveaError as error:
            problem = error
        except ValidationError as error:
            problem = invalid_request(error)
        else:
            self._take(intake, step_id, wanted, answer.answer, answer.image)
            return
        finally:
            self._under_way.pop(step_id, None)
        if intake.ended is None:
            intake.take(failed(intake.now_ns(), step_id, problem))

    def _take(self, intake: Intake, step_id: str, wanted: Requested, frame: Frame, png: bytes) -> None:
        if intake.ended is None:
            self._pictures.put("png", png, frame.sha256)
            intake.take(made(intake.now_ns(), step_id, wanted.target_sector, frame))


def _request(intake: Intake, wanted: Requested) -> Generate:
    """Raises ValidationError: the generator takes no such request."""
    config = intake.config
    return Generate(
        request_id=wanted.request_id,
        client_id=f"trial:{config.trial_id}",
        session=config.session,
        grid_size=config.grid_size,
        target_sector=wanted.target_sector,
        focus_sector=wanted.focus_sector,
        # The gaze may rest on a picture's edge, and be measured beside it.
        focus_x=min(1.0, max(0.0, wanted.focus_x)),
        focus_y=min(1.0, max(0.0, wanted.focus_y)),
        prompt=wanted.prompt,
        seed=wanted.seed,
        **config.model.model_dump(),
    )
