"""One trial: numbered inputs in, outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs
from shared.gaze.trial.answering import Answering
from shared.gaze.trial.chances import Chances
from shared.gaze.trial.committing import Committing
from shared.gaze.trial.course import Course
from shared.gaze.trial.deciding import Deciding
from shared.gaze.trial.inputs import AnyInput, Began
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.policies.asking import ASKING
from shared.gaze.trial.policies.triggers import TRIGGERS
from shared.gaze.trial.possible import ImpossibleTrial as ImpossibleTrial
from shared.gaze.trial.possible import check as check
from shared.gaze.trial.preparing import Ahead, PreparedAhead
from shared.gaze.trial.swapping import Swapping

MIN_SACCADE_HZ = 95.0
"""With fewer samples a saccade is over before it is seen: below 100 Hz, as measured, none triggers."""


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
        self._ahead = Ahead(course)
        self._swapping = Swapping(course)
        self._chances = Chances(course, Committing(course, self._ahead), self._swapping)
        self._answering = Answering(course, self._ahead, self._chances)
        self._take: dict[type[AnyInput], Callable[[Any], None]] = {
            inputs.Ticked: lambda ticked: self._take_events(self._looking.tick(ticked.t_ns)),
            inputs.Viewed: self._viewed,
            inputs.PreparedChanged: self._ahead.changed,
            inputs.FrameMade: self._answering.made,
            inputs.RequestFailed: self._answering.failed,
            inputs.DisplayReady: self._answering.ready,
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
        asking = self._asking if self._course.view is not None else None
        parts = (self._looking, asking, self._trigger, self._swapping, self._chances, self._ahead)
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
        """``resting``, ``asking``, ``made``, ``committing``, ``ready`` or ``swapping``."""
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

    @property
    def prepared(self) -> tuple[PreparedAhead, ...]:
        """The changes that are made ahead, in the order in which they were asked for; to be read only. One that is
        committed is among them until it is on view, or given up."""
        return self._ahead.all

    @property
    def pictures_in_use(self) -> frozenset[str]:
        """Hashes of the picture on view, and of one that is to take its place."""
        change = self._course.change
        coming = (change.sha256,) if change is not None and change.sha256 else ()
        return frozenset((self._course.picture_sha256, *coming))

    def accepts_ready(self, frame: str) -> bool:
        """Whether there was a ``frame``, or a ``prepared``, of this id, lately: a display may say that it is ready for
        one that was just given up."""
        return self._answering.accepts_ready(frame)

    def knows_swap(self, swap: str) -> bool:
        """Whether there was such a swap, lately."""
        return swap in self._swapping.swaps

    # -- inputs -------------------------------------------------------------------------------------------------------

    def _viewed(self, viewed: inputs.Viewed) -> None:
        course = self._course
        if viewed.display != course.display:
            self._lose_display("another display counts")
        elif viewed.takes_sectors != course.takes_sectors:
            self._lose_display("the display exchanges pictures in another way now")
        course.see(viewed)
        self._asking.forget()  # its points were of another place

    def _reported(self, report: inputs.Reported) -> None:
        before = self._course.change
        self._swapping.reported(report)
        if before is not None and self._course.change is None:
            self._asking.begin_anew(report.t_ns)

    def _pressed(self, pressed: inputs.Pressed) -> None:
        if (chance := self._trigger.pressed(self._course.n, pressed)) is not None:
            self._chances.take(chance)

    def _measured(self, measured: inputs.ClockMeasured) -> None:
        if measured.display == self._course.display:
            self._course.clock.take(measured)

    def _gone(self, gone: inputs.DisplayGone) -> None:
        if gone.display == self._course.display:
            self._lose_display(gone.reason)

    def _lose_display(self, reason: str) -> None:
        self._swapping.display_gone(reason)
        self._ahead.forget_display()
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
                self._chances.take(chance)
        saccade = looking.saccade
        if saccade is None or looking.saccade_id is None or not looking.rate_hz >= MIN_SACCADE_HZ:
            return
        if (chance := self._trigger.saccade(looking.saccade_id, saccade)) is not None:
            self._chances.take(chance)

    def _go_on(self) -> None:
        """What the time that has passed, and the gaze as it is now, bring."""
        course = self._course
        self._swapping.follow()
        self._chances.follow()
        if (chance := self._trigger.due(course.n, course.t_ns)) is not None:
            self._chances.take(chance)
        if course.view is not None and (rest := self._asking.due(course.t_ns)) is not None:
            self._deciding.rested(rest, course.view)
        self._ahead.follow()
