"""What must hold of every trial whose changes are made ahead, told from its inputs and outcomes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.trial import Trial
from tests.support.rehearsal import Rehearsal

AT_ONCE_NS = 400_000_000
"""``at_once`` does not wait for longer than this where something can be shown, and nothing has just been missed."""


@dataclass
class Slot:
    target: str
    prepared_id: str
    made: str | None = None
    picture: str | None = None
    ready: str | None = None


@dataclass
class UnderWay:
    """The change that is under way.

    Attributes:
        asked: id of its ``commit`` or ``request``; None: a control, for which nothing is made.
        prepare: id of its ``prepare``; None: it was not prepared, or is a control.
    """

    kind: str
    target: str
    asked: str | None
    prepare: str | None
    on: str
    frame: inputs.FrameMade | None = None

    @property
    def is_old(self) -> bool:
        return self.asked is not None and self.prepare is None


class Watch:
    """Feeds a second trial with what a rehearsal took, and looks at each step.

    Attributes:
        used, unused: how many chances were used, and not.
        commits, shown: how many.
    """

    def __init__(self, rehearsal: Rehearsal) -> None:
        began = rehearsal.taken[0][1]
        assert isinstance(began, inputs.Began)
        self.config = began.config
        self.trial = Trial(began)
        self.slots: dict[str, Slot] = {}
        self.of_made: dict[str, tuple[Slot, str | None]] = {}
        self.change: UnderWay | None = None
        self.changes: dict[str, UnderWay] = {}
        """By the id of a swap."""
        self.picture = self.config.picture_sha256
        self.display: str | None = None
        self.takes_sectors = False
        self.used = self.unused = self.commits = self.shown = 0
        self.t_ns = 0
        self.could_ns: int | None = None
        self._reported: set[str] = set()
        self._kind = ""
        again: list[Outcome] = []
        for n, taken in rehearsal.taken[1:]:
            self.t_ns = taken.t_ns
            if isinstance(taken, Sample):
                came = list(self.trial.take_sample(n, taken))
            else:
                self._take(n, taken)
                came = list(self.trial.take(n, taken))
            again += came
            for at, outcome in enumerate(came):
                self._look(outcome, came[at + 1 :])
            if not self.trial.is_over:
                self._settle(came)
        assert again == rehearsal.outcomes, "the same inputs come to the same outcomes"

    # -- what is known ------------------------------------------------------------------------------------------------

    @property
    def limit(self) -> int:
        return min(self.config.policy.ahead, self.config.grid_size**2)

    @property
    def eligible(self) -> set[str]:
        """Targets that can be shown now, by all that is known."""
        now = self.trial._course.looked()
        looked_at = None if now is None else now.near
        if self.change is not None or looked_at is None or not self.takes_sectors or self.display is None:
            return set()
        if self.t_ns < self.trial._course.rest_until_ns:
            return set()
        found = {slot.target for slot in self.slots.values() if slot.ready and slot.picture == self.picture}
        if self.config.policy.name == "listed":
            found &= {self.config.policy.targets[self.trial._course.shown % len(self.config.policy.targets)]}
        return found - looked_at

    def _take(self, n: int, taken: Any) -> None:
        if isinstance(taken, inputs.Viewed):
            if (taken.display, taken.takes_sectors) != (self.display, self.takes_sectors):
                self._lose()
            self.display, self.takes_sectors = taken.display, taken.takes_sectors
        elif isinstance(taken, inputs.DisplayGone) and taken.display == self.display:
            self._lose()
            self.display = None
        elif isinstance(taken, inputs.PreparedChanged):
            self._changed(str(n), taken)
        elif isinstance(taken, inputs.DisplayReady) and taken.display == self.display:
            slot, picture = self.of_made.get(taken.frame, (None, None))
            if slot is not None and slot.made is not None and slot.picture == picture:
                slot.ready = slot.ready or str(n)
        elif isinstance(taken, inputs.FrameMade) and self.change is not None and self.change.asked == taken.request:
            self.change.frame = taken
            for slot in self.slots.values():
                if slot.picture != taken.sha256 and not self.change.is_old:
                    slot.made = slot.picture = slot.ready = None

    def _changed(self, n: str, taken: inputs.PreparedChanged) -> None:
        slot = self.slots.get(taken.prepare)
        if slot is None or (self.change is not None and self.change.prepare == taken.prepare):
            return
        if taken.state != "ready":
            del self.slots[taken.prepare]
            return
        if slot.picture != taken.picture_sha256:
            slot.ready = None
        slot.made, slot.picture = n, taken.picture_sha256
        self.of_made[n] = slot, taken.picture_sha256

    def _lose(self) -> None:
        for slot in self.slots.values():
            slot.ready = None

    # -- what comes of it ---------------------------------------------------------------------------------------------

    def _look(self, outcome: Outcome, rest: list[Outcome]) -> None:
        what = outcome.what
        if isinstance(what, EyeEvent):
            if self.config.trigger.name == "blink" and what.kind == "blink" and not what.is_over:
                self._chance(rest)
        elif isinstance(what, steps.Darkened):
            is_used = self.change is not None or self.trial._course.change is not None
            assert is_used or not self.eligible, "a blackout with something to show shows it"
        else:
            look = getattr(self, f"_{what.step}", None)
            if look is not None:
                look(outcome.id, what)

    def _chance(self, rest: list[Outcome]) -> None:
        """A chance that finds a change ready takes it."""
        came = [each.what for each in rest]
        if self.eligible:
            assert any(isinstance(each, steps.Committed | steps.Swapped) for each in came)
            self.used += 1
        elif self.change is None and self.trial._course.is_ahead and self.t_ns >= self.trial._course.rest_until_ns:
            assert any(isinstance(each, steps.Missed) for each in came), "it is said why nothing is shown"
            self.unused += 1

    def _prepare(self, step_id: str, what: steps.Preparing) -> None:
        assert self.takes_sectors
        assert len(self.slots) < self.limit
        assert what.target_sector not in {slot.target for slot in self.slots.values()}
        change = self.change
        if change is None or change.prepare is None:
            assert what.picture_sha256 == self.picture
        else:
            assert change.frame is not None, "while a commit is under way nobody knows which picture is next"
            assert what.picture_sha256 == change.frame.sha256
        self.slots[step_id] = Slot(what.target_sector, what.prepared_id)

    def _decision(self, step_id: str, what: steps.Decided) -> None:
        assert not self.takes_sectors
        self._kind = what.kind

    def _request(self, step_id: str, what: steps.Requested) -> None:
        assert self.change is None
        self.change = UnderWay(self._kind, what.target_sector, step_id, None, self.picture)

    def _drop(self, step_id: str, what: steps.GivenUp) -> None:
        self.slots.pop(what.prepare, None)

    def _commit(self, step_id: str, what: steps.Committed) -> None:
        assert self.change is None, "never two under way"
        assert what.target_sector in self.eligible
        slot = self.slots[what.prepare]
        assert (slot.ready, slot.prepared_id, slot.target) == (what.ready, what.prepared_id, what.target_sector)
        assert what.on == slot.picture == self.picture
        self.commits += 1
        self.change = UnderWay("change", what.target_sector, step_id, what.prepare, what.on)

    def _swap(self, step_id: str, what: steps.Swapped) -> None:
        looked_at = self.trial._course.looked_at()
        assert looked_at is not None
        assert what.target not in looked_at
        assert what.display == self.display
        if self.change is None:
            assert what.kind in ("sham", "catch")
            assert what.target in self.eligible
            self.change = UnderWay(what.kind, what.target, None, None, self.picture)
        change = self.change
        assert (what.kind, what.target) == (change.kind, change.target)
        assert change.on == self.picture
        if change.asked is None:
            assert (what.frame_id, what.sha256, what.prepared_id) == (None, self.picture, None)
        else:
            assert change.frame is not None, "no swap before its frame"
            assert (what.frame_id, what.sha256) == (change.frame.frame_id, change.frame.sha256)
            assert what.prepared_id is None or what.on == self.picture
            assert what.prepared_id is None or not change.is_old
        self.changes[step_id] = change

    def _missed(self, step_id: str, what: steps.Missed) -> None:
        if self.change is None and what.report is None:
            assert not self.eligible, what.reason

    def _displayed(self, step_id: str, what: steps.Displayed) -> None:
        if what.caused_by in self._reported:
            return
        self._reported.add(what.caused_by)
        change = self.changes[what.caused_by]
        if what.kind == "change":
            self.picture = what.sha256
        if change is self.change:
            self.shown += 1
            self._over()

    def _abandoned(self, step_id: str, what: steps.Abandoned) -> None:
        self._over()

    def _over(self) -> None:
        change, self.change = self.change, None
        if change is not None and change.prepare is not None:
            self.slots.pop(change.prepare, None)

    def _settle(self, came: list[Outcome]) -> None:
        """After each input."""
        assert self.picture == self.trial.picture_sha256
        known = {one.prepare: (one.target, one.made, one.picture_sha256, one.ready) for one in self.trial.prepared}
        if self.display is not None:
            mine = {key: (slot.target, slot.made, slot.picture, slot.ready) for key, slot in self.slots.items()}
            assert known == mine
        if self.config.trigger.name != "at_once":
            return
        if any(isinstance(each.what, steps.Missed | steps.Abandoned) for each in came) or not self.eligible:
            self.could_ns = None
        elif self.could_ns is None:
            self.could_ns = self.t_ns
        else:
            assert self.t_ns - self.could_ns < AT_ONCE_NS
