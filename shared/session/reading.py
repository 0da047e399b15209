"""Reading sessions while they may be being recorded: an entry is one line, so nothing reads 100 MB for one frame."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from shared.errors import FrameCorrupt, FrameMissing, InvalidSessionId, SessionNotFound
from shared.session import ids, lines
from shared.session.layout import INPUT_EXTENSIONS, METADATA, input_name, parse_frame_name, session_folder
from shared.session.metadata import TAIL_START, DamagedMetadata, Tail, is_entry, parse_entry, parse_tail

_TRIES = 3
"""Readings of a file before it is called damaged: one that fell into an append is torn, the next one is not."""
_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 512
_TAIL_BYTES = 64 * 1024
_CREATED_AT = re.compile(rb'\n?\s*"created_at":\s*([0-9.eE+-]+)\s*[,}]')
_ID_TIME = re.compile(r"session_(\d{9,11})(?:_\d+)?\Z")

T = TypeVar("T")


class SessionReader:
    """One session, as it was when it was opened or last refreshed. Close it, or use it as a context manager.

    Attributes:
        session_id: the folder's name.
        head: the keys before the sequence.
        tail: what may change, behind it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session_id = folder.name
        self._fd = -1
        self._index: lines.Index | None = None
        self._parsed: list[dict[str, Any]] = []
        self._load()

    def __enter__(self) -> SessionReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; the reader is of no use afterwards."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self._index.starts) if self._index else len(self._parsed)

    def entry(self, position: int) -> dict[str, Any]:
        """The entry at a position, from 0. (Its ``index`` is larger where the folder was once made anew.)

        Raises:
            IndexError: there is none.
            DamagedMetadata: its line is not an entry.
        """
        if not 0 <= position < self.count:
            raise IndexError(f"session {self.session_id} has {self.count} entries; there is none at {position}")
        if self._index is None:
            return self._parsed[position]
        start, stop = self._index.span(position)
        return parse_entry(lines.pread(self._fd, stop - start, start))

    def entries(self, first: int = 0) -> Iterator[dict[str, Any]]:
        """The entries from a position on.

        Raises:
            DamagedMetadata: at a line that is not an entry.
        """
        if self._index is None:
            yield from self._parsed[first:]
        else:
            for compact in lines.entries(self._fd, self._index, first):
                yield parse_entry(compact)

    def position_of(self, index: int) -> int | None:
        """The position of the entry with an ``index``, or None."""
        low, high = 0, min(self.count - 1, index)
        if 0 <= index < self.count and self.entry(index)["index"] == index:
            return index
        while low <= high:
            middle = (low + high) // 2
            found = self.entry(middle)["index"]
            if found == index:
                return middle
            low, high = (middle + 1, high) if found < index else (low, middle - 1)
        return None

    def refresh(self) -> None:
        """Take in what was recorded since.

        Raises:
            SessionNotFound: its folder is gone.
            DamagedMetadata: it needs repair.
        """
        try:
            now = os.stat(self.folder / METADATA)
        except FileNotFoundError:
            raise _not_found(self.folder) from None
        held = os.fstat(self._fd)
        if self._index is None or (now.st_ino, now.st_dev) != (held.st_ino, held.st_dev) or now.st_size < held.st_size:
            self._load()
            return
        index = self._index
        _again(lambda: lines.extend(self._fd, index))
        self.tail = index.tail

    def frame_path(self, entry: dict[str, Any]) -> Path:
        """Where the image of an entry lies.

        Raises:
            FrameMissing: the entry names no file of this folder (metadata may come from anywhere).
        """
        name = entry["filename"]
        if parse_frame_name(name) is None:
            raise FrameMissing(f"entry {entry['index']} of session {self.session_id} names no frame: {name!r}")
        return self.folder / str(name)

    def frame_bytes(self, entry: dict[str, Any]) -> bytes:
        """The image of an entry, its hash compared with the recorded one (where the entry has one).

        Raises:
            FrameMissing: the file is gone or cannot be read.
            FrameCorrupt: it holds other bytes than were recorded.
        """
        path = self.frame_path(entry)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FrameMissing(f"{path.name} of session {self.session_id} cannot be read: {error.strerror}") from None
        if entry.get("sha256") and hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise FrameCorrupt(
                f"{path.name} of session {self.session_id} no longer holds the recorded bytes; "
                f"'parafovea check {self.session_id}' reads the whole session"
            )
        return data

    def input_path(self, entry: dict[str, Any]) -> Path | None:
        """Where the input image of an entry lies in this session, or None when the session does not hold it."""
        named = entry.get("input_file")
        sha256 = entry.get("input_sha256")
        if isinstance(named, str) and parse_frame_name(named):
            return self.folder / named
        if isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256):
            return find_input(self.folder, sha256)
        return None

    def _load(self) -> None:
        self.close()
        self._index, self._parsed = None, []
        try:
            self._fd = _again(self._open)
        except (FileNotFoundError, NotADirectoryError):
            raise _not_found(self.folder) from None

    def _open(self) -> int:
        fd = lines.open_file(self.folder / METADATA)
        try:
            try:
                self._index = lines.scan(fd)
                self.head, self.tail = self._index.head, self._index.tail
            except DamagedMetadata:
                self.head, self._parsed, self.tail = parse_whole(fd)
        except BaseException:
            os.close(fd)
            raise
        return fd


def open_session(root: Path, session_id: str) -> SessionReader:
    """Open a session for reading.

    Raises:
        SessionNotFound: there is none of this id, or the id could be none's.
        DamagedMetadata: its metadata needs repair.
    """
    try:
        ids.validate(session_id)
    except InvalidSessionId:
        raise SessionNotFound(f"there is no session {session_id!r}") from None
    return SessionReader(session_folder(root, session_id))


def find_input(folder: Path, sha256: str) -> Path | None:
    """The file under ``inputs/`` that holds the bytes of a hash, or None."""
    for extension in INPUT_EXTENSIONS:
        path = os.path.join(folder, *input_name(sha256, extension).split("/"))
        if os.path.isfile(path):
            return Path(path)
    return None


def parse_whole(fd: int) -> tuple[dict[str, Any], list[dict[str, Any]], Tail]:
    """Head, entries and tail of a file that is valid JSON in another layout: someone has formatted it.

    Raises:
        DamagedMetadata: not JSON, or without a sequence of entries.
    """
    size = os.fstat(fd).st_size
    try:
        value = orjson.loads(lines.pread(fd, size, 0))
    except orjson.JSONDecodeError as error:
        raise DamagedMetadata(f"metadata.json is not JSON: {error}") from None
    sequence = value.pop("sequence", None) if isinstance(value, dict) else None
    if not isinstance(sequence, list) or not all(is_entry(item) for item in sequence):
        raise DamagedMetadata("metadata.json has no sequence of entries")
    tail = Tail.from_json({key: value.pop(key) for key in ("open", "interrupted", "lost", "missing") if key in value})
    return value, sequence, tail


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The metadata of a session as it was at one moment, to be sent while recording goes on."""

    fd: int
    kept_bytes: int
    tail: bytes
    is_open: bool
    """Whether it said that it is being recorded."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.kept_bytes + len(self.tail)

    def chunks(self) -> Iterator[bytes]:
        """The bytes. The file is closed when the iterator ends or is closed."""
        try:
            at = 0
            while at < self.kept_bytes and (data := lines.pread(self.fd, min(_BLOCK_BYTES, self.kept_bytes - at), at)):
                at += len(data)
                yield data
            yield self.tail
        finally:
            os.close(self.fd)

    def close(self) -> None:
        """Let the file go, when :meth:`chunks` is not going to be called."""
        os.close(self.fd)


def snapshot(root: Path, session_id: str) -> Snapshot:
    """The whole of ``metadata.json`` without reading it: only the tail is copied, as nothing before it ever changes.

    Raises:
        SessionNotFound: there is none of this id.
        DamagedMetadata: its metadata needs repair.
    """
    try:
        ids.validate(session_id)
        return _again(lambda: _snapshot(session_folder(root, session_id) / METADATA))
    except (InvalidSessionId, FileNotFoundError, NotADirectoryError):
        raise SessionNotFound(f"there is no session {session_id!r}") from None


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """What a list says of a session."""

    session_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """What a list with details says of a session; ``frames`` is None where its metadata needs repair."""

    session_id: str
    created_at: float
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
        if name[0] != "." and (created_at := _created_at(f"{prefix}/{name}", name)) is not None:
            found.append(SessionSummary(name, created_at))
    found.sort(key=lambda summary: (summary.created_at, summary.session_id))
    return found


def details(root: Path, summary: SessionSummary) -> SessionDetails:
    """Count a session's frames and the bytes of all its files.

    Raises:
        SessionNotFound: it was removed meanwhile.
    """
    folder = session_folder(root, summary.session_id)
    total = 0
    try:
        for path in (folder, folder / "inputs"):
            if path is folder or path.is_dir():
                with os.scandir(path) as items:
                    total += sum(item.stat(follow_symlinks=False).st_size for item in items if item.is_file())
    except FileNotFoundError:
        raise _not_found(folder) from None
    try:
        with SessionReader(folder) as reader:
            frames: int | None = reader.count
    except (DamagedMetadata, SessionNotFound):
        frames = None
    return SessionDetails(summary.session_id, summary.created_at, frames, total)


def _snapshot(path: Path) -> Snapshot:
    fd = lines.open_file(path)
    try:
        size = os.fstat(fd).st_size
        window = _TAIL_BYTES
        while True:
            begin = max(0, size - window)
            text = lines.pread(fd, size - begin, begin)
            at = text.rfind(TAIL_START)
            if at >= 0:
                return Snapshot(fd, begin + at, text[at:], parse_tail(text[at:]).open)
            if begin == 0:
                return Snapshot(fd, 0, text, parse_whole(fd)[2].open)
            window *= 16
    except BaseException:
        os.close(fd)
        raise


def _created_at(folder: str, name: str) -> float | None:
    """When the session in a folder was made, or None when the folder holds no session."""
    try:
        fd = lines.open_file(f"{folder}/{METADATA}")
    except NotADirectoryError:
        return None
    except OSError:
        return _guess(folder, name) if _has_frames(folder) else None
    try:
        match = _CREATED_AT.search(os.read(fd, _HEAD_BYTES))
        if match:
            return float(match[1])
        try:
            created_at = parse_whole(fd)[0].get("created_at")
        except DamagedMetadata:
            created_at = None
        return float(created_at) if isinstance(created_at, (int, float)) else _guess(folder, name)
    except ValueError:
        return _guess(folder, name)
    finally:
        os.close(fd)


def _guess(folder: str, name: str) -> float:
    match = _ID_TIME.match(name)
    return float(match[1]) if match else os.stat(folder).st_mtime


def _has_frames(folder: str) -> bool:
    try:
        return any(parse_frame_name(name) for name in os.listdir(folder))
    except OSError:
        return False


def _again(read: Callable[[], T]) -> T:
    """Read, and read again at once where an append came between."""
    for _ in range(_TRIES - 1):
        try:
            return read()
        except DamagedMetadata:
            continue
    return read()


def _not_found(folder: Path) -> Exception:
    """A folder with frames but without its index is a session that needs repair, not an absent one."""
    if _has_frames(os.fspath(folder)):
        return DamagedMetadata("metadata.json is gone")
    return SessionNotFound(f"there is no session {folder.name!r}")
