"""Entries made anew, for images that have none, from the text that each image carries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from shared.session.format import layout, pictures
from shared.session.format.entries import Entry, parse_entry
from shared.session.format.kinds import differ
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.plain import read_plain
from shared.session.reading.folder import find_input
from shared.session.writing.examination import Examination, carried


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
