"""What is not as it should be in a session's trials: every line and every sample is looked at once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from shared.gaze.record.lines import EYE, UnreadableLine, parse
from shared.gaze.trial.inputs import INPUTS
from shared.gaze.trial.steps import STEPS
from shared.session.format.entries import Entry
from shared.session.format.trial_files import GAZE, INDEX, Key, key_of
from shared.session.reading.chains import Asked, Chains
from shared.session.reading.gaze_segments import Segments, differ, hash_of
from shared.session.reading.record import RecordFiles
from shared.session.reading.walk import SAMPLE, Walk, Walked


class Fault(NamedTuple):
    """One thing, with the severity that :mod:`shared.session.check` gives it, and the file that it is about."""

    severity: Literal["note", "repairable", "lost"]
    file: str
    sentence: str


def faults(
    folder: Path, *, is_open: bool, frames: Container[str], entries: Callable[[], Iterable[object]] = tuple
) -> Iterator[Fault]:
    """Read all of a session's trials.

    Args:
        is_open: the session is being recorded, so that a trial may go on.
        frames: ids of the frames that the session has.
        entries: reads the session's entries anew; what is no :class:`Entry` is passed over.

    Raises OSError: a file cannot be read.
    """
    files = RecordFiles(folder, growing=is_open)
    if not files:
        return
    if not is_open:
        for name in files.torn:
            yield Fault("repairable", name, "its end is half-written, left by a death")
    segments, strays, newer, asked = Segments(), _Strays(), set[str](), _AskedFrames(entries)
    trial: _Trial | None = None
    known: set[str] = set()
    for walked in Walk(files):
        segments.take(walked)
        if not walked.step:
            yield Fault("lost", walked.file, f"line {walked.line} cannot be understood")
            continue
        if not walked.trial_id:
            strays.add(walked)
            continue
        if trial is None or trial.id != walked.trial_id:
            if trial is not None:
                yield from trial.finish(may_go_on=False)
            if walked.trial_id in known:
                yield Fault("lost", walked.file, f"trial {walked.trial_id} goes on behind another one")
            known.add(walked.trial_id)
            trial = _Trial(walked.trial_id, frames)
        yield from trial.take(walked)
        yield from asked.take(trial)
        newer |= {walked.step} if walked.step not in _KNOWN else set()
    if trial is not None:
        yield from trial.finish(may_go_on=is_open)
    yield from asked.faults()
    yield from strays.faults()
    for step in sorted(newer):
        yield Fault("note", "trials.jsonl", f"steps of a newer version: {step[:100]!r}")
    yield from _of_index(folder, files, segments, trial.id if trial is not None and is_open else None)


_KNOWN = frozenset({SAMPLE, EYE, *INPUTS, *STEPS})
_RECIPE = ("prompt", "seed", "target_sector", "input_sha256")
MAX_ASKED = 50_000
"""Frames that are held against the entries at once."""


class _Trial:
    """What is known of the trial that is being read: its numbers, its outcomes, its time."""

    def __init__(self, trial_id: str, frames: Container[str]) -> None:
        self.id = trial_id
        self._frames = frames
        self._next = 0
        self._outcomes: dict[int, int] = {}
        """By input, how many came of it."""
        self._t_ns = self._sample_ns = 0
        """Of the last input that was none, and that was a sample."""
        self._input_ns = 0
        self._has_begun = False
        self._is_recorded = False
        self._end: Walked | None = None
        self.chains = Chains()

    def take(self, walked: Walked) -> Iterator[Fault]:
        """The next of the walk."""
        yield from self._time(walked)
        if self._end is not None and walked.n > self._end.n:
            yield self._lost(walked, f"{_name(walked.key)} stands behind its end")
        yield from self._number(walked)
        if walked.step == SAMPLE:
            return
        yield from self._content(walked)
        if walked.step == "begin":
            self._has_begun = True
            config = walked.said.get("config")
            self._is_recorded = isinstance(config, dict) and config.get("session") is not None
        elif walked.step == "end":
            self._end = walked

    def _time(self, walked: Walked) -> Iterator[Fault]:
        """A sample was taken before it came, and other inputs may have come meanwhile: each of the two has times of its
        own that never fall. What came of an input has that one's time."""
        if not walked.is_input:
            last_ns = self._input_ns
            is_wrong = walked.n == self._next - 1 and walked.t_ns != last_ns
        else:
            of_samples = walked.step == SAMPLE
            last_ns = self._sample_ns if of_samples else self._t_ns
            is_wrong = walked.t_ns < last_ns
            self._input_ns = walked.t_ns
            if of_samples:
                self._sample_ns = max(last_ns, walked.t_ns)
            else:
                self._t_ns = max(last_ns, walked.t_ns)
        if is_wrong:
            yield self._lost(walked, f"the time falls at {_name(walked.key)}")

    def _number(self, walked: Walked) -> Iterator[Fault]:
        n, outcome = walked.key
        past = n if walked.is_input else n + 1
        if past > self._next:
            first, last = self._next, past - 1
            what = f"input {first} is" if first == last else f"inputs {first} to {last} are"
            yield self._lost(walked, f"{what} missing")
        elif past < self._next:
            yield self._lost(walked, f"{_name(walked.key)} is there twice, or out of order")
        self._next = max(self._next, n + 1)
        if outcome < 0:
            return
        count = self._outcomes.get(n, 0)
        if outcome != count:
            problem = "is there twice, or out of order" if outcome < count else f"comes without {n}/{count}"
            yield self._lost(walked, f"{_name(walked.key)} {problem}")
        self._outcomes[n] = max(count, outcome + 1)

    def _content(self, walked: Walked) -> Iterator[Fault]:
        assert walked.text is not None
        if walked.said.get("n") != walked.n:
            yield self._lost(walked, f"line {walked.line} has two numbers")
        if walked.step in _KNOWN:
            try:
                line = parse(walked.text)
            except UnreadableLine as error:
                yield self._lost(walked, f"line {walked.line}: {' '.join(str(error).split())[:300]}")
            else:
                for sentence in self.chains.take(line):
                    yield self._lost(walked, sentence)
        else:
            self.chains.pass_over(str(walked.said["id"]))
        cause = walked.said.get("caused_by")
        if cause is not None and not self._has(cause):
            yield self._lost(walked, f"{_name(walked.key)} was caused by {str(cause)[:40]!r}, which is not there")
        frame_id = walked.said.get("frame_id")
        if walked.step == "frame" and self._is_recorded and frame_id not in self._frames:
            sentence = f"trial {self.id}: the session does not have its frame {str(frame_id)[:200]}"
            yield Fault("note", walked.file, sentence)

    def _has(self, cause: object) -> bool:
        key = key_of(cause)
        if key is None or key[0] >= self._next:
            return False
        return key[1] < self._outcomes.get(key[0], 0)

    def finish(self, *, may_go_on: bool) -> Iterator[Fault]:
        """It is read whole."""
        if not self._has_begun:
            yield Fault("lost", "trials.jsonl", f"trial {self.id}: its beginning is missing")
        if self._end is None:
            if not may_go_on:
                yield Fault("repairable", "trials.jsonl", f"trial {self.id} has no end")
        elif self._end.said.get("outcome") == "interrupted":
            reason = str(self._end.said.get("reason") or "nobody says why")[:300]
            yield Fault("note", "trials.jsonl", f"trial {self.id} was interrupted: {reason}")

    def _lost(self, walked: Walked, sentence: str) -> Fault:
        return Fault("lost", walked.file, f"trial {self.id}: {sentence}")


class _AskedFrames:
    """What frames had to be, held against the session's entries, so many at a time."""

    def __init__(self, entries: Callable[[], Iterable[object]]) -> None:
        self._entries = entries
        self._asked: dict[str, tuple[str, Asked]] = {}

    def take(self, trial: _Trial) -> Iterator[Fault]:
        self._asked.update((asked.frame_id, (trial.id, asked)) for asked in trial.chains.asked)
        trial.chains.asked.clear()
        if len(self._asked) > MAX_ASKED:
            yield from self.faults()

    def faults(self) -> Iterator[Fault]:
        """Those that are something else. One that the session does not have is told elsewhere."""
        for entry in self._entries() if self._asked else ():
            if not isinstance(entry, Entry) or entry.frame_id not in self._asked:
                continue
            trial_id, asked = self._asked[entry.frame_id]
            said = {name: getattr(entry, name) for name in _RECIPE}
            if differing := [name for name, value in said.items() if value not in (None, getattr(asked, name))]:
                sentence = f"trial {trial_id}: it is not what step {asked.step_id} asked for"
                yield Fault("lost", entry.filename, f"{sentence}: {', '.join(differing)} differ")
        self._asked.clear()


class _Strays:
    """Lines and samples that belong to no trial, counted by file."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, walked: Walked) -> None:
        first, count = self._counts.get(walked.file, (walked.line, 0))
        self._counts[walked.file] = (first, count + 1)

    def faults(self) -> Iterator[Fault]:
        for file, (first, count) in self._counts.items():
            what, at = ("records", "record") if file.startswith(GAZE) else ("lines", "line")
            yield Fault("lost", file, f"{count} {what}, from {at} {first} on, belong to no trial of trials.jsonl")


def _of_index(folder: Path, files: RecordFiles, segments: Segments, going_on: str | None) -> Iterator[Fault]:
    index = files.index
    if index is None:
        yield Fault("repairable", INDEX, files.problem or "it is gone")
        return
    if differ(index, segments.index, but_of=going_on):
        yield Fault("repairable", INDEX, "it does not say what the files beside it hold")
    for name, said in index.files.items():
        if hash_of(folder, name, said["bytes"]) != said["sha256"]:
            yield Fault("lost", f"{GAZE}/{name}"[:200], "altered: it no longer holds the samples that were recorded")
    for name, said in index.lines.items():
        if hash_of(folder, name, said["bytes"]) != said["sha256"]:
            yield Fault("lost", name, "altered: it no longer holds the steps that were recorded")
    for gap in index.gaps:
        sentence = f"trial {gap.get('trial_id')}: nothing is recorded behind input {gap.get('after_n')}"
        yield Fault("note", INDEX, f"{sentence}: {gap.get('reason')}"[:500])


def _name(key: Key) -> str:
    return f"input {key[0]}" if key[1] < 0 else f"step {key[0]}/{key[1]}"
