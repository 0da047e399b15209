"""A change made ahead, written by hand: prepared, decoded, committed at a blink, laid over the picture, displayed."""

from __future__ import annotations

from math import nan
from typing import Any

from shared.gaze.trial import inputs, steps
from tests.support.synthetic_trial import HASH, MS, PICTURE, PROMPT, SEED, SyntheticTrial, eye_event

TARGET = "BR"


def prepare(trial: SyntheticTrial, number: int = 0) -> tuple[str, str]:
    """A display that takes sectors comes, and one is made for it; the ids of its ``prepare`` and its ``ready``."""
    box = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0}
    cause = trial.take(inputs.Viewed(t_ns=trial.t_ns, display="d1", takes_sectors=True, **box))
    asked = trial.outcome(
        steps.Preparing(
            caused_by=cause,
            t_ns=trial.t_ns,
            prepared_id=f"{trial.trial_id}-p{number}",
            picture_sha256=PICTURE,
            target_sector=TARGET,
            prompt=PROMPT,
            seed=SEED,
        )
    )
    trial.sample(10)
    made = trial.take(
        inputs.PreparedChanged(t_ns=trial.t_ns, prepare=asked, state="ready", picture_sha256=PICTURE, generation_ms=35)
    )
    trial.sample(2)
    return asked, trial.take(inputs.DisplayReady(t_ns=trial.t_ns, frame=made, display="d1"))


def blink(trial: SyntheticTrial) -> str:
    """The id of the ``trigger``."""
    onset_ns = trial.t_ns
    trial.sample(6, x=nan)
    eye = trial.outcome(eye_event(onset_ns, trial.t_ns))
    fields = {"trigger": "blink", "detected_ns": trial.t_ns, "onset_ns": onset_ns}
    return trial.outcome(steps.Triggered.model_validate({"caused_by": eye, "t_ns": trial.t_ns, **fields}))


def commit(trial: SyntheticTrial, trigger: str, asked: str, ready: str, number: int = 0) -> str:
    return trial.outcome(
        steps.Committed(
            caused_by=trigger,
            t_ns=trial.t_ns,
            request_id=f"{trial.trial_id}-{number}",
            prepared_id=f"{trial.trial_id}-p{number}",
            prepare=asked,
            ready=ready,
            on=PICTURE,
            policy="opposite",
            target_sector=TARGET,
            focus_sector="TL",
            focus_x=0.2,
            focus_y=0.3,
        )
    )


def shown(trial: SyntheticTrial, trigger: str, ready: str, detected_ns: int, **more: Any) -> SyntheticTrial:
    """From the swap, told now, to the report that it was drawn."""
    drawn = {"kind": "change", "frame_id": trial.frame_id, "sha256": HASH, "target": TARGET, **more}
    said = {"ready": ready, "display": "d1", "deadline_ns": detected_ns + 50 * MS, "deadline_ms": 1234.5}
    of_sector = {"prepared_id": drawn.pop("prepared_id", f"{trial.trial_id}-p0"), "on": PICTURE}
    base = {"caused_by": trigger, "t_ns": trial.t_ns}
    swapped = trial.outcome(steps.Swapped.model_validate({**base, **said, **drawn, **of_sector}))
    trial.sample(4, x=nan)
    report = trial.take(inputs.Reported(t_ns=trial.t_ns, swap=swapped, display="d1", was_shown=True))
    times = {"drawn_ns": detected_ns + 10 * MS, "next_frame_ns": detected_ns + 20 * MS, "latency_ms": 20.0}
    base = {"caused_by": swapped, "t_ns": trial.t_ns, "report": report}
    trial.outcome(steps.Displayed.model_validate({**base, **drawn, **times}))
    trial.sample(5)
    return trial


def change(trial: SyntheticTrial) -> SyntheticTrial:
    """One change, from its ``prepare`` to the report that it was drawn 20 ms after its trigger."""
    asked, ready = prepare(trial)
    trigger, detected_ns = blink(trial), trial.t_ns
    request = commit(trial, trigger, asked, ready)
    trial.sample(1, x=nan)
    made = {"frame_id": trial.frame_id, "sha256": HASH, "target": TARGET, "generation_ms": 35.0}
    trial.take(inputs.FrameMade.model_validate({"t_ns": trial.t_ns, "request": request, **made}))
    return shown(trial, trigger, ready, detected_ns)
