"""From a gaze that rests to a request: whether to ask, for which sector, with which prompt."""

from __future__ import annotations

from shared import sectors
from shared.gaze.trial import steps
from shared.gaze.trial.change import Change
from shared.gaze.trial.course import Course
from shared.gaze.trial.policies.asking import Rest
from shared.gaze.trial.policies.choosing import CHOOSERS, Situation
from shared.gaze.trial.view import View

SEEDS = 2**53


class Deciding:
    """Asks for changes, one at a time, where none are prepared ahead; gives up those that wait for too long."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._choose = CHOOSERS[course.config.policy.name]

    def rested(self, rest: Rest, view: View) -> None:
        """The gaze has rested for long enough: ask for a change, unless one is under way that may yet be shown."""
        course, change = self._course, self._course.change
        if course.t_ns < course.rest_until_ns:
            return
        near = view.sectors_near(rest.at) | (course.looked_at() or frozenset())
        if change is not None:
            if not self._is_outlived(change, change.target in near, rest):
                return
            another = "asked for" if change.chosen is None else "chosen"
            course.give_up(f"the viewer looks where it would change, and another one is {another}")
        if not course.is_ahead:
            self._decide(rest, near, view)

    def _is_outlived(self, change: Change, is_looked_at: bool, rest: Rest) -> bool:
        """Whether another change is to be asked for in place of the one that is under way."""
        if self._course.config.policy.when_looked_at == "hold" or change.phase in ("swapping", "committing"):
            return False
        if change.phase == "asking":
            return is_looked_at
        if not is_looked_at:
            change.watched_since_ns = None
        elif change.watched_since_ns is None:
            change.watched_since_ns = rest.since_ns
        watched = change.watched_since_ns
        outwaited_ns = round(self._course.config.policy.outwaited_ms * 1e6)
        return watched is not None and self._course.t_ns - watched >= outwaited_ns

    def _decide(self, rest: Rest, near: frozenset[str], view: View) -> None:
        course, policy = self._course, self._course.config.policy
        number = course.decided
        choice = self._choose(policy, Situation(view, rest.sector, rest.at, near, number, course.shown, course.draws))
        x, y = round(rest.at[0], 6), round(rest.at[1], 6)
        fixation = course.tell(steps.Fixated, rest.cause, sector=rest.sector, x=x, y=y, since_ns=rest.since_ns)
        kind = course.kind_of(number)
        decision = course.tell(
            steps.Decided, fixation, policy=policy.name, target=choice.target, kind=kind, reason=choice.reason
        )
        if choice.target is None:
            return
        course.decided += 1
        request = course.tell(
            steps.Requested,
            decision,
            request_id=f"{course.config.trial_id}-{number}",
            picture_sha256=course.picture_sha256,
            target_sector=choice.target,
            focus_sector=sectors.at_point(*_inside(x, y), view.grid_size),
            focus_x=min(max(x, 0.0), 1.0),
            focus_y=min(max(y, 0.0), 1.0),
            prompt=course.prompts.next_of(choice.target),
            seed=course.draws.below(SEEDS, "seed", number),
        )
        course.prompts.use(choice.target)
        course.change = Change(number, kind, choice.target, rest.sector, request, request)


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
