"""Deciding a recorded trial again, from its inputs alone, and finding the first difference."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.gaze.record import lines
from shared.gaze.record.lines import Origin
from shared.gaze.sample import Sample
from shared.gaze.trial.inputs import AnyInput, Began
from shared.gaze.trial.outcomes import number_of
from shared.gaze.trial.trial import ImpossibleTrial, Trial
from shared.json_loads import loads

Numbered = tuple[int, Sample | AnyInput]
"""An input and its number."""


_ABSENT = object()


class Unrepeatable(Exception):
    """A trial cannot be decided again; the message says why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A place at which deciding again came to something else.

    Attributes:
        id: of the outcome.
        recorded, again: the two lines; None: there is none.
    """

    id: str
    recorded: dict[str, Any] | None
    again: dict[str, Any] | None

    def __str__(self) -> str:
        if self.recorded is None:
            return f"{self.id}: nothing is recorded; again it is {_told(self.again)}"
        if self.again is None:
            return f"{self.id}: recorded is {_told(self.recorded)}; again there is nothing"
        if self.recorded.get("step") != self.again.get("step"):
            return f"{self.id}: recorded is {_told(self.recorded)}; again it is {_told(self.again)}"
        both = {**self.recorded, **self.again}
        # A field that one of them does not have differs from one that says nothing.
        name = next(each for each in both if self.recorded.get(each, _ABSENT) != self.again.get(each, _ABSENT))
        return (
            f"{self.id}, {self.recorded['step']}: {name} was {self.recorded.get(name)!r}, "
            f"and is {self.again.get(name)!r} again"
        )


class DecidingAgain:
    """Takes a trial's inputs and its recorded outcomes in their order, and compares.

    Attributes:
        difference: the first one; None so far.
        outcomes: how many were found identical.
    """

    def __init__(self) -> None:
        self.difference: Difference | None = None
        self.outcomes = 0
        self._expected: deque[dict[str, Any]] = deque()
        self._next_n = 0
        self._trial: Trial | None = None
        self._origin: Origin | None = None

    def take(self, n: int, taken: Sample | AnyInput) -> None:
        """The next input.

        Raises:
            Unrepeatable: it is not the next one, the first is no beginning, or the trial is of another version.
        """
        self.finish()
        if n != self._next_n:
            raise Unrepeatable(f"input {self._next_n} is missing: the next one is {n}")
        self._next_n += 1
        if self._trial is None or self._origin is None:
            self._begin(taken)
            return
        if isinstance(taken, Began) or self._trial.is_over:
            raise Unrepeatable(f"input {n} comes after its end")
        trial = self._trial
        outcomes = trial.take_sample(n, taken) if isinstance(taken, Sample) else trial.take(n, taken)
        # As it would have been written, and read.
        self._expected.extend(loads(lines.encode(lines.of_outcome(self._origin, each))) for each in outcomes)

    def compare(self, recorded: dict[str, Any]) -> None:
        """The next outcome, as it is recorded."""
        again = self._expected.popleft() if self._expected else None
        if again != recorded:
            self._differs(Difference(str(recorded.get("id")), recorded, again))
        else:
            self.outcomes += 1

    def finish(self) -> None:
        """Nothing more came of the last input."""
        if self._expected:
            first = self._expected[0]
            self._differs(Difference(str(first["id"]), None, first))
            self._expected.clear()

    def _begin(self, taken: Sample | AnyInput) -> None:
        if not isinstance(taken, Began):
            raise Unrepeatable("its first input is not the beginning of a trial")
        try:
            self._trial = Trial(taken)
        except ImpossibleTrial as error:
            raise Unrepeatable(str(error)) from None
        self._origin = Origin(taken.config.trial_id, taken.t_ns, taken.unix_s)

    def _differs(self, difference: Difference) -> None:
        if self.difference is None:
            self.difference = difference


def first_difference(inputs: Iterable[Numbered], recorded: Iterable[dict[str, Any]]) -> Difference | None:
    """Decide again from all inputs, and compare with the recorded lines of outcomes, which are in the order of their
    ids. None: they are identical. Raises Unrepeatable, as :meth:`DecidingAgain.take`."""
    again = DecidingAgain()
    rest = deque(recorded)
    for n, taken in inputs:
        again.take(n, taken)
        while rest and number_of(rest[0]["id"]) <= n:
            again.compare(rest.popleft())
    again.finish()
    for line in rest:
        again.compare(line)
    return again.difference


def _told(line: dict[str, Any] | None) -> str:
    said = line or {}
    own = {name: value for name, value in said.items() if name in ("kind", "target", "trigger", "reason", "swap")}
    return f"{said.get('step')} {said.get('id')} {own or ''}".strip()
