"""What the gaze process publishes: samples, what the eyes do, the steps of a trial, and its heartbeat."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.message import Message
from shared.frame import SessionStamp
from shared.gaze.trial.inputs import StepId


class GazeSamples(Message):
    """Samples of a trial, as they came; the payload has ``count`` records of 48 bytes, as in a session's ``gaze/``."""

    type: ClassVar[str] = "gaze"

    epoch: fields.Epoch
    trial_id: fields.MessageId
    source: fields.Word
    first_n: fields.Count
    """Number of the first of them among the trial's inputs; the others have theirs in their records."""
    count: fields.Count


class OfTrial(Message):
    """What every step of a trial has."""

    epoch: fields.Epoch
    """One life of the gaze process."""
    trial_id: fields.MessageId
    view: fields.Word
    n: fields.Count
    """Number of the input that it is, or came of: 0, 1, 2, ... in each trial; samples are numbered in the same row."""
    step_id: StepId
    step: fields.Word
    caused_by: StepId | None
    t_ns: fields.Count
    """By the gaze process's monotonic clock."""
    at: fields.UnixSeconds


class TrialStep(OfTrial):
    """One step of a trial that has no type of its own; ``details`` holds the step's own fields."""

    type: ClassVar[str] = "trial"

    details: fields.Details = Field(default_factory=dict)


class EyeMovement(OfTrial):
    """A saccade, blink, fixation or loss of data, once as it begins and once when it is over."""

    type: ClassVar[str] = "eye"

    kind: fields.Word
    onset_ns: fields.Count
    offset_ns: fields.Count | None
    """None while it goes on."""
    detected_ns: fields.Count
    x: fields.Finite | None = None
    y: fields.Finite | None = None
    x_end: fields.Finite | None = None
    y_end: fields.Finite | None = None
    amplitude_deg: fields.Finite | None = None
    peak_deg_s: fields.Finite | None = None


class SwapOrdered(OfTrial):
    """A display is to exchange the picture; the fields are those of :class:`shared.gaze.trial.steps.Swapped`."""

    type: ClassVar[str] = "swap"

    display: fields.Word
    ready: StepId
    frame_id: fields.FrameId | None
    sha256: fields.Sha256
    kind: fields.Word
    target: fields.Sector
    deadline_ns: fields.Count
    deadline_ms: fields.Finite | None
    dark_ms: fields.Milliseconds = 0.0
    prepared_id: fields.RequestId | None = None
    on: fields.Sha256 | None = None


class SwapDisplayed(OfTrial):
    """A swap was drawn; the fields are those of :class:`shared.gaze.trial.steps.Displayed`."""

    type: ClassVar[str] = "displayed"

    report: StepId
    kind: fields.Word
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
    flags: tuple[fields.Word, ...] = ()


class ClockCompared(OfTrial):
    """One measurement of a display's clock against ours."""

    type: ClassVar[str] = "clock"

    display: fields.Word
    sent_ms: fields.Finite
    received_ns: fields.Count
    answered_ns: fields.Count
    returned_ms: fields.Finite


class HeldTrial(Body):
    """A trial of which the recorder has not acknowledged everything."""

    trial_id: fields.MessageId
    session: SessionStamp
    next_n: fields.Count
    """Number that its next input will get."""
    acknowledged: fields.Count
    """Inputs, from 0, that are on disk."""
    ended: fields.Flag


class GazeStatus(Message):
    """The gaze process's heartbeat: once a second, at each change of its source, and to whoever has just subscribed."""

    type: ClassVar[str] = "source"

    epoch: fields.Epoch
    source: fields.Name
    """``page``, ``websocket``, ``simulated:SEED``, ``file:TRACE.csv``."""
    state: fields.Word
    """``running``, ``silent`` (no sample for a second), ``waiting`` (nothing has come yet), ``ended`` (a trace is at
    its end) or ``failed``."""
    detail: fields.Said | None = None
    rate_hz: fields.Finite | None = None
    """Measured over the last second or so."""
    loss: fields.Fraction | None = None
    """Share of samples of the last second or so that say nothing of where the eyes look."""
    age_s: fields.Finite | None = None
    """Of the newest sample."""
    samples: fields.Count = 0
    """Taken in since the source was begun."""
    refused: fields.Count = 0
    """Points that were none, or whose times ran backwards."""
    trial_id: fields.MessageId | None = None
    """The trial that is under way."""
    view: fields.Word | None = None
    displays: Annotated[tuple[fields.Word, ...], fields.those_that_fit(fields.Word)] = ()
    """Those that show a view; the first of each view is the one that counts."""
    held: Annotated[tuple[HeldTrial, ...], fields.those_that_fit(HeldTrial)] = ()
    held_bytes: fields.Count = 0
    held_limit_bytes: fields.Count = 0
