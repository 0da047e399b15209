"""What is held of recorded trials until the recorder has it on disk. Pure."""

from __future__ import annotations

import builtins
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.bus.gaze_messages import HeldTrial
from shared.bus.requests.gaze import TrialPart
from shared.errors import NotFound
from shared.frame import SessionStamp
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.writing.gaze_part import HeldPart

CHUNK_BYTES = 64 * 1024
"""A chunk of so many is not added to any more. The recorder lets go of whole chunks."""
MOST_BYTES = 16 * 1024 * 1024
"""Of one part, whatever is asked for."""
LINE_BYTES = 100
"""What a line takes in memory beside its bytes."""

_NUMBER = struct.Struct("<Q")


@dataclass(slots=True)
class _Chunk:
    """Inputs ``first_n`` to ``next_n - 1`` with all that came of them. ``lines``: each with its number."""

    first_n: int
    next_n: int
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    records: bytearray = field(default_factory=bytearray)
    size: int = 0
    is_sealed: bool = False

    def lines_from(self, from_n: int) -> bytes:
        return b"".join(line for n, line in self.lines if n >= from_n)

    def records_from(self, from_n: int) -> bytes:
        starts = range(0, len(self.records), RECORD_BYTES)
        start = next((at for at in starts if _NUMBER.unpack_from(self.records, at)[0] >= from_n), len(self.records))
        return bytes(memoryview(self.records)[start:])


class HeldOfTrial:
    """What is held of one trial. Inputs are added in the order of their numbers.

    Attributes:
        session: the one that it is recorded in.
        about: what ``gaze.json`` is to say of it.
        next_n: number of the next input.
        acknowledged: inputs, from 0, that are on disk.
        ended: no more will come.
    """

    def __init__(self, trial_id: str, session: SessionStamp, about: dict[str, Any]) -> None:
        self.trial_id = trial_id
        self.session = session
        self.about = about
        self.next_n = 0
        self.acknowledged = 0
        self.ended = False
        self.bytes = 0
        self._chunks: deque[_Chunk] = deque()

    @property
    def is_done(self) -> bool:
        """Whether nothing more needs to be held."""
        return self.ended and self.acknowledged >= self.next_n

    def add_lines(self, n: int, lines: list[bytes]) -> None:
        """Add the lines of an input and of all that came of it, or only of what came of a sample, which is added
        already."""
        # What came of a sample belongs where the sample is: who has been given the one is not given the other again.
        chunk = self._chunks[-1] if n < self.next_n and self._chunks else self._open()
        chunk.lines += [(n, line) for line in lines]
        self._grow(chunk, sum(map(len, lines)) + LINE_BYTES * len(lines), max(self.next_n, n + 1))

    def add_records(self, next_n: int, records: bytes) -> None:
        """Add samples; their numbers are those up to ``next_n``."""
        chunk = self._open()
        chunk.records += records
        self._grow(chunk, len(records), next_n)

    def part(self, from_n: int, limit_bytes: int) -> tuple[TrialPart, bytes]:
        """What is held from a number on, up to about a number of bytes. Raises NotFound: it was let go."""
        first_n = self._chunks[0].first_n if self._chunks else self.next_n
        if from_n < first_n:
            raise NotFound(f"the inputs of trial {self.trial_id} below {first_n} are on disk, and are held no more")
        if self._chunks:
            self._chunks[-1].is_sealed = True  # so that it is let go as it was given
        lines, records = bytearray(), bytearray()
        next_n = min(from_n, self.next_n)
        for chunk in self._chunks:
            if chunk.next_n <= from_n:
                continue
            lines += chunk.lines_from(from_n)
            records += chunk.records_from(from_n)
            next_n = chunk.next_n
            if len(lines) + len(records) >= min(limit_bytes, MOST_BYTES):
                break
        part = TrialPart(
            trial_id=self.trial_id,
            from_n=min(from_n, next_n),
            next_n=next_n,
            lines_bytes=len(lines),
            ended=self.ended and next_n == self.next_n,
            about=self.about,
        )
        return part, bytes(lines + records)

    def acknowledge(self, next_n: int) -> int:
        """Let go of inputs below a number; how many bytes."""
        self.acknowledged = max(self.acknowledged, min(next_n, self.next_n))
        before = self.bytes
        while self._chunks and self._chunks[0].next_n <= self.acknowledged:
            self.bytes -= self._chunks.popleft().size
        return before - self.bytes

    def state(self) -> HeldTrial:
        return HeldTrial(
            trial_id=self.trial_id,
            session=self.session,
            next_n=self.next_n,
            acknowledged=self.acknowledged,
            ended=self.ended,
        )

    def _open(self) -> _Chunk:
        if not self._chunks or self._chunks[-1].is_sealed or self._chunks[-1].size >= CHUNK_BYTES:
            self._chunks.append(_Chunk(self.next_n, self.next_n))
        return self._chunks[-1]

    def _grow(self, chunk: _Chunk, size: int, next_n: int) -> None:
        chunk.size += size
        self.bytes += size
        self.next_n = chunk.next_n = next_n


class Held:
    """What is held of all trials, up to a limit.

    Attributes:
        bytes: what it takes in memory.
        limit_bytes: from which on no recorded trial goes on. What a trial that is ended by it still says is held, too.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._trials: dict[str, HeldOfTrial] = {}

    @property
    def bytes(self) -> int:
        return sum(trial.bytes for trial in self._trials.values())

    @property
    def is_full(self) -> bool:
        return self.bytes >= self.limit_bytes

    def __len__(self) -> int:
        """Trials of which something is held, or will be."""
        return len(self._trials)

    def __iter__(self) -> Iterator[HeldOfTrial]:
        return iter(list(self._trials.values()))

    def begin(self, trial_id: str, session: SessionStamp, about: dict[str, Any]) -> HeldOfTrial:
        """Hold another trial from now on."""
        trial = self._trials[trial_id] = HeldOfTrial(trial_id, session, about)
        return trial

    def part(self, trial_id: str, from_n: int, limit_bytes: int) -> tuple[TrialPart, builtins.bytes]:
        """:meth:`HeldOfTrial.part`. Raises NotFound: nothing of it is held."""
        trial = self._trials.get(trial_id)
        if trial is None:
            raise NotFound(f"nothing is held of a trial {trial_id[:100]!r}")
        return trial.part(from_n, limit_bytes)

    def acknowledge(self, trial_id: str, next_n: int) -> None:
        """Let go of a trial's inputs below a number; of a trial that is not held, of nothing."""
        trial = self._trials.get(trial_id)
        if trial is not None:
            trial.acknowledge(next_n)
            if trial.is_done:
                del self._trials[trial_id]

    def rest(self) -> Iterator[HeldPart]:
        """All that is not acknowledged, in parts, each trial's in order."""
        for trial in self:
            from_n = trial.acknowledged
            while from_n < trial.next_n:
                part, payload = trial.part(from_n, MOST_BYTES)
                lines, records = payload[: part.lines_bytes], payload[part.lines_bytes :]
                yield HeldPart(
                    *(trial.trial_id, trial.session, from_n, part.next_n, part.ended, trial.about), lines, records
                )
                from_n = part.next_n

    def states(self) -> tuple[HeldTrial, ...]:
        return tuple(trial.state() for trial in self._trials.values())
