"""What displays, and the sources of the gaze, say to the gaze process, and what it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.call import Call, Nothing
from shared.bus.requests.gaze import TrialState
from shared.gaze.trial import config
from shared.gaze.trial.config import Name
from shared.gaze.trial.inputs import BoxShare, BoxSize, DisplayMs, StepId

MAX_POINTS = 1000


class OfDisplay(Body):
    """What a display says of itself. ``display``: a name of its own, the same for as long as it is connected."""

    display: Name


class ShowView(OfDisplay):
    """``view``: a display shows a view, or shows it elsewhere. The first of a view is the one that counts. Answered
    with :class:`ViewShown`.

    Attributes:
        left, top, width, height: where the picture lies, as shares of the page from its top left; None while it shows
            none.
        page_px: the page's size in CSS pixels.
        screen_px: the screen's.
        is_full_screen: whether the page fills the screen.
        refresh_ms: its measure of its refresh interval.
        takes_sectors: whether it can lay a changed sector over the picture that it shows.
    """

    view: Name = "default"
    left: BoxShare | None = None
    top: BoxShare | None = None
    width: BoxSize | None = None
    height: BoxSize | None = None
    page_px: tuple[config.Pixels, config.Pixels] | None = None
    screen_px: tuple[config.Pixels, config.Pixels] | None = None
    is_full_screen: fields.Flag = False
    refresh_ms: config.PositiveMs | None = None
    takes_sectors: fields.Flag = False


class ViewShown(Body):
    """Whether the display is the one that counts."""

    counts: fields.Flag
    trial: TrialState


class Point(Body):
    """A sample as a page or a tracker's program sends it. What is left out, or null, is not known.

    Attributes:
        x, y: fractions of the page from its top left.
        t: its time in seconds, by the sender's clock; only differences count.
        confidence: 0 to 1.
        pupil, open: in the sender's unit.
        valid: False for a sample that says nothing of where the eyes look.
    """

    x: float | None = None
    y: float | None = None
    t: float | None = None
    confidence: float | None = None
    pupil: float | None = None
    open: float | None = None
    valid: fields.Flag = True


class Points(Body):
    """``points``: samples, oldest first. Those of a source that is not the chosen one are passed over. Answered with
    how many were taken.

    Attributes:
        source: ``page`` or ``websocket``.
        display: the page that sends them.
        dropped: how many before them were lost on their way.
    """

    source: Name
    display: Name | None = None
    points: Annotated[tuple[Point, ...], Field(max_length=MAX_POINTS), fields.FIRST_ERROR]
    dropped: fields.Count = 0


class Taken(Body):
    count: fields.Count


class FrameReady(OfDisplay):
    """``ready``: the display has decoded a frame, or a sector. ``frame``: the id of its ``frame`` or ``prepared`` step.

    Errors: ``trial_not_active``; ``invalid_request`` (nothing of that id waits)."""

    trial_id: fields.MessageId
    frame: StepId


class SwapReport(OfDisplay):
    """``displayed`` and ``missed``: what became of a swap; see :class:`shared.gaze.trial.inputs.Reported`. Errors:
    ``trial_not_active``; ``invalid_request`` (there was no such swap)."""

    trial_id: fields.MessageId
    swap: StepId
    drawn_ms: DisplayMs | None = None
    frame_ms: DisplayMs | None = None
    next_frame_ms: DisplayMs | None = None
    refresh_ms: config.PositiveMs | None = None
    dropped: fields.Count | None = None
    photodiode_ms: DisplayMs | None = None
    reason: fields.Said | None = None


class KeyPressed(Body):
    """``key`` (of a display) and ``trial.response`` (of anybody): the viewer has pressed a key. Without a trial nothing
    comes of it.

    Attributes:
        at_ms: when, by the display's clock.
        at: when, in Unix seconds, where the caller knows better than by the time of its coming.
    """

    key: Name
    display: Name | None = None
    at_ms: DisplayMs | None = None
    at: fields.UnixSeconds | None = None


class Noted(Body):
    """``n``: the number that it got among the trial's inputs; None where no trial is under way."""

    trial_id: fields.MessageId | None = None
    n: fields.Count | None = None


class Ping(OfDisplay):
    """``ping``: answered at once with our times, so that the display's clock can be compared."""

    sent_ms: DisplayMs


class Pong(Body):
    sent_ms: DisplayMs
    received_ns: fields.Count
    answered_ns: fields.Count


class ClockReport(OfDisplay):
    """``clock``: one exchange, complete; see :class:`shared.gaze.trial.inputs.ClockMeasured`."""

    sent_ms: DisplayMs
    received_ns: fields.Count
    answered_ns: fields.Count
    returned_ms: DisplayMs


class Gone(OfDisplay):
    """``gone``: the display is no longer connected."""

    reason: fields.Said = "it went away"


VIEW = Call("gaze-control", "view", ShowView, ViewShown)
POINTS = Call("gaze-control", "points", Points, Taken)
READY = Call("gaze-control", "ready", FrameReady, Noted)
DISPLAYED = Call("gaze-control", "displayed", SwapReport, Noted)
MISSED = Call("gaze-control", "missed", SwapReport, Noted)
KEY = Call("gaze-control", "key", KeyPressed, Noted)
PING = Call("gaze-control", "ping", Ping, Pong)
CLOCK = Call("gaze-control", "clock", ClockReport, Noted)
GONE = Call("gaze-control", "gone", Gone, Nothing)
RESPONSE = Call("gaze-control", "trial.response", KeyPressed, Noted)
