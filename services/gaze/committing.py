"""Making one of the changes that are ready the picture on view."""

from __future__ import annotations

from pydantic import ValidationError

from services.gaze.ahead import Ahead
from services.gaze.answers import failed, made
from services.gaze.fetching import Fetching, Supervise
from services.gaze.intake import Intake
from shared.bus.clients import GeneratorClient
from shared.bus.requests import preparing
from shared.errors import ParafoveaError
from shared.frame import Frame
from shared.gaze.trial.steps import Committed
from shared.refusals import invalid_request

COMMIT_MS = 5000.0
"""A commit takes milliseconds. A generator that takes so long is stuck, and the trial goes on without it."""


class Committing:
    """Carries out commits. What the answer says is an input of the trial at once: the swap waits for it. The picture's
    bytes, which the display does not need, are fetched after that."""

    def __init__(self, generator: GeneratorClient, ahead: Ahead, fetching: Fetching, supervise: Supervise) -> None:
        self._generator = generator
        self._ahead = ahead
        self._fetching = fetching
        self._supervise = supervise

    def commit(self, intake: Intake, step_id: str, wanted: Committed) -> None:
        """Commit, and give the trial the frame, or the reason why there is none."""
        self._ahead.committing(wanted.prepared_id)
        self._supervise(self._carry_out(intake, step_id, wanted), f"commit of trial {intake.config.trial_id}")

    async def _carry_out(self, intake: Intake, step_id: str, wanted: Committed) -> None:
        problem: ParafoveaError
        try:
            frame = await self._generator.ask(preparing.COMMIT, _request(intake, wanted), timeout_s=COMMIT_MS / 1000)
        except ParafoveaError as error:
            problem = error
        except ValidationError as error:
            problem = invalid_request(error)
        else:
            self._take(intake, step_id, wanted, frame)
            return
        self._ahead.not_committed(wanted.prepared_id)
        if intake.ended is None:
            intake.take(failed(intake.now_ns(), step_id, problem))

    def _take(self, intake: Intake, step_id: str, wanted: Committed, frame: Frame) -> None:
        self._ahead.committed(intake.config, wanted.prepared_id, wanted.on, frame.sha256)
        if intake.ended is not None:
            return
        intake.take(made(intake.now_ns(), step_id, wanted.target_sector, frame))
        self._fetching.begin(frame.sha256)


def _request(intake: Intake, wanted: Committed) -> preparing.Commit:
    """Raises ValidationError: the generator takes no such request."""
    return preparing.Commit(
        prepared_id=wanted.prepared_id,
        request_id=wanted.request_id,
        on=wanted.on,
        session=intake.config.session,
        focus_sector=wanted.focus_sector,
        focus_x=min(1.0, max(0.0, wanted.focus_x)),
        focus_y=min(1.0, max(0.0, wanted.focus_y)),
        with_picture=False,
        timeout_ms=COMMIT_MS,
    )
