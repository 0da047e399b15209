"""Reading every entry and every file of a session, and saying what is not as it should be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from shared.errors import SessionNotFound
from shared.session.format import layout, pictures
from shared.session.format.entries import Entry
from shared.session.format.kinds import differ
from shared.session.format.layout import METADATA
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.numbers import FrameIds, NumberSet
from shared.session.format.plain import read_plain
from shared.session.format.trial_files import FILES, GAZE
from shared.session.reading.reader import SessionReader
from shared.session.reading.trial_faults import faults
from shared.session.writing.examination import Examination
from shared.session.writing.examine import examine

Severity = Literal["note", "repairable", "lost"]
"""``note``: worth knowing, all is well. ``repairable``: repair mends it. ``lost``: a frame, or a part of a
trial, is gone or altered."""

Progress = Callable[[int, int], None]
"""Told how many entries of how many are read."""

_CARRIED = ("frame_id", "epoch", "seq", "record_seq", "prompt", "seed", "focus_sector", "input_sha256", "timestamp")
"""Fields that entry and image both have, and must agree in."""

_OURS = (METADATA, layout.REPAIRS, layout.INPUTS, layout.VERIFICATION, GAZE, *FILES)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, about one file."""

    severity: Severity
    file: str
    sentence: str


def exit_code(findings: Iterable[Finding]) -> int:
    """0: whole; 1: repairable; 2: frames are lost or altered."""
    severities = {finding.severity for finding in findings}
    return 2 if "lost" in severities else 1 if "repairable" in severities else 0


def check(folder: Path, progress: Progress | None = None) -> Iterator[Finding]:
    """Read a whole session. Writes nothing, so it may run while the session is being recorded. Raises FileNotFoundError
    (there is no such folder) or OSError (it cannot be read)."""
    found = _settled(folder)
    yield from _of_folder(found)
    try:
        reader = SessionReader(folder, salvage=True)
    except SessionNotFound:
        return  # without metadata and without frames
    with reader:
        if reader.tail.open:
            yield Finding("note", METADATA, "it is open: being recorded now, or left so by a recorder that died")
        if reader.tail.interrupted:
            yield Finding("note", METADATA, "its recorder died once while it was open")
        yield from _of_entries(folder, reader, found, progress)
        for fault in faults(folder, is_open=reader.tail.open, frames=found.recorded, entries=reader.each):
            yield Finding(*fault)


def _settled(folder: Path) -> Examination:
    """Examine a folder; of one that is being written to, what is still so at a second look."""
    first = examine(folder)
    if not (first.leftovers or first.rebuilt or first.damage):
        return first
    second = examine(folder)
    names = {entry.filename for entry in first.rebuilt}
    second.leftovers = [path for path in second.leftovers if path in first.leftovers]
    second.rebuilt = [entry for entry in second.rebuilt if entry.filename in names]
    return second


def _of_folder(found: Examination) -> Iterator[Finding]:
    if found.damage and found.damage not in found.broken:
        yield Finding("repairable", METADATA, found.damage)
    elif found.foreign:
        yield Finding("note", METADATA, "laid out by another hand: it is understood, and stays as it is")
    for sentence in found.broken:
        yield Finding("repairable", METADATA, sentence)
    for path in found.leftovers:
        yield Finding("repairable", path.relative_to(found.folder).as_posix(), "half-written, left by a death")
    for entry in found.rebuilt:
        yield Finding("repairable", entry.filename, "a recorded frame without an entry")
    for name, reason in found.strays:
        yield Finding("note", name, f"named like a frame and none of this session's: {reason}")
    for frame_id in found.tail.lost:
        yield Finding("lost", METADATA, f"frame {frame_id} was made and never reached the disk")
    for item in sorted(os.listdir(found.folder)):
        known = item in _OURS or layout.parse_frame_name(item) or layout.is_kept(item)
        if not known and not layout.is_litter([item]):
            yield Finding("note", item, "not a file of this program")


def _of_entries(
    folder: Path, reader: SessionReader, found: Examination, progress: Progress | None
) -> Iterator[Finding]:
    indexes = NumberSet()
    last = -1
    seen = FrameIds()
    numbers = _Numbers(folder, reader.head)
    inputs: set[str] = set()
    for position, entry in enumerate(reader.each()):
        if isinstance(entry, DamagedMetadata):
            continue  # said above
        index = entry.index
        if index in indexes:
            yield Finding("lost", METADATA, f"the index {index} is used twice")
        elif index < last:
            yield Finding("note", METADATA, f"index {index} stands behind index {last}")
        indexes.add(index)
        last = max(last, index)
        for problem in reader.breaches(position, entry):
            yield Finding("lost", METADATA, f"entry {index}: {problem}")
        if entry.frame_id is not None:
            if entry.frame_id in seen:
                yield Finding("lost", entry.filename, f"recorded twice: frame {entry.frame_id}")
            seen.add(entry.frame_id)
        fields = pictures.fields_of(folder, entry.filename)
        numbers.add(entry, fields)
        yield from _of_frame(folder, entry, fields)
        yield from _of_input(folder, reader, entry, inputs)
        if progress:
            progress(position + 1, reader.count)
    for entry in found.rebuilt:
        yield from _of_input(folder, reader, entry, inputs)
    for entry in [*found.rebuilt, *found.trimmed]:  # repair mends them, so neither their index nor number is lost
        name = entry.filename
        if layout.parse_frame_name(name) is None or not (folder / name).is_file():
            yield Finding("lost", METADATA, f"{name!r} is gone, and so is what its entry said")
            continue
        indexes.add(entry.index)
        numbers.add(entry, pictures.fields_of(folder, name))
    for first, past in _gaps(indexes):
        span = f"index {first}" if past == first + 1 else f"indexes {first} to {past - 1}"
        yield Finding("lost", METADATA, f"there is no frame with {span}")
    yield from numbers.gaps()


class _Numbers:
    """Which numbers of which stream of frames a session holds. One that was copied and went on holds numbers of both
    sessions, so what counts is the session that each frame was made for, as its image says."""

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        names = (folder.name, head.get("session_id"), head.get("renamed_from"))
        self._names = {name for name in names if isinstance(name, str)}
        self._only = folder.name if len(self._names) == 1 else None
        self._streams: dict[tuple[str, str], NumberSet] = {}
        self._unsure: dict[str, NumberSet] = {}
        """By epoch, of frames whose image is gone: they may close a gap, and make none."""

    def add(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        epoch, number = entry.epoch, entry.record_seq
        if epoch is None or number is None:
            return
        said = fields.get("session_id")
        made_for = said if isinstance(said, str) else self._only
        if made_for is None:
            self._unsure.setdefault(epoch, NumberSet()).add(number)
        elif made_for in self._names:
            self._streams.setdefault((made_for, epoch), NumberSet()).add(number)

    def gaps(self) -> Iterator[Finding]:
        for (_, epoch), seen in self._streams.items():
            end = seen.next
            for start, stop in self._unsure.get(epoch, NumberSet()).ranges():
                seen.add_range(start, min(stop, end))
            for first, past in _gaps(seen):
                one = past == first + 1
                what, were = (f"frame {first}", "was") if one else (f"frames {first} to {past - 1}", "were")
                yield Finding("lost", METADATA, f"{what} of epoch {epoch} {were} never recorded")


def _gaps(numbers: NumberSet) -> Iterator[tuple[int, int]]:
    """First number and one past the last of each range that is missing, from 0."""
    for (_, stop), (start, _) in pairwise([(0, 0), *numbers.ranges()]):
        if start != stop:
            yield stop, start


def _of_frame(folder: Path, entry: Entry, fields: Mapping[str, Any]) -> Iterator[Finding]:
    name = entry.filename
    parsed = layout.parse_frame_name(name)
    if parsed is None:
        yield Finding("lost", METADATA, f"entry {entry.index} names no frame: {name!r}")
        return
    if parsed.index != entry.index or parsed.sector != entry.target_sector:
        yield Finding("lost", name, "index or sector of its entry differ from its name")
    sha256 = _hash(folder, name)
    if sha256 is None:
        yield Finding("lost", name, "the file of a recorded frame is gone, or cannot be read")
        return
    if entry.sha256 is None:
        yield Finding("note", name, "its entry has no hash, so nothing proves its bytes")
        return
    if sha256 != entry.sha256:
        yield Finding("lost", name, "altered: it no longer holds the bytes that were recorded")
        return
    differing = [key for key in _CARRIED if key in fields and not _agree(key, fields[key], entry.fields.get(key))]
    if differing:
        yield Finding("lost", name, f"its entry was altered: {', '.join(differing)} differ from what the image carries")


def _agree(key: str, carried: Any, said: Any) -> bool:
    """Times that another program has rounded are not altered."""
    return bool(carried == said) or (key == "timestamp" and not differ(carried, said) and said is not None)


def _of_input(folder: Path, reader: SessionReader, entry: Entry, seen: set[str]) -> Iterator[Finding]:
    sha256 = entry.input_sha256
    if sha256 is None:
        return
    path = reader.input_path(entry)
    if path is None:
        yield Finding("lost", entry.filename, "the session does not hold its input image")
        return
    if path.parent == folder:
        if _hash(folder, path.name) != sha256:
            yield Finding("lost", path.name, f"gone or altered, and it is the input of {entry.filename}")
        return
    name = f"{layout.INPUTS}/{path.name}"
    if name not in seen and (found := _hash(folder, name)) != sha256:
        problem = "an input image that is gone" if found is None else "an input image with other bytes than were sent"
        yield Finding("lost", name, problem)
    seen.add(name)


def _hash(folder: Path, name: str) -> str | None:
    try:
        return hashlib.sha256(read_plain(folder, name)).hexdigest()
    except OSError:  # gone, or no file, or not to be read: in no way the one that was recorded
        return None
