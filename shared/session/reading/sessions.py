"""Sessions as they are read: one by one, as their metadata at one moment, as a list. Nothing here writes into them."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from shared.errors import InvalidSessionId, SessionNotFound
from shared.session.format import ids
from shared.session.format.kinds import moment
from shared.session.format.layout import METADATA, is_litter
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.plain import has_frames
from shared.session.reading.reader import SessionReader
from shared.session.text import lines
from shared.session.text.contents import read

_HEAD_BYTES = 512
_LISTED_BYTES = 1 << 20
"""Of a file that does not say at once what it is; of a longer one, its ends are looked at, not all of it."""
_END_BYTES = 64 * 1024
_CREATED_AT = re.compile(rb'\n?\s*"created_at":\s*\[?\s*([0-9.eE+-]+)\s*[,}\]]')  # R puts it into an array
_OURS = (b'"session_id"', b'"sequence"')
_ID_TIME = re.compile(r"session_(\d{9,11})(?:_\d+)?\Z")


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What a list says of a session."""

    session_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class SessionDetails(SessionSummary):
    """What a list with details says of a session; ``frames`` is None where its metadata cannot be understood."""

    frames: int | None
    bytes: int


def list_sessions(root: Path) -> list[SessionSummary]:
    """All sessions under ``root``, oldest first; reads 512 bytes of each. A folder that needs repair is listed too."""
    found: list[SessionSummary] = []
    try:
        names = os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return []
    prefix = os.fspath(root)
    for name in names:
        if not is_litter([name]) and (created_at := _created_at(f"{prefix}/{name}", name)) is not None:
            found.append(SessionSummary(name, created_at))
    found.sort(key=lambda summary: (summary.created_at, summary.session_id))
    return found


def is_session(root: Path, session_id: str) -> bool:
    """Whether a folder under ``root`` holds a session: one that is listed, and may be read, resumed and removed."""
    try:
        ids.validate(session_id)
    except InvalidSessionId:
        return False
    return holds_session(root / session_id)


def holds_session(folder: Path) -> bool:
    """Whether a folder is one of a session: it has metadata that is a session's, or frames."""
    return _created_at(os.fspath(folder), folder.name) is not None


def details(root: Path, summary: SessionSummary) -> SessionDetails:
    """Count a session's frames and the bytes of all its files, as they are while it may be being recorded. Raises
    SessionNotFound where it was removed meanwhile."""
    folder = root / summary.session_id
    total = 0
    for path in (folder, folder / "inputs", folder / "gaze"):
        try:
            with os.scandir(path) as items:
                total += sum(_size(item) for item in items)
        except OSError as error:
            if path is folder and not folder.is_dir():
                raise SessionNotFound(f"there is no session {summary.session_id!r}") from error
    try:
        with SessionReader(folder) as reader:
            frames: int | None = reader.count
    except (DamagedMetadata, SessionNotFound, OSError):
        frames = None
    return SessionDetails(summary.session_id, summary.created_at, frames, total)


def _size(item: os.DirEntry[str]) -> int:
    """Bytes of a file; 0 for anything else, and for one that was renamed or removed since it was listed."""
    try:
        return item.stat(follow_symlinks=False).st_size if item.is_file() else 0
    except OSError:
        return 0


def _created_at(folder: str, name: str) -> float | None:
    """When the session in a folder was made, or None when the folder holds no session."""
    try:
        fd = lines.open_file(f"{folder}/{METADATA}")
    except NotADirectoryError:
        return None
    except OSError:
        return _guess(folder, name) if has_frames(folder) else None
    try:
        head = os.read(fd, _HEAD_BYTES)
        if not any(key in head for key in _OURS) and not _is_of_session(folder, fd, head):
            return None
        match = _CREATED_AT.search(head)
        said = moment(float(match[1])) if match else _written_time(fd)
        return _guess(folder, name) if said is None else said
    except (ValueError, OSError):
        return _guess(folder, name)
    finally:
        os.close(fd)


def _is_of_session(folder: str, fd: int, head: bytes) -> bool:
    """Whether a ``metadata.json`` that does not begin as ours is a session's: many programs call a file of theirs so.
    One that is blank is what a power cut leaves of ours."""
    if not head.strip(b"\0 \t\r\n") or has_frames(folder):
        return True
    if os.fstat(fd).st_size > _LISTED_BYTES:
        return any(key in _ends(fd) for key in _OURS)
    return read(fd).problem is None


def _written_time(fd: int) -> float | None:
    """When the session was made, as far as its metadata says."""
    if os.fstat(fd).st_size > _LISTED_BYTES:
        match = _CREATED_AT.search(_ends(fd))
        return moment(float(match[1])) if match else None
    return moment((read(fd).head or {}).get("created_at"))


def _ends(fd: int) -> bytes:
    """The beginning and the end of a file, in UTF-8."""
    begin, size = lines.pread(fd, _END_BYTES, 0), os.fstat(fd).st_size
    end = lines.pread(fd, _END_BYTES, max(0, size - _END_BYTES) // 4 * 4)
    encoding = json.detect_encoding(begin)
    end_encoding = f"{encoding}-le" if encoding in ("utf-16", "utf-32") else encoding  # a mark stands only in front
    text = begin.decode(encoding, "replace") + "\n" + end.decode(end_encoding, "replace")
    return text.encode("utf-8", "replace")


def _guess(folder: str, name: str) -> float | None:
    """From its name, or from its folder; None where that has gone since it was listed."""
    match = _ID_TIME.match(name)
    try:
        return float(match[1]) if match else os.stat(folder).st_mtime
    except OSError:
        return None
