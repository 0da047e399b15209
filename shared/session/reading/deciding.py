"""Deciding a session's trials again, from its files alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from shared.gaze.record.deciding_again import DecidingAgain, Difference, Unrepeatable
from shared.gaze.record.lines import BY, UnreadableLine, parse_input
from shared.gaze.record.samples import RECORD_BYTES, decode
from shared.gaze.sample import Sample
from shared.gaze.trial.inputs import AnyInput
from shared.session.format.plain import open_plain
from shared.session.reading.record import RecordFiles
from shared.session.reading.walk import SAMPLE, Walk, Walked
from shared.session.text.lines import pread


@dataclass(frozen=True, slots=True)
class TrialAgain:
    """What deciding one trial again came to.

    Attributes:
        inputs, outcomes: how many were taken, and how many were identical.
        difference: the first one; None: there is none.
        problem: why it could not be decided again to its end.
    """

    trial_id: str
    inputs: int
    outcomes: int
    difference: Difference | None
    problem: str | None

    @property
    def is_identical(self) -> bool:
        return self.difference is None and self.problem is None


def decide_again(folder: Path) -> Iterator[TrialAgain]:
    """Decide every trial of a session again, in their order. Raises OSError: a file cannot be read."""
    current: _Current | None = None
    with ExitStack() as open_files:
        samples = _Samples(folder, open_files)
        for walked in Walk(RecordFiles(folder, growing=True)):
            if not walked.trial_id:
                continue  # what belongs to no trial is told by a check
            if current is None or current.trial_id != walked.trial_id:
                if current is not None:
                    yield current.result()
                current = _Current(walked.trial_id, samples)
            current.take(walked)
        if current is not None:
            yield current.result()


class _Current:
    def __init__(self, trial_id: str, samples: _Samples) -> None:
        self.trial_id = trial_id
        self._samples = samples
        self._again = DecidingAgain()
        self._inputs = 0
        self._problem: str | None = None
        self._is_over = False

    def take(self, walked: Walked) -> None:
        if self._problem is not None or self._is_over:
            return
        if walked.step == "end" and BY in walked.said:
            self._is_over = True
            return
        try:
            if not walked.is_input:
                self._again.compare(walked.said)
                return
            self._again.take(walked.n, self._samples.read(walked) if walked.step == SAMPLE else _input_of(walked))
            self._inputs += 1
        except Unrepeatable as error:
            self._problem = str(error)
        except UnreadableLine as error:
            self._problem = f"{walked.file}, line {walked.line}: {error}"

    def result(self) -> TrialAgain:
        self._again.finish()
        again = self._again
        return TrialAgain(self.trial_id, self._inputs, again.outcomes, again.difference, self._problem)


def _input_of(walked: Walked) -> AnyInput:
    assert walked.text is not None
    return parse_input(walked.text)


class _Samples:
    """Reads samples where they lie."""

    def __init__(self, folder: Path, open_files: ExitStack) -> None:
        self._folder = folder
        self._open_files = open_files
        self._name = ""
        self._fd = -1

    def read(self, walked: Walked) -> Sample:
        if walked.file != self._name:
            self._open_files.close()  # one at a time: a day of samples is in sixty
            self._name, self._fd = walked.file, open_plain(self._folder, walked.file)
            self._open_files.callback(os.close, self._fd)
        record = pread(self._fd, RECORD_BYTES, walked.line * RECORD_BYTES)
        return next(decode(record)).sample
