"""One row for each change of a trial, for statistics: times in seconds since the trial's begin, latencies in ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from shared.gaze.events import EyeEvent
from shared.gaze.trial.inputs import Began, DisplayReady, FrameMade
from shared.gaze.trial.steps import Committed, Displayed, Fixated, Preparing, Requested, Swapped, Triggered
from shared.session.reading.prepared import Prepared

FIELD = "field_"


@dataclass(slots=True)
class Stages:
    """What is known of one change.

    Attributes:
        decided_ns: when it was decided on, or chosen among what was ready.
        is_ahead: it was made ahead, or stands for what was.
        eye: the blink or saccade that triggered it.
    """

    number: int
    kind: str
    target: str
    decided_ns: int
    is_ahead: bool = False
    fixated: Fixated | None = None
    committed: Committed | None = None
    prepared: Prepared | None = None
    requested: Requested | None = None
    made: FrameMade | None = None
    ready: DisplayReady | None = None
    trigger: Triggered | None = None
    eye: EyeEvent | None = None
    swapped: Swapped | None = None
    displayed: Displayed | None = None
    misses: int = 0
    last_miss: str | None = None
    abandoned: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change. What never came to be, or is not known, is None.

    Attributes:
        change: its number in the trial, from 1.
        outcome: ``shown``, ``missed`` (it was to be drawn, and never was), ``abandoned``, or ``open`` (the trial ended
            before).
        fixation_s: since when the gaze had rested where it was when this was decided.
        trigger_onset_s, trigger_detected_s: of the last trigger.
        drawn_s, next_frame_s: when it was drawn, and when the animation frame after that began: by then it is on its
            way to the screen.
        eye_end_s: when the blink or saccade that triggered it was over.
        since_end_ms: from there to ``next_frame_s``; below 0 it was on its way before.
        error_ms: how far the display's times may be off.
        misses: how often it was too late before it was drawn; of one that was prepared also how often nothing could be
            shown since the change before it.
        prepared: it was made ahead.
        made_s: when it was, for the first time; ``request_s`` is when that was asked for.
        commit_s: when it was committed; ``commit_ms``: from there to its frame.
        last_miss: why the last chance before was missed.
        fields: what the experimenter said of the trial.
    """

    trial_id: str
    participant: str | None
    change: int
    kind: str
    outcome: str
    trigger: str | None = None
    focus: str | None = None
    target: str | None = None
    prompt: str | None = None
    seed: int | None = None
    frame_id: str | None = None
    sha256: str | None = None
    fixation_s: float | None = None
    decision_s: float | None = None
    request_s: float | None = None
    frame_s: float | None = None
    ready_s: float | None = None
    trigger_onset_s: float | None = None
    trigger_detected_s: float | None = None
    swap_s: float | None = None
    drawn_s: float | None = None
    next_frame_s: float | None = None
    fixation_to_decision_ms: float | None = None
    request_to_frame_ms: float | None = None
    frame_to_ready_ms: float | None = None
    ready_to_trigger_ms: float | None = None
    trigger_to_swap_ms: float | None = None
    swap_to_drawn_ms: float | None = None
    trigger_to_next_frame_ms: float | None = None
    eye_kind: str | None = None
    eye_onset_s: float | None = None
    eye_end_s: float | None = None
    since_end_ms: float | None = None
    by_6_ms: bool | None = None
    by_60_ms: bool | None = None
    error_ms: float | None = None
    gaze_x: float | None = None
    gaze_y: float | None = None
    eccentricity_deg: float | None = None
    seen_risk: bool | None = None
    is_late: bool | None = None
    misses: int = 0
    reason: str | None = None
    flags: str = ""
    prepared: bool = False
    made_s: float | None = None
    commit_s: float | None = None
    commit_ms: float | None = None
    last_miss: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def flat(self) -> dict[str, Any]:
        """It as one JSON object, with each of the experimenter's fields as ``field_<name>``."""
        return {name: getattr(self, name) for name in COLUMNS} | {
            f"{FIELD}{name}": _plain(value) for name, value in self.fields.items()
        }


CERTAIN_MS, UNNOTICED_MS = 6.0, 60.0
"""So long after an eye movement a change is certainly unseen (McConkie and Loschky, Behavior Research Methods 34,
2002), and not reliably noticed (Loschky and Wolverton, ACM TOMM 3(4), 2007)."""

COLUMNS = tuple(each.name for each in fields(ChangeRow) if each.name != "fields")


def row_of(trial_id: str, began: Began, stages: Stages) -> ChangeRow:
    """The row of a change, as far as it came."""
    fixated, requested, made = stages.fixated, stages.requested, stages.made
    prepared, committed = stages.prepared, stages.committed
    trigger, eye, swapped, shown = stages.trigger, stages.eye, stages.swapped, stages.displayed
    asked = prepared.asked if prepared else requested
    # What is prepared is finished, for the model and for the display, long before it has a frame.
    finished_ns, readied_ns = (prepared.first_ns, prepared.made_ns) if prepared else (_t_ns(made), _t_ns(made))
    ready_ns = prepared.ready_ns if prepared else _t_ns(stages.ready)
    asked_at = requested or committed
    focus = fixated.sector if fixated else asked_at.focus_sector if asked_at else None
    since = _Clock(began.t_ns)
    fixation_ns = fixated.since_ns if fixated else None
    detected_ns = trigger.detected_ns if trigger else None
    drawn_ns, next_ns = (shown.drawn_ns, shown.next_frame_ns) if shown else (None, None)
    eye_end_ns = eye.offset_ns if eye else None
    since_end_ms = _ms(eye_end_ns, next_ns)
    return ChangeRow(
        trial_id=trial_id,
        participant=began.config.participant,
        change=stages.number,
        kind=stages.kind,
        outcome=_outcome(stages),
        trigger=trigger.trigger if trigger else None,
        focus=focus,
        target=stages.target,
        prompt=asked.prompt if asked else None,
        seed=asked.seed if asked else None,
        frame_id=shown.frame_id if shown else made.frame_id if made else None,
        sha256=shown.sha256 if shown else made.sha256 if made else None,
        fixation_s=since(fixation_ns),
        decision_s=since(stages.decided_ns),
        request_s=since(_t_ns(asked)),
        frame_s=since(_t_ns(made)),
        ready_s=since(ready_ns),
        trigger_onset_s=since(trigger.onset_ns if trigger else None),
        trigger_detected_s=since(detected_ns),
        swap_s=since(_t_ns(swapped)),
        drawn_s=since(drawn_ns),
        next_frame_s=since(next_ns),
        fixation_to_decision_ms=_ms(fixation_ns, stages.decided_ns),
        request_to_frame_ms=_ms(_t_ns(asked), finished_ns),
        frame_to_ready_ms=_ms(readied_ns, ready_ns),
        ready_to_trigger_ms=_ms(ready_ns, detected_ns),
        trigger_to_swap_ms=_ms(detected_ns, _t_ns(swapped)),
        swap_to_drawn_ms=_ms(_t_ns(swapped), drawn_ns),
        trigger_to_next_frame_ms=_ms(detected_ns, next_ns),
        eye_kind=eye.kind if eye else None,
        eye_onset_s=since(eye.onset_ns if eye else None),
        eye_end_s=since(eye_end_ns),
        since_end_ms=since_end_ms,
        by_6_ms=None if since_end_ms is None else since_end_ms <= CERTAIN_MS,
        by_60_ms=None if since_end_ms is None else since_end_ms <= UNNOTICED_MS,
        error_ms=_ms(0, shown.error_ns if shown else None),
        gaze_x=shown.gaze_x if shown else None,
        gaze_y=shown.gaze_y if shown else None,
        eccentricity_deg=shown.eccentricity_deg if shown else None,
        seen_risk=shown.seen_risk if shown else None,
        is_late=shown.is_late if shown else None,
        misses=stages.misses,
        reason=None if shown else stages.reason,
        flags=" ".join(shown.flags) if shown else "",
        prepared=stages.is_ahead,
        made_s=since(finished_ns) if prepared else None,
        commit_s=since(_t_ns(committed)),
        commit_ms=_ms(_t_ns(committed), _t_ns(made)),
        last_miss=stages.last_miss,
        fields=began.config.fields,
    )


class _Clock:
    """Seconds since the trial's begin."""

    def __init__(self, begin_ns: int) -> None:
        self._begin_ns = begin_ns

    def __call__(self, t_ns: int | None) -> float | None:
        return None if t_ns is None else round((t_ns - self._begin_ns) / 1e9, 6)


def _ms(from_ns: int | None, to_ns: int | None) -> float | None:
    return None if from_ns is None or to_ns is None else round((to_ns - from_ns) / 1e6, 3)


def _t_ns(stage: Requested | Preparing | Committed | FrameMade | DisplayReady | Swapped | None) -> int | None:
    return None if stage is None else stage.t_ns


def _outcome(stages: Stages) -> str:
    if stages.displayed is not None:
        return "shown"
    if stages.abandoned:
        return "abandoned"
    return "missed" if stages.misses else "open"


def _plain(value: Any) -> Any:
    """A value for one cell of a table."""
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value
