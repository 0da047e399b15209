"""What a trial decides: its outcomes, each with the id of what caused it. ``step`` is its name in ``trials.jsonl``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.gaze.trial.inputs import StepId, TimeNs

Kind = Literal["change", "sham", "catch"]
"""``sham``: the same picture is drawn again; ``catch``: nothing is drawn."""


class Step(Body):
    """What all outcomes have.

    Attributes:
        caused_by: the id of the input (``12``, perhaps a sample) or outcome (``12/0``, perhaps an eye event) before it.
        t_ns: when it was decided: the time of the input.
    """

    step: ClassVar[str]
    LATER: ClassVar[tuple[str, ...]] = ()
    """Fields that earlier records do not have: where they say nothing they are left out, so that what was recorded
    before is decided again to the letter."""

    caused_by: StepId
    t_ns: TimeNs

    def flat(self) -> dict[str, Any]:
        said = super().flat()
        return {name: value for name, value in said.items() if value is not None or name not in self.LATER}


class Fixated(Step):
    """The gaze rests in a sector: asked of it is a change elsewhere. Caused by the sample that began it.

    ``x``, ``y``: its mean point, as fractions of the picture."""

    step: ClassVar[str] = "fixation"
    sector: fields.Sector
    x: fields.Finite
    y: fields.Finite
    since_ns: TimeNs


class Decided(Step):
    """What is to change. ``target`` None: nothing, as ``reason`` says. Caused by the fixation."""

    step: ClassVar[str] = "decision"
    policy: fields.Word
    target: fields.Sector | None
    kind: Kind = "change"
    reason: fields.Said | None = None


class Requested(Step):
    """A change is asked of the generator. Caused by the decision."""

    step: ClassVar[str] = "request"
    request_id: fields.RequestId
    picture_sha256: fields.Sha256
    """Of the picture that is to be changed: the one on view."""
    target_sector: fields.Sector
    focus_sector: fields.Sector
    focus_x: fields.Finite
    focus_y: fields.Finite
    prompt: fields.Prompt
    seed: fields.Seed


class Preparing(Step):
    """A change is to be made ahead. Caused by the input that made it wanted.

    ``picture_sha256``: the picture that it, and all that is prepared, is to be made for: the one on view, or while a
    change is on its way to the view, that one's."""

    step: ClassVar[str] = "prepare"
    prepared_id: fields.RequestId
    picture_sha256: fields.Sha256
    target_sector: fields.Sector
    prompt: fields.Prompt
    seed: fields.Seed


class GivenUp(Step):
    """What was prepared is not wanted any more. Caused by what made it so."""

    step: ClassVar[str] = "drop"
    prepare: StepId
    reason: fields.Said


class Committed(Step):
    """One of the changes that are ready is chosen, and to be made the picture on view. Caused by the trigger.

    Attributes:
        ready: id of the ``ready`` of its sector.
        prepare: id of the ``prepare`` that asked for it.
        on: the picture that it goes onto: the one on view.
        focus_sector, focus_x, focus_y: where the viewer looks, as fractions of the picture.
        policy, reason: which policy chose it, and why another than its first choice.
    """

    step: ClassVar[str] = "commit"
    request_id: fields.RequestId
    prepared_id: fields.RequestId
    prepare: StepId
    ready: StepId
    on: fields.Sha256
    policy: fields.Word
    target_sector: fields.Sector
    focus_sector: fields.Sector
    focus_x: fields.Finite
    focus_y: fields.Finite
    reason: fields.Said | None = None


class Triggered(Step):
    """The viewer sees nothing just now. Caused by the eye event, the press, or the tick (of a blackout)."""

    step: ClassVar[str] = "trigger"
    trigger: fields.Word
    detected_ns: TimeNs
    onset_ns: TimeNs
    """When the blink or saccade began; else the same."""


class Swapped(Step):
    """The display is told to exchange the picture. Caused by the trigger.

    Attributes:
        ready: id of the ``ready`` of what is shown.
        deadline_ns: a display that would be later does not draw it.
        deadline_ms: the same by the display's own clock; None where that is not known.
        dark_ms: the view goes dark for so long, and the exchange is in its last frame; 0: it does not.
        display: the one that counts.
        frame_id, sha256: the picture that is to be on view. Where nothing was made for a ``sham`` or a ``catch``, no
            frame, and the picture that is on view already.
        prepared_id: of a change that was prepared: its sector is laid over the picture ``on``. None: the whole picture
            takes the place of the one before.
    """

    step: ClassVar[str] = "swap"
    LATER: ClassVar[tuple[str, ...]] = ("prepared_id", "on")
    ready: StepId
    display: fields.Word
    frame_id: fields.FrameId | None
    sha256: fields.Sha256
    kind: Kind
    target: fields.Sector
    deadline_ns: TimeNs
    deadline_ms: fields.Finite | None
    dark_ms: fields.Milliseconds = 0.0
    prepared_id: fields.RequestId | None = None
    on: fields.Sha256 | None = None


class Darkened(Step):
    """The display is told to go dark for ``dark_ms``, whether or not there is something to show. What is committed at
    the same chance is exchanged in that dark."""

    step: ClassVar[str] = "dark"
    dark_ms: fields.Milliseconds


class Withdrawn(Step):
    """A swap that is under way must not be drawn any more: the viewer looks there now. Caused by the sample."""

    step: ClassVar[str] = "withdrawn"
    swap: StepId
    reason: fields.Said


class Displayed(Step):
    """A swap was drawn. Caused by the swap; times by our clock, worked out with the newest offset.

    Attributes:
        report: the id of the display's report.
        drawn_ns, frame_ns, next_frame_ns: as in the report; None where it did not say, or the offset is not known.
        error_ns: how far these may be off: half the round trip of the offset's measurement.
        latency_ms: from the trigger's detection to ``next_frame``.
        is_late: ``next_frame`` came after the deadline.
        gaze_x, gaze_y: the last valid sample before it was drawn, as fractions of the picture.
        eccentricity_deg: from there to the nearest point of the target; 0 within it.
        seen_risk: the viewer looked at the target, or towards it, at the last sample before it was drawn.
        flags: what is not as it should be: ``in_the_future``, ``before_its_swap``, ``unordered`` (of such times nothing
            is worked out), ``late``, ``twice``, ``no_clock``, ``no_times``, ``no_gaze``; and ``photodiode``: light was
            measured.
    """

    step: ClassVar[str] = "displayed"
    report: StepId
    kind: Kind
    frame_id: fields.FrameId | None
    sha256: fields.Sha256
    target: fields.Sector
    drawn_ns: fields.Whole | None = None
    frame_ns: fields.Whole | None = None
    next_frame_ns: fields.Whole | None = None
    error_ns: fields.Count | None = None
    latency_ms: fields.Finite | None = None
    is_late: fields.Flag | None = None
    gaze_x: fields.Finite | None = None
    gaze_y: fields.Finite | None = None
    eccentricity_deg: fields.Finite | None = None
    seen_risk: fields.Flag | None = None
    flags: tuple[fields.Word, ...] = Field(default=())


class Missed(Step):
    """A chance was not used. Caused by the swap, where it was not drawn: the picture waits for the next chance; or by
    the trigger, where the display was not even told, as the viewer looked there, nothing that is prepared could be
    shown, or its commit came too late."""

    step: ClassVar[str] = "missed"
    report: StepId | None
    reason: fields.Said


class Abandoned(Step):
    """What was asked for will not be shown. Caused by the last step of it."""

    step: ClassVar[str] = "abandoned"
    reason: fields.Said


AnyStep = (
    Fixated
    | Decided
    | Requested
    | Preparing
    | GivenUp
    | Committed
    | Triggered
    | Swapped
    | Darkened
    | Withdrawn
    | Displayed
    | Missed
    | Abandoned
)

STEPS: dict[str, type[AnyStep]] = {
    kind.step: kind
    for kind in (
        *(Fixated, Decided, Requested, Preparing, GivenUp, Committed, Triggered, Swapped, Darkened, Withdrawn),
        *(Displayed, Missed, Abandoned),
    )
}
