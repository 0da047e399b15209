"""All that a trial takes in, beside samples. Each input has a number, in the order in which it was taken in; samples
are numbered in the same row. ``t_ns`` is by the gaze process's clock throughout; a display's own times are by its own,
in milliseconds.

``step`` is the input's name in ``trials.jsonl``. ``CAUSE`` names the field, if any, with the id of what it answers.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.gaze.trial.config import Name, PositiveMs, TrialConfig

StepId = Annotated[str, Field(max_length=64, pattern=r"^[0-9]+(/[0-9]+)?$")]
"""``12``: the input numbered 12; ``12/0``: the first outcome of it."""
TimeNs = Annotated[int, Field(strict=True, ge=0, le=fields.MAX_COUNT), fields.WHOLE]
DisplayMs = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-4e12, le=4e12)]
"""By a display's own clock, within 127 years: two of them together are nanoseconds of 64 bits still. What cannot be is
flagged."""
BoxShare = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-100, le=100)]
BoxSize = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=1e-4, le=100)]


class Input(Body):
    """What all inputs have: when it was taken in."""

    step: ClassVar[str]
    CAUSE: ClassVar[str | None] = None

    t_ns: TimeNs


class Began(Input):
    """The trial begins; always number 0. ``unix_s`` is the time at ``t_ns``."""

    step: ClassVar[str] = "begin"
    config: TrialConfig
    unix_s: fields.UnixSeconds


class Ticked(Input):
    """Time has passed without anything else: some deadline of the trial was reached."""

    step: ClassVar[str] = "tick"


class Viewed(Input):
    """The display that counts says where the picture lies, as shares of what the gaze's points are fractions of, from
    its top left.

    ``is_assumed``: that is not known, since points are fractions of the screen, and the page does not fill it; or
    degrees are not, since the page has another size than when the trial began.

    ``takes_sectors``: it can lay a changed sector over the picture that it shows; else it is given whole pictures, each
    made when it is asked for."""

    step: ClassVar[str] = "view"
    display: Name
    left: BoxShare
    top: BoxShare
    width: BoxSize
    height: BoxSize
    is_assumed: fields.Flag = False
    takes_sectors: fields.Flag = False


class PreparedChanged(Input):
    """What was to be prepared is ready, or will not be.

    Attributes:
        prepare: the id of the ``prepare`` that asked for it.
        state: ``ready``, ``stale`` (the picture has changed where the model had looked), ``failed`` or ``dropped``.
        picture_sha256: of a ready one, the picture that its sector goes onto: after each change of the view it is
            ready anew.
        code, detail: why not.
    """

    step: ClassVar[str] = "prepared"
    CAUSE: ClassVar[str | None] = "prepare"
    prepare: StepId
    state: Literal["ready", "stale", "failed", "dropped"]
    picture_sha256: fields.Sha256 | None = None
    generation_ms: fields.Milliseconds | None = None
    code: fields.Word | None = None
    detail: fields.Said | None = None
    retry_after_ms: fields.Milliseconds | None = None


class FrameMade(Input):
    """The generator has made what was asked for. ``request``: the id of the ``request``, or of the ``commit``."""

    step: ClassVar[str] = "frame"
    CAUSE: ClassVar[str | None] = "request"
    request: StepId
    frame_id: fields.FrameId
    sha256: fields.Sha256
    target: fields.Sector
    generation_ms: fields.Milliseconds
    queued_ms: fields.Milliseconds = 0.0


class RequestFailed(Input):
    """The generator has refused, or is gone."""

    step: ClassVar[str] = "failed"
    CAUSE: ClassVar[str | None] = "request"
    request: StepId
    code: fields.Word
    detail: fields.Said
    retry_after_ms: fields.Milliseconds | None = None


class DisplayReady(Input):
    """The display that counts has decoded the frame, or the sector, and can draw it at once. ``frame``: the id of its
    ``frame``, or of the ``prepared`` that said that it is ready."""

    step: ClassVar[str] = "ready"
    CAUSE: ClassVar[str | None] = "frame"
    frame: StepId
    display: Name


class Reported(Input):
    """A display says what became of a swap, in its own times.

    Attributes:
        swap: id of the swap.
        was_shown: whether it was drawn; else it was too late, or would have been seen, as ``reason`` says.
        drawn_ms: when it was drawn.
        frame_ms, next_frame_ms: the beginning of the animation frame that drew it, and of the one after: by then what
            was drawn is on its way to the screen.
        refresh_ms: the display's own measure of its refresh interval.
        dropped: frames that should have come and did not, around it.
        photodiode_ms: when light came, where a photodiode measured it.
    """

    step: ClassVar[str] = "report"
    CAUSE: ClassVar[str | None] = "swap"
    swap: StepId
    display: Name
    was_shown: fields.Flag
    drawn_ms: DisplayMs | None = None
    frame_ms: DisplayMs | None = None
    next_frame_ms: DisplayMs | None = None
    refresh_ms: PositiveMs | None = None
    dropped: fields.Count | None = None
    photodiode_ms: DisplayMs | None = None
    reason: fields.Said | None = None


class Pressed(Input):
    """The viewer has pressed a key, or tapped.

    Attributes:
        at_ms: when, by the display's clock, where a display told it.
        at_unix_s: when, where a caller told it by its own clock.
    """

    step: ClassVar[str] = "response"
    key: Name
    display: Name | None = None
    at_ms: DisplayMs | None = None
    at_unix_s: fields.UnixSeconds | None = None


class ClockMeasured(Input):
    """One exchange with a display: it sent at ``sent_ms`` of its clock, we had it at ``received_ns`` and answered at
    ``answered_ns``, and it had the answer at ``returned_ms``."""

    step: ClassVar[str] = "clock"
    display: Name
    sent_ms: DisplayMs
    received_ns: TimeNs
    answered_ns: TimeNs
    returned_ms: DisplayMs


class DisplayGone(Input):
    """The display that counts is gone, or another one counts from now on."""

    step: ClassVar[str] = "gone"
    display: Name
    reason: fields.Said


class SourceChanged(Input):
    """The source of the gaze: another one, silent, back, at another rate, or with samples that could not be used or
    were lost on their way."""

    step: ClassVar[str] = "source"
    source: Name
    state: Literal["running", "silent", "gone", "failed"]
    detail: fields.Said | None = None


class Ended(Input):
    """The trial ends. ``complete``: it was ended by a request."""

    step: ClassVar[str] = "end"
    outcome: Literal["complete", "interrupted"]
    reason: fields.Said | None = None


AnyInput = (
    Began
    | Ticked
    | Viewed
    | PreparedChanged
    | FrameMade
    | RequestFailed
    | DisplayReady
    | Reported
    | Pressed
    | ClockMeasured
    | DisplayGone
    | SourceChanged
    | Ended
)

INPUTS: dict[str, type[AnyInput]] = {
    kind.step: kind
    for kind in (
        *(
            Began,
            Ticked,
            Viewed,
            PreparedChanged,
            FrameMade,
            RequestFailed,
            DisplayReady,
            Reported,
            Pressed,
            ClockMeasured,
        ),
        *(DisplayGone, SourceChanged, Ended),
    )
}
