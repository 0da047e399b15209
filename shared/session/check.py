"""Reading every entry and every file of a session, and saying what is not as it should be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from shared.session import layout, pictures
from shared.session.examine import Examination, examine
from shared.session.layout import METADATA
from shared.session.metadata import DamagedMetadata
from shared.session.numbers import NumberSet
from shared.session.reading import SessionReader

Severity = Literal["note", "repairable", "lost"]
"""``note``: worth knowing, all is well. ``repairable``: repair mends it. ``lost``: a frame is gone or altered."""

Progress = Callable[[int, int], None]
"""Told how many entries of how many are read."""

_CARRIED = ("frame_id", "epoch", "seq", "record_seq", "prompt", "seed", "focus_sector", "input_sha256", "timestamp")
"""Fields that entry and image both have, and must agree in."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, about one file."""

    severity: Severity
    file: str
    sentence: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def exit_code(findings: Iterable[Finding]) -> int:
    """0: whole; 1: repairable; 2: frames are lost or altered."""
    severities = {finding.severity for finding in findings}
    return 2 if "lost" in severities else 1 if "repairable" in severities else 0


def check(folder: Path, progress: Progress | None = None) -> Iterator[Finding]:
    """Read a whole session. Writes nothing, so it may run while the session is being recorded.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: it cannot be read.
    """
    yield from _of_folder(_settled(folder))
    try:
        reader = SessionReader(folder)
    except DamagedMetadata:
        return  # what is wrong with it was said above, and what its images say is all there is
    with reader:
        if reader.tail.open:
            yield Finding("note", METADATA, "it is open: being recorded now, or left so by a recorder that died")
        if reader.tail.interrupted:
            yield Finding("note", METADATA, "its recorder died once while it was open")
        yield from _of_entries(folder, reader, progress)


def _settled(folder: Path) -> Examination:
    """Examine a folder; of one that is being written to, what is still so at a second look."""
    first = examine(folder)
    if not (first.leftovers or first.rebuilt or first.damage):
        return first
    second = examine(folder)
    names = {entry["filename"] for entry in first.rebuilt}
    second.leftovers = [path for path in second.leftovers if path in first.leftovers]
    second.rebuilt = [entry for entry in second.rebuilt if entry["filename"] in names]
    return second


def _of_folder(found: Examination) -> Iterator[Finding]:
    if found.damage:
        yield Finding("repairable", METADATA, found.damage)
    for path in found.leftovers:
        yield Finding("repairable", path.relative_to(found.folder).as_posix(), "half-written, left by a death")
    for entry in found.rebuilt:
        yield Finding("repairable", entry["filename"], "a recorded frame without an entry")
    for name, reason in found.strays:
        yield Finding("note", name, f"named like a frame and none of this session's: {reason}")
    for frame_id in found.tail.lost:
        yield Finding("lost", METADATA, f"frame {frame_id} was made and never reached the disk")
    for item in sorted(os.listdir(found.folder)):
        known = item in (METADATA, layout.REPAIRS, layout.INPUTS) or layout.parse_frame_name(item)
        if not known and not layout.is_temporary(item):
            yield Finding("note", item, "not a file of this program")


def _of_entries(folder: Path, reader: SessionReader, progress: Progress | None) -> Iterator[Finding]:
    expected = 0
    numbers: dict[str, NumberSet] = {}
    inputs: dict[str, Finding | None] = {}
    for position in range(reader.count):
        entry = reader.entry(position)
        if entry["index"] > expected:
            span = (
                f"index {expected}" if entry["index"] == expected + 1 else f"indexes {expected} to {entry['index'] - 1}"
            )
            yield Finding("lost", METADATA, f"there is no frame with {span}")
        expected = max(expected, entry["index"] + 1)
        epoch, number = entry.get("epoch"), entry.get("record_seq")
        if isinstance(epoch, str) and isinstance(number, int):
            seen = numbers.setdefault(epoch, NumberSet())
            if number in seen:
                yield Finding("lost", entry["filename"], f"recorded twice: number {number} of epoch {epoch}")
            seen.add(number)
        yield from _of_frame(folder, entry)
        yield from _of_input(folder, reader, entry, inputs)
        if progress:
            progress(position + 1, reader.count)
    yield from _of_gaps(numbers)


def _of_gaps(numbers: Mapping[str, NumberSet]) -> Iterator[Finding]:
    for epoch, seen in numbers.items():
        for (_, stop), (start, _) in pairwise([(0, 0), *seen.ranges()]):
            if start == stop:
                continue
            what = f"frame {stop}" if start == stop + 1 else f"frames {stop} to {start - 1}"
            yield Finding("lost", METADATA, f"{what} of epoch {epoch} were never recorded")


def _of_frame(folder: Path, entry: Mapping[str, Any]) -> Iterator[Finding]:
    name = str(entry["filename"])
    parsed = layout.parse_frame_name(name)
    if parsed is None:
        yield Finding("lost", METADATA, f"entry {entry['index']} names no frame: {name!a}")
        return
    if parsed.index != entry["index"] or parsed.sector != entry.get("target_sector"):
        yield Finding("lost", name, "index or sector of its entry differ from its name")
    sha256 = _hash(folder / name)
    if sha256 is None:
        yield Finding("lost", name, "the file of a recorded frame is gone")
        return
    if entry.get("sha256") is None:
        yield Finding("note", name, "its entry has no hash, so nothing proves its bytes")
        return
    if sha256 != entry["sha256"]:
        yield Finding("lost", name, "altered: it no longer holds the bytes that were recorded")
        return
    fields = pictures.own_fields(folder / name)
    differing = [key for key in _CARRIED if fields and key in fields and fields[key] != entry.get(key)]
    if differing:
        yield Finding("lost", name, f"its entry was altered: {', '.join(differing)} differ from what the image carries")


def _of_input(
    folder: Path, reader: SessionReader, entry: Mapping[str, Any], seen: dict[str, Finding | None]
) -> Iterator[Finding]:
    sha256 = entry.get("input_sha256")
    if not isinstance(sha256, str):
        return
    path = reader.input_path(dict(entry))
    if path is None:
        yield Finding("lost", str(entry["filename"]), "the session does not hold its input image")
        return
    if path.parent == folder:
        if _hash(path) != sha256:
            yield Finding("lost", path.name, f"gone or altered, and it is the input of {entry['filename']}")
        return
    name = f"{layout.INPUTS}/{path.name}"
    if name not in seen:
        found = _hash(path)
        problem = "an input image that is gone" if found is None else "an input image with other bytes than were sent"
        seen[name] = None if found == sha256 else Finding("lost", name, problem)
        if seen[name] is not None:
            yield seen[name]  # type: ignore[misc]


def _hash(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()
