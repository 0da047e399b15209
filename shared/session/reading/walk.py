"""Walking through a session's trials: lines and samples of each, in the order of their numbers, in bounded memory.

Records of samples do not say whose they are. They lie in the order of the trials, and a trial's are those with the
numbers that its lines leave out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any

from shared.gaze.record.lines import CLOCKS, EYES, TRIALS
from shared.session.format.trial_files import Key
from shared.session.reading.record import Place, Recorded, RecordFiles, place_of


@dataclass(frozen=True, slots=True)
class Walked:
    """A step, or a sample, in its turn.

    Attributes:
        trial_id: empty for what belongs to no trial.
        step: ``sample``; empty for a line that cannot be understood; else as the line says it.
        file, line: where it stands; of a sample the record, from 0.
        said: all that the line says; empty for a sample.
        text: the line as it is written; None for a sample, or where it is too long.
    """

    trial_id: str
    step: str
    key: Key
    t_ns: int
    file: str
    line: int
    said: dict[str, Any]
    text: bytes | None = None

    @property
    def n(self) -> int:
        return self.key[0]

    @property
    def is_input(self) -> bool:
        """Whether it has a number to itself."""
        return self.key[1] < 0 and self.step != ""


SAMPLE = "sample"
_NOWHERE: Key = (-1, -1)


class Walk:
    """Iterate it once. What cannot be understood comes with an empty ``step``, what fits nowhere at the end."""

    def __init__(self, files: RecordFiles, *, samples: bool = True) -> None:
        self._trials = _Ahead(_lines(files, TRIALS))
        self._others = [_Ahead(_lines(files, name)) for name in (EYES, CLOCKS)]
        self._samples = _AheadSamples(files.samples() if samples else iter(()))

    def __iter__(self) -> Iterator[Walked]:
        while (first := self._trials.next) is not None:
            if not first.step:
                yield self._trials.take()
                continue
            yield from self._trial(first)
        for rest in self._others:
            while rest.next is not None:
                yield _stray(rest.take())
        while self._samples.next is not None:
            yield _of_sample("", self._samples.take())

    def _trial(self, first: Walked) -> Iterator[Walked]:
        trial_id, last_n, has_ended = first.trial_id, -1, False
        sources = [source.of(trial_id) for source in (self._trials, *self._others)]
        for step in merge(*sources, key=lambda each: each.key):
            yield from self._samples_between(trial_id, last_n, step)
            yield step
            last_n = max(last_n, step.n)
            has_ended |= step.step == "end"
        while not has_ended and (sample := self._samples.next) is not None and sample.n > last_n:
            last_n = sample.n
            yield _of_sample(trial_id, self._samples.take())

    def _samples_between(self, trial_id: str, last_n: int, step: Walked) -> Iterator[Walked]:
        """The samples that stand before a step. Only where one is missing there is it looked at what comes next: it
        may be of a later trial, whose times, after the machine was started anew, may be smaller."""
        past = step.n if step.is_input else step.n + 1
        while (sample := self._samples.next) is not None and last_n + 1 < past:
            if sample.t_ns > step.t_ns or sample.n > step.n:
                return
            is_next = last_n < sample.n < past
            last_n = max(last_n, sample.n)
            yield _of_sample(trial_id if is_next else "", self._samples.take())


class _Ahead:
    """A file's lines with a look at the next one."""

    def __init__(self, lines: Iterator[Walked]) -> None:
        self._lines = lines
        self.next = next(lines, None)

    def take(self) -> Walked:
        taken, self.next = self.next, next(self._lines, None)
        assert taken is not None
        return taken

    def of(self, trial_id: str) -> Iterator[Walked]:
        """The lines of a trial that come next, and with them those that nobody understands."""
        while self.next is not None and (self.next.trial_id == trial_id or not self.next.step):
            yield self.take()


class _AheadSamples:
    def __init__(self, samples: Iterator[Recorded]) -> None:
        self._samples = samples
        self.next = next(samples, None)

    def take(self) -> Recorded:
        taken, self.next = self.next, next(self._samples, None)
        assert taken is not None
        return taken


def _lines(files: RecordFiles, name: str) -> Iterator[Walked]:
    last: Key = _NOWHERE
    for number, text in files.lines(name):
        place: Place | None = None if text is None else place_of(text)
        if place is None or place.step == SAMPLE:
            # Where the one before it stood, so that the order of those around it is not changed.
            yield Walked("", "", last, 0, name, number, {}, text)
        else:
            last = place.key
            yield Walked(place.trial_id, place.step, place.key, place.t_ns, name, number, place.said, text)


def _of_sample(trial_id: str, sample: Recorded) -> Walked:
    return Walked(trial_id, SAMPLE, (sample.n, -1), sample.t_ns, sample.file, sample.record, {})


def _stray(line: Walked) -> Walked:
    return Walked("", line.step, line.key, line.t_ns, line.file, line.line, line.said, line.text)
