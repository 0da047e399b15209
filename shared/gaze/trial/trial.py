"""One trial: numbered inputs in, outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs
from shared.gaze.trial.config import DECISION_VERSION, TrialConfig
from shared.gaze.trial.course import Course
from shared.gaze.trial.deciding import Deciding
from shared.gaze.trial.inputs import AnyInput, Began
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.policies.asking import ASKING
from shared.gaze.trial.policies.choosing import CHOOSERS
from shared.gaze.trial.policies.triggers import TRIGGERS
from shared.gaze.trial.swapping import Swapping

MIN_SACCADE_HZ = 95.0
"""With fewer samples a saccade is over before it is seen: below 100 Hz, as measured, none triggers."""


class ImpossibleTrial(ValueError):
    """A trial cannot be as it is set up; the message says why, and what there is."""


def check(config: TrialConfig) -> None:
    """See that a trial can be. Raises ImpossibleTrial: a policy, a trigger or a detectors' parameter that there is not,
    or a trial that was decided by another version."""
    if config.decision_version != DECISION_VERSION:
        raise ImpossibleTrial(
            f"it was decided by version {config.decision_version} of detectors and decision, and this is version "
            f"{DECISION_VERSION}: decide it again with the Parafovea that recorded it"
        )
    for what, name, known in (
        ("policy", config.policy.name, sorted(CHOOSERS)),
        ("trigger", config.trigger.name, sorted(TRIGGERS)),
    ):
        if name not in known:
            raise ImpossibleTrial(f"there is no {what} {name[:100]!r}; there are {', '.join(known)}")
    try:
        Course(config)
    except TypeError as error:
        raise ImpossibleTrial(f"the detectors' parameters cannot be used: {error}") from None


class Trial:
    """Decides, given every input in the order of its number ``n``, from 0 (``began``) without gaps.

    The same inputs give the same outcomes: nothing else is read. Raises ImpossibleTrial, as :func:`check`.

    Attributes:
        is_over: the trial has ended; nothing may be taken any more.
    """

    def __init__(self, began: Began) -> None:
        config = began.config
        check(config)
        self.config = config
        self.is_over = False
        self._course = course = Course(config)
        course.begin(0, began.t_ns)
        self._looking = course.looking
        self._source = config.source
        self._asking = ASKING[config.policy.ask](config.policy, config.grid_size)
        self._trigger = TRIGGERS[config.trigger.name](config.trigger, course.draws, began.t_ns)
        self._deciding = Deciding(course)
        self._swapping = Swapping(course)
        self._frame: str | None = None
        self._take: dict[type[AnyInput], Callable[[Any], None]] = {
            inputs.Ticked: lambda ticked: self._take_events(self._looking.tick(ticked.t_ns)),
            inputs.Viewed: self._viewed,
            inputs.FrameMade: self._made,
            inputs.RequestFailed: self._deciding.failed,
            inputs.DisplayReady: self._ready,
            inputs.Reported: self._reported,
            inputs.Pressed: self._pressed,
            inputs.ClockMeasured: self._measured,
            inputs.DisplayGone: self._gone,
            inputs.SourceChanged: self._source_changed,
            inputs.Ended: self._ended,
        }

    def take_sample(self, n: int, sample: Sample) -> Sequence[Outcome]:
        """Take a sample; what came of it, in order."""
        course = self._course
        course.begin(n, sample.t_ns)
        self._take_events(self._looking.take(sample))
        view = course.view
        if view is not None and sample.is_valid:
            self._asking.point(n, sample.t_ns, view.seen_at(sample))
        self._go_on()
        return course.outcomes

    def take(self, n: int, taken: AnyInput) -> Sequence[Outcome]:
        """Take any other input than a sample, or the first; what came of it, in order."""
        course = self._course
        course.begin(n, taken.t_ns)
        self._take[type(taken)](taken)
        if not self.is_over:
            self._go_on()
        return course.outcomes

    @property
    def deadline_ns(self) -> int | None:
        """By when a :class:`~shared.gaze.trial.inputs.Ticked` is wanted, if nothing else comes. None: never."""
        if self.is_over:
            return None
        parts = (self._looking, self._asking if self._course.view is not None else None, self._trigger, self._swapping)
        known = [part.deadline_ns for part in parts if part is not None and part.deadline_ns is not None]
        return min(known, default=None)

    # -- what may be asked --------------------------------------------------------------------------------------------

    @property
    def picture_sha256(self) -> str:
        """Of the picture on view."""
        return self._course.picture_sha256

    @property
    def display(self) -> str | None:
        """The one that counts."""
        return self._course.display if self._course.view is not None else None

    @property
    def phase(self) -> str:
        """``resting``, ``asking``, ``made``, ``ready`` or ``swapping``."""
        change = self._course.change
        return "resting" if change is None else change.phase

    @property
    def focus(self) -> str | None:
        """The sector that is looked at; of a change that is under way the one that it was asked for at."""
        change = self._course.change
        return change.focus if change is not None else self._asking.sector

    @property
    def target(self) -> str | None:
        change = self._course.change
        return change.target if change is not None else None

    @property
    def pending(self) -> tuple[str, str] | None:
        """The id of the ``frame`` of a picture that is made and not shown, and its hash."""
        change = self._course.change
        return (change.frame, change.sha256) if change is not None and change.frame is not None else None

    def accepts_ready(self, frame: str) -> bool:
        """Whether a frame of this id has been made, lately: a display may say so of one that was just given up."""
        return frame == self._frame

    def knows_swap(self, swap: str) -> bool:
        """Whether there was such a swap, lately."""
        return swap in self._swapping.swaps

    # -- inputs -------------------------------------------------------------------------------------------------------

    def _viewed(self, viewed: inputs.Viewed) -> None:
        if viewed.display != self._course.display:
            self._lose_display("another display counts")
        self._course.see(viewed)
        self._asking.forget()  # its points were of another place

    def _made(self, made: inputs.FrameMade) -> None:
        course, change = self._course, self._course.change
        if change is None or change.request != made.request:
            return  # it was given up meanwhile
        self._frame = course.cause
        self._deciding.succeeded()
        change.frame = change.last = course.cause
        change.frame_id, change.sha256 = made.frame_id, made.sha256

    def _ready(self, ready: inputs.DisplayReady) -> None:
        course, change = self._course, self._course.change
        if change is None or change.frame != ready.frame or ready.display != course.display or change.ready is not None:
            return
        change.ready = change.last = course.cause

    def _reported(self, report: inputs.Reported) -> None:
        before = self._course.change
        self._swapping.reported(report)
        if before is not None and self._course.change is None:
            self._asking.begin_anew(report.t_ns)

    def _pressed(self, pressed: inputs.Pressed) -> None:
        if (chance := self._trigger.pressed(self._course.n, pressed)) is not None:
            self._swapping.take_chance(chance)

    def _measured(self, measured: inputs.ClockMeasured) -> None:
        if measured.display == self._course.display:
            self._course.clock.take(measured)

    def _gone(self, gone: inputs.DisplayGone) -> None:
        if gone.display == self._course.display:
            self._lose_display(gone.reason)

    def _lose_display(self, reason: str) -> None:
        self._swapping.display_gone(reason)
        self._course.view = self._course.display = None
        self._asking.forget()

    def _source_changed(self, changed: inputs.SourceChanged) -> None:
        if changed.source != self._source:
            self._source = changed.source
            self._looking.begin_anew()
            self._asking.forget()
        elif changed.state != "running":
            self._looking.forget()
            self._asking.forget()

    def _ended(self, ended: inputs.Ended) -> None:
        self._course.give_up(f"the trial ended: {ended.reason or ended.outcome}")
        self.is_over = True

    # -- what follows -------------------------------------------------------------------------------------------------

    def _take_events(self, events: Sequence[EyeEvent]) -> None:
        course, looking, view = self._course, self._looking, self._course.view
        for event in events:
            step_id = course.tell_event(event)
            if event.kind == "saccade":
                looking.saccade_id = None if event.is_over else step_id
            at = view.to_picture(event.x, event.y) if view is not None else None
            self._asking.event(step_id, event, at)
            if (chance := self._trigger.event(step_id, event)) is not None:
                self._swapping.take_chance(chance)
        saccade = looking.saccade
        if saccade is None or looking.saccade_id is None or not looking.rate_hz >= MIN_SACCADE_HZ:
            return
        if (chance := self._trigger.saccade(looking.saccade_id, saccade)) is not None:
            self._swapping.take_chance(chance)

    def _go_on(self) -> None:
        """What the time that has passed, and the gaze as it is now, bring."""
        course = self._course
        self._swapping.follow()
        if (chance := self._trigger.due(course.n, course.t_ns)) is not None:
            self._swapping.take_chance(chance)
        if course.view is None:
            return
        if (rest := self._asking.due(course.t_ns)) is not None:
            self._deciding.rested(rest, course.view)
