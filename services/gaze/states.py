"""How things stand, as it is answered and published."""

from __future__ import annotations

from typing import Any

from services.gaze.clock import clock_ns
from services.gaze.displays import Displays
from services.gaze.held import Held
from services.gaze.intake import Intake
from services.gaze.sources.chosen import ChosenSource
from shared.bus.gaze_messages import GazeStatus
from shared.bus.requests.gaze import TrialState
from shared.gaze.trial.preparing import PreparedAhead


def trial_state(intake: Intake | None) -> TrialState:
    """Of the trial that is under way, or was last."""
    if intake is None:
        return TrialState()
    trial, config = intake.trial, intake.config
    pending = trial.pending
    return TrialState.model_validate(
        {
            "trial_id": config.trial_id,
            "state": "running" if intake.ended is None else intake.ended.outcome,
            "session_id": config.session.session_id if config.session else None,
            "view": config.view,
            "display": trial.display,
            "picture_sha256": trial.picture_sha256,
            "phase": trial.phase,
            "focus": trial.focus,
            "target": trial.target,
            "pending_frame": pending[0] if pending else None,
            "pending_sha256": pending[1] if pending else None,
            "prepared": [_prepared(each) for each in trial.prepared],
            "counts": dict(intake.counts),
            "config": config.flat(),
        }
    )


def _prepared(change: PreparedAhead) -> dict[str, Any]:
    return {
        "prepare": change.prepare,
        "prepared_id": change.prepared_id,
        "target": change.target,
        "made": change.made,
        "picture_sha256": change.picture_sha256,
        "ready": change.ready is not None,
    }


def gaze_status(epoch: str, source: ChosenSource, running: Intake | None, displays: Displays, held: Held) -> GazeStatus:
    """The heartbeat."""
    now_ns, gauge = clock_ns(), source.gauge
    return GazeStatus(
        epoch=epoch,
        source=source.name,
        state=gauge.state,
        detail=gauge.detail,
        rate_hz=gauge.rate_hz(now_ns) if gauge.state == "running" else None,
        loss=gauge.loss(now_ns) if gauge.state == "running" else None,
        age_s=gauge.age_s(now_ns),
        samples=gauge.samples,
        refused=gauge.refused,
        trial_id=running.config.trial_id if running else None,
        view=running.config.view if running else None,
        displays=displays.names(),
        held=held.states(),
        held_bytes=held.bytes,
        held_limit_bytes=held.limit_bytes,
    )
