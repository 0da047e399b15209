"""From a chance to a swap: what is shown when the viewer sees nothing, and why nothing is, where nothing can be.

A dark chance (a key, a blackout) darkens the view by its swap, which goes dark for itself. Where there is none yet the
display is told to go dark at once: where a change is committed as well, so that whatever its commit takes, the dark
comes at its time, and lasts no longer with a change than without. The swap that follows finds it dark, and exchanges at
its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.gaze.trial import steps
from shared.gaze.trial.change import Change
from shared.gaze.trial.committing import Committing
from shared.gaze.trial.config import DARK_MS
from shared.gaze.trial.course import Course
from shared.gaze.trial.looking import LOOKED_AT, NOT_KNOWN
from shared.gaze.trial.policies.choosing import Choice
from shared.gaze.trial.policies.triggers import Chance
from shared.gaze.trial.swapping import Swapping

DARK_USED_NS = 200_000_000
"""So long after a view went dark it can still be exchanged before it is light."""
TOO_LATE = "the commit came too late"
NOT_READY = "the display that had it ready is gone"


@dataclass(frozen=True, slots=True)
class _Dark:
    """The view is dark since a time; ``triggered``: the step that says so, where there was something to show."""

    chance: Chance
    triggered: str | None
    since_ns: int


class Chances:
    """Uses chances: shows what waits, or chooses among what is prepared."""

    def __init__(self, course: Course, committing: Committing, swapping: Swapping) -> None:
        self._course = course
        self._committing = committing
        self._swapping = swapping
        self._is_at_once = course.config.trigger.name == "at_once"
        self._dark: _Dark | None = None

    def take(self, chance: Chance) -> None:
        """The viewer sees nothing just now: show what is ready."""
        course = self._course
        is_held_back = self._is_at_once and course.t_ns < self._swapping.again_ns
        triggered, is_swapped = (None, False) if is_held_back else self._use(chance)
        if course.config.trigger.is_dark and course.view is not None and not is_swapped:
            course.tell(steps.Darkened, chance.cause, dark_ms=DARK_MS)
            self._dark = _Dark(chance, triggered, course.t_ns)

    def made(self, change: Change) -> None:
        """The frame of a commit is there: show it at the chance that it was committed at, if that is not over."""
        course, chosen = self._course, change.chosen
        assert chosen is not None
        trigger = course.config.trigger
        within_ns = DARK_USED_NS if trigger.is_dark else trigger.within_ns
        if course.t_ns >= chosen.since_ns + within_ns:
            why: str | None = TOO_LATE
        else:
            why = NOT_READY if change.ready is None else self._why_not(change)
        if why is None:
            self._swap(change, chosen.triggered, chosen.since_ns)
        else:
            change.last = course.tell(steps.Missed, chosen.triggered, report=None, reason=why)
            self._swapping.wait()

    def refused(self) -> None:
        """A commit has come to nothing."""
        self._swapping.wait()

    def follow(self) -> None:
        """While it is dark a picture may become ready, or the viewer look away from where it changes."""
        dark, course, change = self._dark, self._course, self._course.change
        if dark is None or (change is not None and change.swap is not None):
            return
        if course.t_ns - dark.since_ns >= DARK_USED_NS:
            self._dark = None
        elif change is None:
            choice = self._committing.choose()
            if choice is not None and choice.target is not None:
                triggered = dark.triggered or self._trigger(dark.chance)
                self._dark = _Dark(dark.chance, triggered, dark.since_ns)
                self._commit(choice, triggered, dark.since_ns)
        elif change.phase == "ready" and self._why_not(change) is None:
            self._swap(change, dark.triggered or self._trigger(dark.chance), dark.since_ns)

    @property
    def deadline_ns(self) -> int | None:
        """When ``at_once`` tries again, if nothing else happens."""
        if not self._is_at_once:
            return None
        course, again_ns = self._course, 0
        if course.change is None and self._committing.has_ready:
            again_ns = max(self._swapping.again_ns, course.rest_until_ns)
        elif course.change is not None and course.change.phase == "ready":
            again_ns = self._swapping.again_ns
        return again_ns if again_ns > course.t_ns else None

    # -- parts --------------------------------------------------------------------------------------------------------

    def _use(self, chance: Chance) -> tuple[str | None, bool]:
        """Show what waits, or choose what is to be shown; the ``trigger``, if one is told, and whether a swap is."""
        course, change = self._course, self._course.change
        if change is None:
            choice = self._committing.choose()
            if choice is None:
                return None, False
            if choice.target is None:
                return self._pass_by(chance, choice.reason), False
            triggered = self._trigger(chance)
            return triggered, self._commit(choice, triggered, course.t_ns)
        if change.phase != "ready":
            return None, False
        if (why := self._why_not(change)) is not None:
            return self._pass_by(chance, why), False
        triggered = self._trigger(chance)
        self._swap(change, triggered, course.t_ns)
        return triggered, True

    def _why_not(self, change: Change) -> str | None:
        """Why it must not be shown at this chance; None: it may."""
        if (why := self._swapping.why_not(change)) is not None or change.chosen is None:
            return why
        now = self._course.looked()
        return NOT_KNOWN if now is None else LOOKED_AT if change.target in now.near else None

    def _pass_by(self, chance: Chance, why: str | None) -> str | None:
        """Note a chance that cannot be used. ``at_once`` waits without a word: its chances never end."""
        if self._is_at_once:
            return None
        triggered = self._trigger(chance)
        self._course.tell(steps.Missed, triggered, report=None, reason=why)
        return triggered

    def _trigger(self, chance: Chance) -> str:
        course = self._course
        return course.tell(
            steps.Triggered,
            chance.cause,
            trigger=course.config.trigger.name,
            detected_ns=course.t_ns,
            onset_ns=chance.onset_ns,
        )

    def _commit(self, choice: Choice, triggered: str, since_ns: int) -> bool:
        """Commit what was chosen; whether a swap is told already: that of a control waits for nothing."""
        change = self._committing.commit(choice, triggered, since_ns)
        if change.kind == "change":
            return False
        self._swap(change, triggered, since_ns)
        return True

    def _swap(self, change: Change, triggered: str, since_ns: int) -> None:
        self._dark = None
        self._swapping.order(change, triggered, since_ns)
