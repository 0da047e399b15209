"""From a swap to a change that was displayed: what displays are told, what they report, and what is taken back."""

from __future__ import annotations

from shared.gaze.trial import steps
from shared.gaze.trial.change import Change, Swap
from shared.gaze.trial.config import DARK_MS
from shared.gaze.trial.course import Course
from shared.gaze.trial.inputs import Reported
from shared.gaze.trial.looking import LOOKED_AT, NOT_KNOWN
from shared.gaze.trial.showing import judge, place

UNANSWERED_NS = 2_000_000_000
"""A display that says nothing so long after a deadline has not drawn: a page in the background draws no frames."""
AGAIN_NS = 250_000_000
"""So long after a miss ``at_once`` tries again: a display that cannot draw now need not be told at every sample."""
KEPT_SWAPS = 100


class Swapping:
    """Has a change shown that is ready, where it is not looked at.

    Attributes:
        swaps: the last ones, by id; a display may report late, or twice.
        again_ns: ``at_once`` tries nothing before.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self.again_ns = 0
        self.swaps: dict[str, Swap] = {}

    def why_not(self, change: Change) -> str | None:
        """Why it must not be drawn now; None: it may."""
        looked_at = self._course.looked_at()
        if looked_at is None:
            return NOT_KNOWN
        return LOOKED_AT if change.target in looked_at else None

    def wait(self) -> None:
        """Something could not be shown: try no more for a moment."""
        self.again_ns = self._course.t_ns + AGAIN_NS

    def order(self, change: Change, triggered: str, since_ns: int) -> None:
        """Tell the display; ``since_ns``: when the trigger was detected."""
        course, trigger = self._course, self._course.config.trigger
        deadline_ns = since_ns + trigger.within_ns
        prepared_id, on = change.laid
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
            prepared_id=prepared_id,
            on=on,
        )
        change.last = swapped
        change.swap = self.swaps[swapped] = Swap(swapped, change, course.t_ns, since_ns, deadline_ns)
        if len(self.swaps) > KEPT_SWAPS:
            del self.swaps[next(iter(self.swaps))]

    def follow(self) -> None:
        """Take a swap back whose target is looked at now, and give up waiting for a display that says nothing."""
        course, change = self._course, self._course.change
        swap = change.swap if change is not None else None
        if change is None or swap is None:
            return
        if course.t_ns >= swap.deadline_ns + UNANSWERED_NS:
            self._miss(swap, None, "the display said nothing of it")
        elif not swap.is_withdrawn and (why := self.why_not(change)) is not None:
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
        if change.swap is not None or change.request is None:
            self._course.give_up(reason)

    @property
    def deadline_ns(self) -> int | None:
        """When a display that has said nothing is waited for no longer."""
        change = self._course.change
        return None if change is None or change.swap is None else change.swap.deadline_ns + UNANSWERED_NS

    # -- parts --------------------------------------------------------------------------------------------------------

    def _miss(self, swap: Swap, report: str | None, reason: str) -> None:
        course = self._course
        missed = course.tell(steps.Missed, swap.id, report=report, reason=reason)
        if swap.change.swap is swap:
            swap.change.swap = None
            swap.change.last = missed
            self.wait()

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
