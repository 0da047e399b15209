"""The files of a session's trials as they are at one moment: whole lines and whole records, in bounded memory.

They only grow, so a length says all of a moment. Nothing here writes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.gaze.record.lines import CLOCKS, EYES, FILES, TRIALS
from shared.gaze.record.samples import RECORD_BYTES
from shared.json_loads import loads
from shared.session.format.plain import open_plain, read_plain
from shared.session.format.trial_files import (
    GAZE,
    INDEX,
    MAX_INDEX_BYTES,
    MAX_LINE_BYTES,
    GazeIndex,
    Key,
    key_of,
    samples_number,
)
from shared.session.text.lines import pread

_BLOCK_BYTES = 1 << 20
_END_BYTES = 64 * 1024
_PLACE = struct.Struct("<Qq32x")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A sample where it lies: its file, its place in it, its number and its time."""

    file: str
    record: int
    n: int
    t_ns: int


class RecordFiles:
    """The files of one session's trials.

    Attributes:
        sizes: bytes of each file up to the last whole line or record; a file that is not there is left out.
        torn: files that go on behind that.
        index: of ``gaze.json``; None where there is none, or ``problem`` says why it cannot be used.

    Args:
        growing: they are being written just now, and of a trial that goes on only that counts of which nothing before
            it may be on its way still.
    """

    def __init__(self, folder: Path, *, growing: bool = False) -> None:
        self.folder = folder
        self.sizes: dict[str, int] = {}
        self.torn: list[str] = []
        self.index: GazeIndex | None = None
        self.problem: str | None = None
        # A batch is written samples first and trials.jsonl last: by what that has, the others have theirs.
        for name in (TRIALS, CLOCKS, EYES, *reversed(_samples_files(folder))):
            self._measure(name)
        self._read_index()
        if growing:
            self._leave_out_what_comes()

    def __bool__(self) -> bool:
        """Whether the session has trials."""
        return bool(self.sizes) or self.index is not None or self.problem is not None

    def lines(self, name: str) -> Iterator[tuple[int, bytes | None]]:
        """Each whole line of a file with its number, from 1; None for one that is longer than lines are."""
        number = 0
        kept: list[bytes] = []
        length = 0
        for block in self._blocks(name):
            *ends, rest = block.split(b"\n")
            for end in ends:
                number += 1
                whole = length + len(end) <= MAX_LINE_BYTES
                yield number, b"".join([*kept, end]) if whole else None
                kept, length = [], 0
            length += len(rest)
            if length <= MAX_LINE_BYTES:
                kept.append(rest)
            else:
                kept.clear()

    def samples(self, first_file: str = "") -> Iterator[Recorded]:
        """Every whole record, in the order of the files, from one file on."""
        for name in self.samples_files():
            if name < first_file:
                continue
            record = 0
            for block in self._blocks(name, _BLOCK_BYTES // RECORD_BYTES * RECORD_BYTES):
                for n, t_ns in _PLACE.iter_unpack(block):
                    yield Recorded(name, record, n, t_ns)
                    record += 1

    def samples_files(self) -> list[str]:
        """The names of the files with samples."""
        return sorted(name for name in self.sizes if samples_number(name) is not None)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _measure(self, name: str) -> None:
        try:
            fd = open_plain(self.folder, name)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            size = os.fstat(fd).st_size
            whole = whole_lines(fd, size) if name in FILES else size - size % RECORD_BYTES
        finally:
            os.close(fd)
        self.sizes[name] = whole
        if whole != size:
            self.torn.append(name)

    def _read_index(self) -> None:
        try:
            self.index = GazeIndex.decode(read_plain(self.folder, INDEX, MAX_INDEX_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValueError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"it cannot be read: {error.strerror or error}"

    def _blocks(self, name: str, block_bytes: int = _BLOCK_BYTES) -> Iterator[bytes]:
        if name not in self.sizes:
            return
        fd = open_plain(self.folder, name)
        with os.fdopen(fd, "rb") as file:
            left = self.sizes[name]
            while left and (block := file.read(min(left, block_bytes))):
                left -= len(block)
                yield block

    def _leave_out_what_comes(self) -> None:
        """Cut the end of a trial that goes on at the first number that is not there yet."""
        last = last_line(self.folder, TRIALS, self.sizes.get(TRIALS, 0))
        newest = self.index.segments[-1] if self.index is not None and self.index.segments else None
        if newest is None or (last is not None and last.trial_id == newest.trial_id and last.step == "end"):
            return
        is_begun = last is not None and last.trial_id == newest.trial_id
        past = last.key[0] + 1 if last is not None and is_begun else 0
        ends = {name: self._end_of(name, newest.trial_id, past) for name in (CLOCKS, EYES)}
        numbers = {key[0] for end in ends.values() for key, _ in end if key[1] < 0}
        if is_begun:
            for sample in self.samples(f"{GAZE}/{newest.file}"):
                if sample.record < newest.first_record and sample.file.endswith(newest.file):
                    continue
                while past in numbers:
                    past += 1
                if sample.n > past:
                    self.sizes[sample.file] = sample.record * RECORD_BYTES
                    break
                past = max(past, sample.n + 1)
        else:
            assert self.index is not None
            self.index.segments.remove(newest)
            name = f"{GAZE}/{newest.file}"
            self.sizes[name] = min(self.sizes.get(name, 0), newest.first_record * RECORD_BYTES)
        for name, end in ends.items():
            self.sizes[name] = min([at for key, at in end if key[0] >= past], default=self.sizes.get(name, 0))
            if not self.sizes[name]:
                del self.sizes[name]

    def _end_of(self, name: str, trial_id: str, past: int) -> list[tuple[Key, int]]:
        """The lines of a trial at the end of a file, from a number on, each with the byte that it begins at."""
        found: list[tuple[Key, int]] = []
        size = self.sizes.get(name, 0)
        while (line := last_line(self.folder, name, size)) is not None:
            if line.trial_id != trial_id or line.key[0] < past:
                break
            found.append((line.key, line.at))
            size = line.at
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """What a line says of its place: its trial, its step, its place in the trial, its time, and its first byte."""

    trial_id: str
    step: str
    key: Key
    t_ns: int
    at: int
    said: dict[str, Any]


def place_of(text: bytes, at: int = 0) -> Place | None:
    """The place of a line; None where it says none."""
    try:
        said = loads(text)
        key, t_ns = key_of(said["id"]), said["t_ns"]
        trial_id, step = said["trial_id"], said["step"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if key is None or type(t_ns) is not int or not isinstance(trial_id, str) or not isinstance(step, str):
        return None
    return Place(trial_id, step, key, t_ns, at, said)


def last_line(folder: Path, name: str, size: int) -> Place | None:
    """The last of a file's lines within so many bytes, which end a line; None where there is none to be understood."""
    if not size:
        return None
    fd = open_plain(folder, name)
    try:
        at = whole_lines(fd, size - 1)
        length = size - 1 - at
        return place_of(pread(fd, length, at), at) if length <= MAX_LINE_BYTES else None
    finally:
        os.close(fd)


def sample_at(folder: Path, name: str, record: int) -> Recorded:
    """A sample by its place. Raises OSError or struct.error: there is none."""
    fd = open_plain(folder, name)
    try:
        n, t_ns = _PLACE.unpack(pread(fd, RECORD_BYTES, record * RECORD_BYTES))
    finally:
        os.close(fd)
    return Recorded(name, record, n, t_ns)


def whole_lines(fd: int, size: int) -> int:
    """How many of a file's first ``size`` bytes are whole lines."""
    while size > 0:
        start = max(0, size - _END_BYTES)
        found = pread(fd, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def _samples_files(folder: Path) -> list[str]:
    try:
        names = [f"{GAZE}/{item}" for item in os.listdir(folder / GAZE)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if samples_number(name) is not None)
