"""From a chance to a change that was displayed: triggers, swaps, what displays report, and what is taken back."""

from __future__ import annotations

from dataclasses import dataclass

from shared.gaze.trial import steps
from shared.gaze.trial.change import Change, Swap
from shared.gaze.trial.config import DARK_MS
from shared.gaze.trial.course import Course
from shared.gaze.trial.inputs import Reported
from shared.gaze.trial.policies.triggers import Chance
from shared.gaze.trial.showing import judge, place

UNANSWERED_NS = 2_000_000_000
"""A display that says nothing so long after a deadline has not drawn: a page in the background draws no frames."""
AGAIN_NS = 250_000_000
"""So long after a miss ``at_once`` tries again: a display that cannot draw now need not be told at every sample."""
DARK_USED_NS = 200_000_000
"""So long after a view went dark it can still be exchanged before it is light."""
KEPT_SWAPS = 100
LOOKED_AT = "the viewer looks where it would change"
NOT_KNOWN = "nobody knows where the viewer looks"


@dataclass(frozen=True, slots=True)
class _Dark:
    """The view is dark since a time; ``triggered``: the step that says so, where there was something to show."""

    chance: Chance
    triggered: str | None
    since_ns: int


class Swapping:
    """Shows what is ready, where it is not looked at.

    Attributes:
        swaps: the last ones, by id; a display may report late, or twice.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._again_ns = 0
        self._dark: _Dark | None = None
        self.swaps: dict[str, Swap] = {}

    def take_chance(self, chance: Chance) -> None:
        """The viewer sees nothing just now: show what is ready."""
        course = self._course
        trigger, change = course.config.trigger, course.change
        ready = change if change is not None and change.ready is not None and change.swap is None else None
        triggered: str | None = None
        if ready is not None and not self._is_held_back():
            why = self._why_not(ready)
            if why is None:
                self._swap(ready, self._trigger(chance), course.t_ns)
                return
            if trigger.name != "at_once":
                triggered = self._trigger(chance)
                course.tell(steps.Missed, triggered, report=None, reason=why)
        if trigger.is_dark and course.view is not None:
            course.tell(steps.Darkened, chance.cause, dark_ms=DARK_MS)
            self._dark = _Dark(chance, triggered, course.t_ns)

    def follow(self) -> None:
        """Take a swap back whose target is looked at now, and give up waiting for a display that says nothing."""
        course, change = self._course, self._course.change
        swap = change.swap if change is not None else None
        if change is None or swap is None:
            self._use_the_dark(change)
            return
        if course.t_ns >= swap.deadline_ns + UNANSWERED_NS:
            self._miss(swap, None, "the display said nothing of it")
        elif not swap.is_withdrawn and (why := self._why_not(change)) is not None:
            swap.is_withdrawn = True
            course.tell(steps.Withdrawn, course.cause, swap=swap.id, reason=why)

    def reported(self, report: Reported) -> None:
        """A display has said what became of a swap; whatever it says, it is noted."""
        course, swap = self._course, self.swaps.get(report.swap)
        if swap is None:
            return  # of long ago
        if not report.was_shown:
            reason = report.reason or "the display did not draw it"
            self._miss(swap, course.cause, f"{reason} (said twice)" if swap.is_reported else reason)
            swap.is_reported = True
            return
        shown = place(report, swap, course.clock)
        change = swap.change
        course.tell(
            steps.Displayed,
            swap.id,
            report=course.cause,
            kind=change.kind,
            frame_id=change.frame_id,
            sha256=change.sha256,
            target=change.target,
            **judge(shown, report, swap, course.looking, course.view),
        )
        if not swap.is_reported:
            swap.is_reported = True
            self._done(swap)

    def display_gone(self, reason: str) -> None:
        """Nobody is there to draw: what was under way is given up, what waits needs another display."""
        change = self._course.change
        if change is None:
            return
        change.ready = None
        if change.swap is not None:
            self._course.give_up(reason, change.swap.id)

    @property
    def deadline_ns(self) -> int | None:
        change = self._course.change
        if change is None:
            return None
        if change.swap is not None:
            return change.swap.deadline_ns + UNANSWERED_NS
        is_due = change.ready is not None and self._course.config.trigger.name == "at_once"
        return self._again_ns if is_due and self._again_ns > self._course.t_ns else None

    def _use_the_dark(self, change: Change | None) -> None:
        """While it is dark a picture may become ready, or the viewer look away from where it changes."""
        dark, course = self._dark, self._course
        if dark is None:
            return
        if course.t_ns - dark.since_ns >= DARK_USED_NS:
            self._dark = None
        elif change is not None and change.ready is not None and self._why_not(change) is None:
            self._dark = None
            self._swap(change, dark.triggered or self._trigger(dark.chance), dark.since_ns)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _is_held_back(self) -> bool:
        return self._course.config.trigger.name == "at_once" and self._course.t_ns < self._again_ns

    def _why_not(self, change: Change) -> str | None:
        """Why it must not be drawn now; None: it may."""
        looked_at = self._course.looked_at()
        if looked_at is None:
            return NOT_KNOWN
        return LOOKED_AT if change.target in looked_at else None

    def _trigger(self, chance: Chance) -> str:
        course = self._course
        return course.tell(
            steps.Triggered,
            chance.cause,
            trigger=course.config.trigger.name,
            detected_ns=course.t_ns,
            onset_ns=chance.onset_ns,
        )

    def _swap(self, change: Change, triggered: str, since_ns: int) -> None:
        """Order it; ``since_ns``: when the trigger was detected."""
        course, trigger = self._course, self._course.config.trigger
        self._dark = None
        deadline_ns = since_ns + trigger.within_ns
        swapped = course.tell(
            steps.Swapped,
            triggered,
            ready=change.ready,
            display=course.display,
            frame_id=change.frame_id,
            sha256=change.sha256,
            kind=change.kind,
            target=change.target,
            deadline_ns=deadline_ns,
            deadline_ms=course.clock.to_display(deadline_ns) if course.clock.is_known else None,
            dark_ms=DARK_MS if trigger.is_dark else 0.0,
        )
        change.last = swapped
        change.swap = self.swaps[swapped] = Swap(swapped, change, course.t_ns, since_ns, deadline_ns)
        if len(self.swaps) > KEPT_SWAPS:
            del self.swaps[next(iter(self.swaps))]

    def _miss(self, swap: Swap, report: str | None, reason: str) -> None:
        course = self._course
        missed = course.tell(steps.Missed, swap.id, report=report, reason=reason)
        if swap.change.swap is swap:
            swap.change.swap = None
            swap.change.last = missed
            self._again_ns = course.t_ns + AGAIN_NS

    def _done(self, swap: Swap) -> None:
        """What was displayed is on view, whether or not that was expected any more."""
        course, change = self._course, swap.change
        if change.kind == "change":
            course.picture_sha256 = change.sha256
        if course.change is change:
            if change.swap is not None and change.swap is not swap:
                change.swap.is_reported = change.swap.is_withdrawn = True
                course.tell(steps.Withdrawn, course.cause, swap=change.swap.id, reason="it is on view already")
            course.change = None
            course.shown += 1
            course.rest_until_ns = course.t_ns + round(course.config.policy.again_ms * 1e6)
        elif change.kind == "change":
            course.give_up("the display shows another picture than the one that it was made from")
