"""What the generator answers to a request or a commit, as an input of the trial. Pure."""

from __future__ import annotations

from shared.errors import ParafoveaError
from shared.fields import Sector
from shared.frame import Frame
from shared.gaze.trial.inputs import FrameMade, RequestFailed


def made(t_ns: int, step_id: str, target: Sector, frame: Frame) -> FrameMade:
    """It has made what a step asked for."""
    return FrameMade(
        t_ns=t_ns,
        request=step_id,
        frame_id=frame.frame_id,
        sha256=frame.sha256,
        target=target,
        generation_ms=frame.generation_ms,
        queued_ms=frame.queued_ms,
    )


def failed(t_ns: int, step_id: str, problem: ParafoveaError) -> RequestFailed:
    """It has refused, or is gone."""
    return RequestFailed(
        t_ns=t_ns,
        request=step_id,
        code=problem.code,
        detail=problem.detail,
        retry_after_ms=retry_after_ms(problem),
    )


def retry_after_ms(problem: ParafoveaError) -> float | None:
    """After how many milliseconds another try makes sense, where that is known."""
    return None if problem.retry_after_s is None else problem.retry_after_s * 1000.0
