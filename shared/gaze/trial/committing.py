"""From a chance to a commit: which of the changes that are ready is shown, and why none, where none can be."""

from __future__ import annotations

from shared.gaze.trial import steps
from shared.gaze.trial.change import Change, Chosen
from shared.gaze.trial.course import Course
from shared.gaze.trial.looking import NOT_KNOWN
from shared.gaze.trial.policies.choosing import CHOOSERS, Choice, Situation
from shared.gaze.trial.preparing import Ahead, PreparedAhead


class Committing:
    """Chooses among what is prepared. Nothing is committed while a change is under way."""

    def __init__(self, course: Course, ahead: Ahead) -> None:
        self._course = course
        self._ahead = ahead
        self._choose = CHOOSERS[course.config.policy.name]

    @property
    def has_ready(self) -> bool:
        """Whether anything could be shown, if the viewer looked elsewhere."""
        return self._course.is_ahead and next(self._ahead.showable, None) is not None

    def choose(self) -> Choice | None:
        """What to show now, or why nothing can be; None: it is not asked, where nothing is made ahead, or the trial
        rests."""
        course = self._course
        if not course.is_ahead or course.t_ns < course.rest_until_ns:
            return None
        ready = frozenset(one.target for one in self._ahead.showable)
        if not ready and course.config.trigger.name == "at_once":
            return None  # it is asked at every sample
        now = course.looked()
        if now is None:
            return Choice(None, NOT_KNOWN)
        choice = self._choose(
            course.config.policy,
            Situation(now.view, now.focus, now.at, now.near, course.decided, course.shown, course.draws, ready),
        )
        if choice.target is None and course.config.policy.name != "listed":
            return Choice(None, self._why_none(len(ready)))
        return choice

    def commit(self, choice: Choice, triggered: str, since_ns: int) -> Change:
        """Commit what was chosen, or begin a control in its place, for which nothing is made."""
        course, policy, number = self._course, self._course.config.policy, self._course.decided
        one, now = self._ready_of(choice.target), course.looked()
        assert now is not None
        course.decided += 1
        on = course.picture_sha256
        change = Change(
            number=number,
            kind=course.kind_of(number),
            target=one.target,
            focus=now.focus,
            request=None,
            last=triggered,
            chosen=Chosen(one.prepared_id, on, triggered, since_ns),
            sha256=on,
            ready=one.ready,
        )
        if change.kind == "change":
            change.request = change.last = course.tell(
                steps.Committed,
                triggered,
                request_id=f"{course.config.trial_id}-{number}",
                prepared_id=one.prepared_id,
                prepare=one.prepare,
                ready=one.ready,
                on=on,
                policy=policy.name,
                target_sector=one.target,
                focus_sector=now.focus,
                focus_x=now.at[0],
                focus_y=now.at[1],
                reason=choice.reason,
            )
        course.change = change
        self._ahead.choose(one, change)
        return change

    def _ready_of(self, target: str | None) -> PreparedAhead:
        return next(one for one in self._ahead.showable if one.target == target)

    def _why_none(self, ready: int) -> str:
        """In words and numbers."""
        if ready:
            return f"the viewer looks at all {ready} that are ready"
        known = self._ahead.all
        if not known:
            return "nothing is prepared yet"
        made = sum(one.picture_sha256 == self._course.picture_sha256 for one in known)
        parts = (
            f"{len(known) - made} being made" if made < len(known) else "",
            f"{made} not decoded by the display" if made else "",
        )
        return f"nothing is ready: {', '.join(filter(None, parts))}"
