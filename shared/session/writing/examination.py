"""What is found in a session's folder before it is written to, and the entries made anew for images that have none."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.session.format import layout, pictures
from shared.session.format.entries import Entry, parse_entry
from shared.session.format.kinds import differ
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.format.numbers import FrameIds
from shared.session.format.plain import find_input, read_plain
from shared.session.writing.frames import RECENT, RecentFrame


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
    trimmed: list[Entry] = field(default_factory=list)
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
    recent: deque[RecentFrame] = field(default_factory=lambda: deque(maxlen=RECENT))
    leftovers: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    rebuilt: list[Entry] = field(default_factory=list)
    strays: list[tuple[str, str]] = field(default_factory=list)
    """Files named like frames that are none of this session's, each with the reason."""
    files: dict[str, str] | None = None
    """The files of ``entries`` by hash; None until that is needed."""
    names: set[str] | None = None
    """What the session was called when its frames were made; None until that is needed."""
    did: list[str] = field(default_factory=list)
    """A sentence for each thing that a repair did."""

    def know(self, entry: Entry) -> None:
        """A frame has this entry."""
        frame_id = entry.frame_id
        if frame_id is None:  # somebody wrote the metadata anew and left it out; the image has it
            frame_id = carried(self.folder, entry.filename, "frame_id")
        if frame_id is not None:
            self.recorded.add(frame_id)
        self.recent.append(RecentFrame(entry.index, entry.filename, entry.sha256, frame_id))


def carried(folder: Path, name: str, key: str) -> str | None:
    """A text that a recorded image carries of its frame, or None."""
    value = pictures.fields_of(folder, name).get(key)
    return value if isinstance(value, str) else None


def rebuild(found: Examination, candidates: list[tuple[int, str]], taken: set[int]) -> None:
    """Make the entries of images that have none, from what each carries."""
    for index, name in candidates:
        try:
            data = read_plain(found.folder, name)
        except OSError as error:
            found.strays.append((name, f"it cannot be read: {error.strerror}"))
            continue
        if not pictures.is_whole(data):
            found.strays.append((name, "it is not a whole PNG"))
            continue
        fields = pictures.own_fields(data)
        if fields is not None:
            reason = _why_not(found, fields)
        elif name in found.named:
            # It carries no text, so its entry said no more than a bare one has to.
            fields, reason = {"target_sector": name.partition("_")[2].removesuffix(".png")}, None
        else:
            fields, reason = {}, "it carries no text of this program"
        if reason is not None:
            found.strays.append((name, reason))
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
        entry = Entry.of(fields, index, sha256, _input_file(found, fields.get("input_sha256")), name)
        taken.add(index)
        found.rebuilt.append(entry)
        found.count += 1
        found.know(entry)


def _why_not(found: Examination, fields: Mapping[str, Any]) -> str | None:
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
        told = (carried(found.folder, known.filename, "session_id") for known in found.recent)
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
        if entry.sha256 is not None:
            files.setdefault(entry.sha256, entry.filename)
    return files
