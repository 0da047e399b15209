"""The changes of one trial, put together from its steps: when each stage was reached, and what the eyes did."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.gaze.events import EyeEvent
from shared.gaze.record.lines import Line
from shared.gaze.trial import inputs, steps
from shared.session.reading.change_rows import ChangeRow, Stages, row_of

T = TypeVar("T")

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

    def take(self, line: Line) -> Iterator[ChangeRow]:
        """The next line; the changes of which all is known now."""
        what = line.what
        if isinstance(what, EyeEvent):
            self._take_eye(line.id, what)
        elif isinstance(what, steps.Fixated):
            _keep(self._fixations, line.id, what)
        elif isinstance(what, steps.Triggered):
            _keep(self._triggers, line.id, (what, self._eyes.get(what.caused_by)))
        elif isinstance(what, steps.Decided):
            if what.target is not None:
                self._begin(line.id, what)
        elif (change := self._owner(line)) is not None:
            change.ids.append(line.id)
            self._owners[line.id] = change
            self._take_stage(change, what)
        while self._waiting and (self._waiting[0].is_known or len(self._waiting) > MAX_WAITING):
            yield self._let_go()

    def finish(self) -> Iterator[ChangeRow]:
        """The trial is over: the changes that are left."""
        while self._waiting:
            yield self._let_go()

    def _begin(self, step_id: str, decided: steps.Decided) -> None:
        self._count += 1
        change = _Change(self._count, decided, self._fixations.get(decided.caused_by), ids=[step_id])
        self._owners[step_id] = change
        self._waiting.append(change)

    def _let_go(self) -> ChangeRow:
        change = self._waiting.popleft()
        for step_id in change.ids:
            del self._owners[step_id]
        return row_of(self._trial_id, self._began, change)

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
            change.reason = what.reason
        elif isinstance(what, steps.Abandoned):
            change.abandoned = change.is_over = True
            change.reason = what.reason
        elif isinstance(what, steps.Withdrawn):
            change.reason = what.reason
        elif isinstance(what, inputs.RequestFailed):
            change.reason = what.code

    def _take_eye(self, step_id: str, event: EyeEvent) -> None:
        _keep(self._eyes, step_id, event)
        if event.is_over:
            for change in self._waiting:
                if change.eye is not None and (change.eye.kind, change.eye.onset_ns) == (event.kind, event.onset_ns):
                    change.eye = event


def _keep(known: dict[str, T], step_id: str, what: T) -> None:
    known[step_id] = what
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
