"""The changes of one trial, put together from its steps: when each stage was reached, and what the eyes did."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.gaze.events import EyeEvent
from shared.gaze.record.lines import Line
from shared.gaze.trial import inputs, steps
from shared.session.reading.change_rows import ChangeRow, Stages, row_of
from shared.session.reading.prepared import PreparedSteps, keep

REMEMBERED = 64
"""Fixations, triggers and eye events that something may still refer to."""
MAX_WAITING = 32
"""Finished changes that wait for the end of their blink or saccade; beyond it they go without."""


@dataclass(slots=True)
class _Change(Stages):
    ids: list[str] = field(default_factory=list)
    is_over: bool = False

    @property
    def is_known(self) -> bool:
        """Whether nothing more will be known of it."""
        return self.is_over and (self.eye is None or self.eye.offset_ns is not None)


class Changes:
    """Fed with a trial's lines in their order; gives a row for each change, in the order of the decisions."""

    def __init__(self, trial_id: str, began: inputs.Began) -> None:
        self._trial_id = trial_id
        self._began = began
        self._count = 0
        self._waiting: deque[_Change] = deque()
        self._owners: dict[str, _Change] = {}
        self._fixations: dict[str, steps.Fixated] = {}
        self._triggers: dict[str, tuple[steps.Triggered, EyeEvent | None]] = {}
        self._eyes: dict[str, EyeEvent] = {}
        self._prepared = PreparedSteps()
        self._is_ahead = False
        self._misses: list[str] = []
        """Why chances were missed since the last change, where changes are made ahead: the next one's."""

    def take(self, line: Line) -> Iterator[ChangeRow]:
        """The next line; the changes of which all is known now."""
        what = line.what
        self._prepared.take(line)
        if isinstance(what, EyeEvent):
            self._take_eye(line.id, what)
        elif isinstance(what, inputs.Viewed):
            self._is_ahead = what.takes_sectors and self._began.config.policy.ahead > 0
        elif isinstance(what, steps.Fixated):
            keep(self._fixations, line.id, what, REMEMBERED)
        elif isinstance(what, steps.Triggered):
            keep(self._triggers, line.id, (what, self._eyes.get(what.caused_by)), REMEMBERED)
        elif isinstance(what, steps.Decided):
            if what.target is not None:
                change = self._begin(what.kind, what.target, what.t_ns, line.id)
                change.fixated = self._fixations.get(what.caused_by)
        elif isinstance(what, steps.Committed):
            change = self._begin_ahead("change", what.target_sector, what.t_ns, what.ready, line.id, what.caused_by)
            change.committed = what
            change.trigger, change.eye = self._triggers.get(what.caused_by, (None, None))
        elif (owner := self._owner(line)) is not None and not (owner.is_over and _is_control(what)):
            self._own(owner, line.id)
            self._take_stage(owner, what)
        elif isinstance(what, steps.Swapped) and what.frame_id is None:
            change = self._begin_ahead(what.kind, what.target, what.t_ns, what.ready, line.id)
            self._take_stage(change, what)
        elif isinstance(what, steps.Missed) and self._is_ahead:
            self._miss(what)
        while self._waiting and (self._waiting[0].is_known or len(self._waiting) > MAX_WAITING):
            yield self._let_go()

    def finish(self) -> Iterator[ChangeRow]:
        """The trial is over: the changes that are left."""
        while self._waiting:
            yield self._let_go()

    def _begin(self, kind: str, target: str, decided_ns: int, *ids: str) -> _Change:
        self._count += 1
        change = _Change(self._count, kind, target, decided_ns)
        for step_id in ids:
            self._own(change, step_id)
        self._waiting.append(change)
        return change

    def _begin_ahead(self, kind: str, target: str, decided_ns: int, ready: str, *ids: str) -> _Change:
        change = self._begin(kind, target, decided_ns, ready, *ids)
        change.is_ahead = True
        change.prepared = self._prepared.at(ready)
        if self._misses:
            change.misses, change.last_miss = len(self._misses), self._misses[-1]
            self._misses.clear()
        return change

    def _own(self, change: _Change, step_id: str) -> None:
        change.ids.append(step_id)
        self._owners[step_id] = change

    def _let_go(self) -> ChangeRow:
        change = self._waiting.popleft()
        for step_id in change.ids:
            if self._owners.get(step_id) is change:  # a control and a change may be of the same that was ready
                del self._owners[step_id]
        return row_of(self._trial_id, self._began, change)

    def _miss(self, missed: steps.Missed) -> None:
        """A chance at which the display was told nothing."""
        change = self._waiting[-1] if self._waiting else None
        if change is None or change.is_over:
            self._misses.append(missed.reason)
        elif change.is_ahead:
            self._take_stage(change, missed)

    def _owner(self, line: Line) -> _Change | None:
        """The change that a step belongs to, by whatever it names of that."""
        names = (getattr(line.what, name, None) for name in ("swap", "ready", "frame", "request", "report"))
        return next((self._owners[name] for name in (line.caused_by, *names) if name in self._owners), None)

    def _take_stage(self, change: _Change, what: Any) -> None:
        if isinstance(what, steps.Requested):
            change.requested = what
        elif isinstance(what, inputs.FrameMade):
            change.made = what
        elif isinstance(what, inputs.DisplayReady):
            change.ready = what
        elif isinstance(what, steps.Swapped):
            change.swapped = what
            change.trigger, change.eye = self._triggers.get(what.caused_by, (None, None))
        elif isinstance(what, steps.Displayed):
            change.displayed = what if change.displayed is None else change.displayed
            change.is_over = True
        elif isinstance(what, steps.Missed):
            change.misses += 1
            change.reason = change.last_miss = what.reason
        elif isinstance(what, steps.Abandoned):
            change.abandoned = change.is_over = True
            change.reason = what.reason
        elif isinstance(what, steps.Withdrawn):
            change.reason = what.reason
        elif isinstance(what, inputs.RequestFailed):
            change.reason = what.code

    def _take_eye(self, step_id: str, event: EyeEvent) -> None:
        keep(self._eyes, step_id, event, REMEMBERED)
        if event.is_over:
            for change in self._waiting:
                if change.eye is not None and (change.eye.kind, change.eye.onset_ns) == (event.kind, event.onset_ns):
                    change.eye = event


def _is_control(what: Any) -> bool:
    """Whether it is the swap of a control for which nothing was made: its first step."""
    return isinstance(what, steps.Swapped) and what.frame_id is None
