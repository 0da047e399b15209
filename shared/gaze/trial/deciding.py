"""From a gaze that rests to a request: whether to ask, for which sector, with which prompt."""

from __future__ import annotations

from collections import Counter

from shared import sectors
from shared.gaze.trial import steps
from shared.gaze.trial.change import Change
from shared.gaze.trial.course import Course
from shared.gaze.trial.inputs import RequestFailed
from shared.gaze.trial.policies.asking import Rest
from shared.gaze.trial.policies.choosing import CHOOSERS, Situation
from shared.gaze.trial.steps import Kind
from shared.gaze.trial.view import View

SEEDS = 2**53
REST_AFTER_FAILURE_MS, LONGEST_REST_MS = 2000.0, 30_000.0
"""After a refusal the same gaze must not hammer a generator that has just said no: after each in a row it waits twice
as long."""


class Deciding:
    """Asks for changes, one at a time."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._choose = CHOOSERS[course.config.policy.name]
        self._prompts: Counter[str] = Counter()
        self._failures = 0

    def rested(self, rest: Rest, view: View) -> None:
        """The gaze has rested for long enough: ask for a change, unless one is under way that may yet be shown."""
        course, change = self._course, self._course.change
        if course.t_ns < course.rest_until_ns:
            return
        near = view.sectors_near(rest.at) | (course.looked_at() or frozenset())
        if change is not None:
            if not self._is_outlived(change, change.target in near, rest):
                return
            course.give_up("the viewer looks where it would change, and another one is asked for")
        self._decide(rest, near, view)

    def failed(self, failed: RequestFailed) -> None:
        """The generator has refused."""
        course, change = self._course, self._course.change
        if change is None or change.request != failed.request:
            return  # it was given up meanwhile
        course.give_up(f"{failed.code}: {failed.detail}", course.cause)
        rest_ms = min(REST_AFTER_FAILURE_MS * 2 ** min(self._failures, 10), LONGEST_REST_MS)
        self._failures += 1
        course.rest_until_ns = course.t_ns + round(max(rest_ms, failed.retry_after_ms or 0.0) * 1e6)

    def succeeded(self) -> None:
        """The generator has made something."""
        self._failures = 0

    def _is_outlived(self, change: Change, is_looked_at: bool, rest: Rest) -> bool:
        """Whether another change is to be asked for in place of the one that is under way."""
        if self._course.config.policy.when_looked_at == "hold" or change.swap is not None:
            return False
        if change.frame is None:
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
        kind = self._kind(number)
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
            prompt=self._prompt(choice.target),
            seed=course.draws.below(SEEDS, "seed", number),
        )
        course.change = Change(number, kind, choice.target, rest.sector, request, request)

    def _kind(self, number: int) -> Kind:
        config = self._course.config
        drawn = self._course.draws.uniform("kind", number)
        if drawn < config.catch_rate:
            return "catch"
        return "sham" if drawn < config.catch_rate + config.sham_rate else "change"

    def _prompt(self, sector: str) -> str:
        """The next of the sector's list; without a list the model draws what it likes."""
        prompts = self._course.config.prompts.of(sector)
        if not prompts:
            return ""
        self._prompts[sector] += 1
        return prompts[(self._prompts[sector] - 1) % len(prompts)]


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
