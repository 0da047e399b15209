"""What a trial prepared, put together from its steps, until it is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from shared.gaze.record.lines import Line
from shared.gaze.trial import inputs, steps

T = TypeVar("T")

REMEMBERED = 2048
"""Of each kind of step, what a later one may still refer to. A preparation may wait long until it is chosen."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that is made ahead, as far as it has come.

    Attributes:
        asked: its ``prepare``.
        first_ns: when it was made for the first time.
        made_ns: when it was made for the picture that the display was ready for.
        ready_ns: when the display was.
    """

    asked: steps.Preparing
    first_ns: int | None = None
    made_ns: int | None = None
    ready_ns: int | None = None


class PreparedSteps:
    """Fed with a trial's lines in their order."""

    def __init__(self) -> None:
        self._asked: dict[str, Prepared] = {}
        """By the id of the ``prepare``."""
        self._made: dict[str, inputs.PreparedChanged] = {}
        self._ready: dict[str, Prepared] = {}

    def take(self, line: Line) -> None:
        """The next line; those of other things are passed over."""
        what = line.what
        if isinstance(what, steps.Preparing):
            keep(self._asked, line.id, Prepared(what), REMEMBERED)
        elif isinstance(what, inputs.PreparedChanged) and what.state == "ready":
            self._take_made(line.id, what)
        elif isinstance(what, inputs.DisplayReady):
            made = self._made.get(what.frame)
            prepared = self._asked.get(made.prepare) if made is not None else None
            if made is not None and prepared is not None:
                ready = replace(prepared, made_ns=made.t_ns, ready_ns=what.t_ns)
                keep(self._ready, line.id, ready, REMEMBERED)

    def at(self, ready: str) -> Prepared | None:
        """What a ``ready`` is of; None: of nothing that was prepared, or of long ago."""
        return self._ready.get(ready)

    def _take_made(self, step_id: str, made: inputs.PreparedChanged) -> None:
        prepared = self._asked.pop(made.prepare, None)
        if prepared is None:
            return
        first_ns = made.t_ns if prepared.first_ns is None else prepared.first_ns
        keep(self._asked, made.prepare, replace(prepared, first_ns=first_ns), REMEMBERED)
        keep(self._made, step_id, made, REMEMBERED)


def keep(known: dict[str, T], step_id: str, what: T, most: int) -> None:
    """Remember something by its id, and so many others at most."""
    known[step_id] = what
    if len(known) > most:
        del known[next(iter(known))]
