"""Looking at a session's folder before it is written to: what is there, what is known, and what is wrong."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from shared.json_loads import loads
from shared.session.format import layout, pictures
from shared.session.format.entries import differ, file_named_in, parse_entry, trimmed
from shared.session.format.frame_ids import FrameIds
from shared.session.format.layout import METADATA, REPAIRS
from shared.session.format.metadata import DamagedMetadata, Tail, entry_from_frame
from shared.session.format.plain import read_plain
from shared.session.reading.folder import find_input
from shared.session.text import contents, lines
from shared.session.text.contents import Contents

log = logging.getLogger(__name__)

RECENT = 1024
"""Frames whose hash and number are kept: to find an input that is an earlier frame, and to answer duplicates."""

LISTED = 1000
"""Names of missing files that are kept, at most; ``check`` finds all."""

MAX_HISTORY_BYTES = 64 << 20
"""Of ``repairs.jsonl``; a longer one is not read."""

COUNTED_INDEX = 2**52
"""Frames are numbered on behind the largest index below this: one beyond leaves no room, and came from elsewhere."""


@dataclass(frozen=True, slots=True)
class Known:
    """A recorded frame, as far as a duplicate's answer needs it."""

    index: int
    filename: str
    sha256: str | None
    frame_id: str | None


@dataclass(slots=True)
class Examination:
    """What a session's folder holds. ``rebuilt`` are entries that images have and the metadata has not."""

    folder: Path
    head: dict[str, Any] | None = None
    tail: Tail = field(default_factory=Tail)
    added: dict[str, Any] = field(default_factory=dict)
    """What else a head says that has lost its own keys."""
    damage: str | None = None
    """What in the metadata cannot be understood; None where everything can."""
    foreign: bool = False
    """Laid out by another hand: nothing can be appended to the file as it is."""
    looks_ours: bool = False
    """Laid out as ours, at least in its beginning."""
    torn: bool = False
    """Cut off in the midst of an append of ours."""
    broken: list[str] = field(default_factory=list)
    """What is wrong with those entries that are none, each with its place."""
    trimmed: list[dict[str, Any]] = field(default_factory=list)
    """Those of them that a repair keeps without what is too deep or too large: their index, file and number."""
    named: set[str] = field(default_factory=set)
    """Files that those of them name of which nothing can be made."""
    keeps_broken: bool = False
    """Whether those are left to their author."""
    entries: list[bytes] | None = None
    """The texts of the entries, kept only where the file is not laid out as ours."""
    count: int = 0
    next_index_of_entries: int = 0
    next_index: int = 0
    """One past the largest that an entry or a file name has."""
    recorded: FrameIds = field(default_factory=FrameIds)
    recent: deque[Known] = field(default_factory=lambda: deque(maxlen=RECENT))
    leftovers: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rebuilt: list[dict[str, Any]] = field(default_factory=list)
    strays: list[tuple[str, str]] = field(default_factory=list)
    """Files named like frames that are none of this session's, each with the reason."""
    files: dict[str, str] | None = None
    """The files of ``entries`` by hash; None until that is needed."""
    names: set[str] | None = None
    """What the session was called when its frames were made; None until that is needed."""

    @property
    def needs_writing(self) -> bool:
        """Whether the metadata is to say something else than it does."""
        return self.damage is not None or bool(self.rebuilt) or self.tail.open or self.missing != self.tail.missing


def examine(folder: Path, known_head: Mapping[str, Any] | None = None, *, appending: bool = False) -> Examination:
    """Read a session's metadata whole, and those of its images that have no entry.

    ``known_head`` is the head as its writer knows it, for a folder where neither metadata nor images tell it. With
    ``appending``, entries that cannot be understood are left to their author: their images do not count as without one.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: it cannot be read.
    """
    found = Examination(folder)
    names = _list(folder, found)
    have = _read_metadata(found, names, appending=appending)
    found.next_index_of_entries = found.next_index
    frames = {name: parsed for name in names if (parsed := layout.parse_frame_name(name))}
    counted = (frame.index for frame in frames.values() if frame.index < COUNTED_INDEX)
    found.next_index = max(found.next_index, 1 + max(counted, default=-1))
    found.missing = sorted(have - names)[:LISTED]
    taken = {parsed.index for name in have if (parsed := layout.parse_frame_name(name))}
    _rebuild(found, sorted((frames[name].index, name) for name in frames if name not in have), taken)
    if known_head is not None and (found.head is None or found.damage is not None):
        found.head = {**known_head, **(found.head or {})}
    return found


def _list(folder: Path, found: Examination) -> set[str]:
    names: set[str] = set()
    for base in (folder, folder / layout.INPUTS):
        if base is not folder and os.path.islink(base):
            continue  # what is half-written elsewhere is not this session's to remove
        try:
            for item in os.scandir(base):
                if layout.is_temporary(item.name):
                    found.leftovers.append(Path(item.path))
                elif base is folder:
                    names.add(item.name)
        except (FileNotFoundError, NotADirectoryError):
            if base is folder:
                raise
    return names


def _read_metadata(found: Examination, names: set[str], *, appending: bool) -> set[str]:
    """Fill in what the metadata says; the file names that its entries have."""
    if METADATA not in names:
        found.damage, found.foreign, found.entries = "metadata.json was gone", True, []
        found.tail = _tail_of_repairs(found.folder)
        return set()
    fd = lines.open_file(found.folder / METADATA)
    try:
        said = contents.read(fd)
        found.head, found.tail, found.keeps_broken = said.head, said.tail, appending
        found.foreign, found.looks_ours, found.torn = not said.is_ours, said.looks_ours, said.torn
        if said.problem is not None:
            _take_problem(found, said, said.problem)
        if said.index is None:
            found.entries = list(said.texts(fd))
            return _take(found, said, iter(found.entries))
        return _take(found, said, said.texts(fd))
    finally:
        os.close(fd)


def _take_problem(found: Examination, said: Contents, problem: str) -> None:
    found.damage = problem
    if not said.has_tail:
        told = _tail_of_repairs(found.folder)
        told.interrupted |= said.tail.interrupted
        told.lost = list(dict.fromkeys([*told.lost, *said.tail.lost]))
        found.tail = told
    found.tail.open |= said.torn  # only a death in the middle of a write tears a file of ours
    if said.head is not None and not {"session_id", "created_at"} <= said.head.keys():
        found.head, found.added = None, said.head


def _take(found: Examination, said: Contents, texts: Iterator[bytes]) -> set[str]:
    have: set[str] = set()
    for position, text in enumerate(texts):
        try:
            entry = parse_entry(text)
        except DamagedMetadata as error:
            found.broken.append(f"the entry at position {position} (line {said.line(position)}) {error.detail}")
            named = file_named_in(text)
            if named is not None:
                (have if found.keeps_broken else found.named).add(named)
            shorter = None if found.keeps_broken else trimmed(text)
            if shorter is None:
                continue
            entry = parse_entry(shorter)
            found.trimmed.append({key: entry.get(key) for key in ("index", "filename", "epoch", "record_seq")})
        if entry["index"] < COUNTED_INDEX:
            found.next_index = max(found.next_index, entry["index"] + 1)
        found.count += 1
        have.add(entry["filename"])
        found.named.discard(entry["filename"])
        _know(found, entry)
    if found.broken and not found.keeps_broken:
        found.damage = found.damage or found.broken[0]
    return have


def _know(found: Examination, entry: Mapping[str, Any]) -> None:
    frame_id = entry.get("frame_id")
    if not isinstance(frame_id, str):
        # Somebody wrote the metadata anew and left it out; the image has it.
        frame_id = _told_by_image(found.folder, entry["filename"], "frame_id")
    if frame_id is not None:
        found.recorded.add(frame_id)
    sha256 = entry.get("sha256")
    found.recent.append(Known(entry["index"], entry["filename"], sha256 if isinstance(sha256, str) else None, frame_id))


def _told_by_image(folder: Path, name: str, key: str) -> str | None:
    """A text that a recorded image carries of its frame, or None."""
    value = pictures.fields_of(folder, name).get(key)
    return value if isinstance(value, str) else None


def _tail_of_repairs(folder: Path) -> Tail:
    """What the history of repairs says of a tail that is gone."""
    tail = Tail()
    try:
        history = read_plain(folder, REPAIRS, MAX_HISTORY_BYTES).splitlines()
    except FileNotFoundError:
        return tail
    except OSError as error:
        log.warning("session %s: %s cannot be read: %s", folder.name, REPAIRS, error.strerror)
        return tail
    known: set[str] = set()
    for line in history:
        try:
            record = loads(line)
        except orjson.JSONDecodeError:
            continue  # cut short when its writer died; the lines around it count
        if isinstance(record, dict):
            tail.interrupted |= record.get("interrupted") is True
            lost = record.get("lost")
            named = [item for item in lost if isinstance(item, str)] if isinstance(lost, list) else []
            tail.lost.extend(item for item in dict.fromkeys(named) if item not in known)
            known.update(named)
    return tail


def _rebuild(found: Examination, candidates: list[tuple[int, str]], taken: set[int]) -> None:
    """Make the entries of images that have none, from what each carries."""
    for index, name in candidates:
        try:
            data = read_plain(found.folder, name)
        except OSError as error:
            found.strays.append((name, f"it cannot be read: {error.strerror}"))
            continue
        fields = pictures.own_fields(data) if pictures.is_whole(data) else None
        reason = _why_not(found, index, fields, data)
        if fields is None and name in found.named and pictures.is_whole(data):
            # It carries no text, so its entry said no more than a bare one has to.
            fields, reason = {"target_sector": name.partition("_")[2].removesuffix(".png")}, None
        if reason or fields is None:
            found.strays.append((name, reason or "it carries no text of this program"))
            continue
        if found.head is None:
            found.head = {
                "session_id": fields.get("session_id", found.folder.name),
                "created_at": fields.get("session_created_at"),
                "format": 1,
            }
        if index in taken:
            found.strays.append((name, f"another frame has the index {index}"))
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        entry = entry_from_frame(fields, index, sha256, _input_file(found, fields.get("input_sha256")), name)
        taken.add(index)
        found.rebuilt.append(entry)
        found.count += 1
        _know(found, entry)


def _why_not(found: Examination, index: int, fields: Mapping[str, Any] | None, data: bytes) -> str | None:
    if fields is None:
        return "it carries no text of this program" if pictures.is_whole(data) else "it is not a whole PNG"
    if not all(isinstance(fields.get(key), str) for key in ("frame_id", "epoch", "session_id")):
        return "it was not made for a session"
    if fields["frame_id"] in found.recorded:
        return "it is a copy of a recorded frame"
    if found.head is not None and not _is_of(found, fields):
        return f"it is of session {fields['session_id']!r}"
    return None


def _is_of(found: Examination, fields: Mapping[str, Any]) -> bool:
    """Whether a frame was made for this session, whatever the session is called by now.

    Its name is another one after an import or in a renamed folder, and when it began is not. Where the names agree, a
    time that another program has written back with fewer digits is the same.
    """
    head = found.head or {}
    began, made = fields.get("session_created_at"), head.get("created_at")
    if fields["session_id"] not in (head.get("session_id"), head.get("renamed_from"), found.folder.name):
        if began is None or began != made:
            return False
        return found.count == len(found.rebuilt) or fields["session_id"] in _earlier_names(found)
    return not differ(began, made)


def _earlier_names(found: Examination) -> set[str]:
    """What the session was called when the frames were made that it is known to have. Read once, and seldom."""
    if found.names is None:
        told = (_told_by_image(found.folder, known.filename, "session_id") for known in found.recent)
        found.names = {name for name in told if name is not None}
    return found.names


def _input_file(found: Examination, sha256: object) -> str | None:
    """Where a rebuilt entry's input lies: under ``inputs/``, or an earlier frame."""
    if not isinstance(sha256, str):
        return None
    path = find_input(found.folder, sha256)
    if path is not None:
        return f"{layout.INPUTS}/{path.name}"
    for known in found.recent:
        if known.sha256 == sha256:
            return known.filename
    if found.files is None:
        found.files = _files_by_hash(found.entries or ())
    return found.files.get(sha256)


def _files_by_hash(texts: Iterable[bytes]) -> dict[str, str]:
    files: dict[str, str] = {}
    for text in texts:
        try:
            entry = parse_entry(text)
        except DamagedMetadata:
            continue
        if isinstance(entry.get("sha256"), str):
            files.setdefault(entry["sha256"], str(entry["filename"]))
    return files
