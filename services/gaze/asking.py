"""Asking the generator for the changes that a trial decides on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import ValidationError

from services.gaze.intake import Intake
from services.gaze.pictures import Pictures
from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import Generate
from shared.errors import ParafoveaError
from shared.frame import Frame
from shared.gaze.trial.inputs import FrameMade, RequestFailed
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.steps import Abandoned, Requested
from shared.refusals import invalid_request


class Asking:
    """Carries out requests, each in a task of its own, and gives up those that nobody waits for any more.

    Args:
        supervise: runs a task.
        pictures: where the pictures to change are, and those that were made go.
    """

    def __init__(
        self,
        generator: GeneratorClient,
        pictures: Pictures,
        supervise: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]],
    ) -> None:
        self._generator = generator
        self._pictures = pictures
        self._supervise = supervise
        self._under_way: dict[str, asyncio.Task[Any]] = {}
        """By the id of the ``request`` step."""

    def act(self, intake: Intake, outcome: Outcome) -> None:
        """Do what an outcome asks for, if it asks for a change, or gives one up."""
        if isinstance(outcome.what, Requested):
            work = self._carry_out(intake, outcome.id, outcome.what)
            self._under_way[outcome.id] = self._supervise(work, f"request of trial {intake.config.trial_id}")
        elif isinstance(outcome.what, Abandoned):
            self._give_up(outcome.what.caused_by)

    def end(self) -> None:
        """Give up all that is under way."""
        for step_id in list(self._under_way):
            self._give_up(step_id)

    def _give_up(self, step_id: str) -> None:
        task = self._under_way.pop(step_id, None)
        if task is not None:
            task.cancel()  # the generator is told by that

    async def _carry_out(self, intake: Intake, step_id: str, wanted: Requested) -> None:
        problem: ParafoveaError
        try:
            _, image = self._pictures.get(wanted.picture_sha256)
            made = await self._generator.generate(_request(intake, wanted), image)
        except ParafoveaError as error:
            problem = error
        except ValidationError as error:
            problem = invalid_request(error)
        else:
            self._take(intake, step_id, wanted, made.answer, made.image)
            return
        finally:
            self._under_way.pop(step_id, None)
        if intake.ended is None:
            wait_s = problem.retry_after_s
            failed = RequestFailed(
                t_ns=intake.now_ns(),
                request=step_id,
                code=problem.code,
                detail=problem.detail,
                retry_after_ms=None if wait_s is None else wait_s * 1000.0,
            )
            intake.take(failed)

    def _take(self, intake: Intake, step_id: str, wanted: Requested, frame: Frame, png: bytes) -> None:
        if intake.ended is not None:
            return
        self._pictures.put("png", png, frame.sha256)
        made = FrameMade(
            t_ns=intake.now_ns(),
            request=step_id,
            frame_id=frame.frame_id,
            sha256=frame.sha256,
            target=wanted.target_sector,
            generation_ms=frame.generation_ms,
            queued_ms=frame.queued_ms,
        )
        intake.take(made)


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
