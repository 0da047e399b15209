"""A part of a trial on its way to a session's folder, as the gaze process gives it, sorted by files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from shared.frame import SessionStamp
from shared.gaze.record.lines import CLOCKS, EYES, FILES, TRIALS, file_of
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.format.trial_files import BEFORE_OUTCOMES, MAX_LINE_BYTES, Key
from shared.session.reading.record import Place, place_of

_PLACE = struct.Struct("<Qq32x")


class UnusablePart(ValueError):
    """What was given is no part of a trial; the message says why."""


@dataclass(frozen=True, slots=True)
class HeldPart:
    """A trial's inputs ``from_n`` to ``next_n - 1`` with all that came of them.

    Attributes:
        session: the one that they are recorded in.
        ended: nothing comes behind them.
        about: what ``gaze.json`` says of the trial: source, screen, detectors.
        lines: JSON lines, in their order.
        records: the samples, 48 bytes each, in their order.
    """

    trial_id: str
    session: SessionStamp
    from_n: int
    next_n: int
    ended: bool
    about: dict[str, Any]
    lines: bytes
    records: bytes


@dataclass(slots=True)
class SortedPart:
    """A part's lines by file, each with its place, and its records with their numbers and times."""

    lines: dict[str, list[tuple[Place, bytes]]] = field(default_factory=lambda: {name: [] for name in FILES})
    samples: list[tuple[int, int]] = field(default_factory=list)
    records: bytes = b""

    def records_behind(self, n: int) -> bytes:
        """The records of samples with larger numbers."""
        skipped = sum(1 for number, _ in self.samples if number <= n)
        return self.records[skipped * RECORD_BYTES :]

    def lines_behind(self, name: str, key: Key) -> list[tuple[Place, bytes]]:
        """The lines for a file that stand behind a place."""
        return [line for line in self.lines[name] if line[0].key > key]

    @property
    def last_t_ns(self) -> int | None:
        """The time of the last of it; None where it is empty."""
        ends = [lines[-1][0].t_ns for lines in self.lines.values() if lines]
        return max([*ends, *(t_ns for _, t_ns in self.samples[-1:])], default=None)


def sort_part(part: HeldPart) -> SortedPart:
    """Raises UnusablePart: it does not hold what it says, each number once."""
    if not 0 <= part.from_n <= part.next_n:
        raise UnusablePart(f"it goes from {part.from_n} to {part.next_n}")
    if len(part.records) % RECORD_BYTES:
        raise UnusablePart(f"its samples have {len(part.records)} bytes, and each has {RECORD_BYTES}")
    found = SortedPart(samples=list(_PLACE.iter_unpack(part.records)), records=part.records)
    inputs: set[int] = set()
    last: Key = (-1, BEFORE_OUTCOMES)
    for place, text in _places(part):
        if place.trial_id != part.trial_id:
            raise UnusablePart(f"it has a line of trial {place.trial_id[:100]!r}")
        if not last < place.key or not part.from_n <= place.key[0] < part.next_n:
            raise UnusablePart(f"its line {place.said['id']!r} does not stand in its place")
        last = place.key
        if last[1] == BEFORE_OUTCOMES:
            inputs.add(last[0])
        found.lines[file_of(place.said)].append((place, text))
    numbers = [n for n, _ in found.samples]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise UnusablePart("its samples are not in order")
    if len(numbers) + len(inputs) != part.next_n - part.from_n or inputs.intersection(numbers):
        raise UnusablePart(f"it does not hold each of the inputs {part.from_n} to {part.next_n - 1} once")
    if numbers and not part.from_n <= numbers[0] <= numbers[-1] < part.next_n:
        raise UnusablePart(f"it has samples beside {part.from_n} to {part.next_n - 1}")
    return found


def _places(part: HeldPart) -> Iterator[tuple[Place, bytes]]:
    for text in part.lines.split(b"\n"):
        if not text:
            continue
        place = place_of(text) if len(text) <= MAX_LINE_BYTES else None
        if place is None:
            raise UnusablePart(f"it has a line that is no step: {text[:100]!r}")
        yield place, text + b"\n"


WRITTEN_FIRST = (EYES, CLOCKS, TRIALS)
"""Behind the samples: what ``trials.jsonl`` has, the others have too."""
