"""Reading a session while it may be being recorded: an entry is one line, so nothing reads 100 MB for one frame."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from shared.errors import FrameCorrupt, FrameMissing, InvalidSessionId, SessionNotFound
from shared.session import contents, foreign, ids, lines
from shared.session.contents import Contents
from shared.session.entries import moment, parse_entry
from shared.session.jsontext import NotJson, parse, writable
from shared.session.layout import (
    INPUT_EXTENSIONS,
    MAX_INDEX,
    METADATA,
    input_name,
    parse_frame_name,
    session_folder,
)
from shared.session.metadata import DamagedMetadata, Tail

_TRIES = 3
"""Readings of a file before it is called damaged: one that fell into an append is torn, the next one is not."""
_LARGE_BYTES = 16 << 20
"""Of a damaged file that is only read again where it has changed meanwhile."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_NAMED = re.compile(rb'"filename"\s*:\s*\[?\s*"([0-9]{4,16}_[A-Z]{2}\.png)"')

T = TypeVar("T")


class SessionReader:
    """One session, as it was when it was opened or last refreshed. Close it, or use it as a context manager.

    Args:
        folder: of the session.
        salvage: open a session whose metadata is not understood too, with what can be read of it.

    Attributes:
        session_id: the folder's name.
        head: the keys before the sequence.
        tail: what may change, behind it.
        problem: with ``salvage``, what is not understood, with its place; None where everything is.
        contents: what was read.
        proved: entries that are known to be strict JSON; see :mod:`shared.session.snapshot`.
    """

    def __init__(self, folder: Path, *, salvage: bool = False) -> None:
        self.folder = folder
        self.session_id = folder.name
        self.head: dict[str, Any] = {}
        self.tail = Tail()
        self.problem: str | None = None
        self.contents = Contents()
        self.proved = 0
        self._salvage = salvage
        self._fd = -1
        self._seen = (0, 0, 0, 0)
        self._out_of_order: tuple[int, dict[int, int]] | None = None
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

    def fileno(self) -> int:
        """The descriptor of the metadata file."""
        return self._fd

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self.contents.count

    @property
    def written_head(self) -> dict[str, Any]:
        """The head exactly as it was written, to be written again."""
        return self.contents.head or {}

    @property
    def created_at(self) -> float | None:
        """When it was begun, in Unix seconds; None where the head does not say."""
        return moment(self.head.get("created_at"))

    def entry(self, position: int) -> dict[str, Any]:
        """The entry at a position, from 0, as :func:`shared.session.entries.seen` gives it.

        Its ``index`` is larger than its position where the folder was once made anew.

        Raises:
            IndexError: there is none.
            DamagedMetadata: what stands there is no entry; the message says where.
        """
        if not 0 <= position < self.count:
            raise IndexError(f"session {self.session_id} has {self.count} entries; there is none at {position}")
        found = self._parsed(position, self._text(position))
        if isinstance(found, DamagedMetadata):
            raise found
        return found

    def written(self, position: int) -> Any:
        """The value at a position as it was written, whatever it is; None where that is no JSON."""
        try:
            return parse(self._text(position))
        except NotJson:
            return None

    def entries(self, first: int = 0) -> Iterator[dict[str, Any]]:
        """The entries from a position on.

        Raises:
            DamagedMetadata: at the first that is none.
        """
        for found in self.each(first):
            if isinstance(found, DamagedMetadata):
                raise found
            yield found

    def each(self, first: int = 0) -> Iterator[dict[str, Any] | DamagedMetadata]:
        """The entries from a position on; in the place of one that is none, what is wrong with it."""
        for position, text in enumerate(self._texts(first), first):
            yield self._parsed(position, text)

    def texts(self, first: int = 0) -> Iterator[bytes]:
        """The JSON of each entry from a position on, as it was written, on one line, its index first.

        Raises:
            DamagedMetadata: at the first that is no entry.
        """
        for position, text in enumerate(self._texts(first), first):
            found = self._parsed(position, text)
            if isinstance(found, DamagedMetadata):
                raise found
            yield text if self.contents.is_ours else on_one_line(text)

    def index_at(self, position: int) -> int:
        """The index of the entry at a position; where that is no entry, one past the index before it.

        Raises:
            IndexError: there is none.
        """
        for at in range(position, -1, -1):
            try:
                return min(int(self.entry(at)["index"]) + position - at, MAX_INDEX)
            except DamagedMetadata:
                continue
        return position

    def position_of(self, index: int) -> int | None:
        """The position of the entry with an ``index``, or None."""
        if 0 <= index < self.count and self._index(index) == index:
            return index
        low, high = 0, min(self.count - 1, index)
        while low <= high:
            middle = (low + high) // 2
            found = self._index(middle)
            if found is None:
                break  # a place where there is no entry: nothing says on which side to look
            if found == index:
                return middle
            low, high = (middle + 1, high) if found < index else (low, middle - 1)
        return self._position_out_of_order(index)

    def refresh(self) -> None:
        """Take in what was recorded, or changed by another hand, since.

        Raises:
            SessionNotFound: its folder is gone.
            DamagedMetadata: it cannot be understood (any more).
        """
        try:
            now = os.stat(self.folder / METADATA)
        except (FileNotFoundError, NotADirectoryError):
            self._load()
            return
        index, seen = self.contents.index, self._seen
        self._seen = _signature(now)
        if seen[:2] != self._seen[:2] or self._fd < 0:
            self._load()
        elif index is None:
            if seen != self._seen:
                self._load()
        elif now.st_size < index.size or (now.st_size == index.size and seen != self._seen) or not self._is_as_read():
            self._load()
        else:
            try:
                _again(lambda: lines.extend(self._fd, index))
            except DamagedMetadata:
                self._load()
                return
            self.tail = self.contents.tail = index.tail
            self._last = self._last_text()

    def frame_path(self, entry: dict[str, Any]) -> Path:
        """Where the image of an entry lies.

        Raises:
            FrameMissing: the entry names no file of this folder (metadata may come from anywhere).
        """
        name = entry["filename"]
        if parse_frame_name(name) is None:
            raise FrameMissing(f"entry {entry['index']} of session {self.session_id} names no frame: {name!a}")
        return self.folder / str(name)

    def frame_bytes(self, entry: dict[str, Any]) -> bytes:
        """The image of an entry, its hash compared with the recorded one (where the entry has one).

        Raises:
            FrameMissing: the file is gone or cannot be read.
            FrameCorrupt: it holds other bytes than were recorded.
        """
        path = self.frame_path(entry)
        data = self.file_bytes(path.name)
        if entry.get("sha256") and hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise FrameCorrupt(
                f"{path.name} of session {self.session_id} no longer holds the recorded bytes; "
                f"'parafovea check {self.session_id}' reads the whole session"
            )
        return data

    def file_bytes(self, name: str) -> bytes:
        """The bytes of a file of the session.

        Raises:
            FrameMissing: it is gone or cannot be read.
        """
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise FrameMissing(f"{name} of session {self.session_id} cannot be read: {error.strerror}") from None

    def file_of(self, index: int) -> str | None:
        """The file of a frame by its index, where no entry tells it; None where there is none, or more than one."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return None
        found = [name for name in names if (parsed := parse_frame_name(name)) and parsed.index == index]
        return found[0] if len(found) == 1 else None

    def input_path(self, entry: dict[str, Any]) -> Path | None:
        """Where the input image of an entry lies in this session, or None when the session does not hold it."""
        named = entry.get("input_file")
        sha256 = entry.get("input_sha256")
        if isinstance(named, str) and parse_frame_name(named):
            return self.folder / named
        return find_input(self.folder, sha256) if isinstance(sha256, str) else None

    # -- the file -----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        self.close()
        self._out_of_order, self.proved = None, 0
        try:
            found = self._open()
        except (FileNotFoundError, NotADirectoryError):
            missing = _not_found(self.folder)
            if not self._salvage or not isinstance(missing, DamagedMetadata):
                raise missing from None
            found, self._seen = Contents(problem=missing.detail), (0, 0, 0, 0)
        if found.problem is not None and not self._salvage:
            self.close()
            raise DamagedMetadata(with_advice(self.session_id, found.problem))
        self.contents = found
        self.head = writable(self.contents.head or {})
        self.tail = self.contents.tail
        self.problem = self.contents.problem
        self._last = self._last_text()

    def _open(self) -> Contents:
        """Read the file, and read it again where an append, or its author, came between."""
        for _ in range(_TRIES):
            self.close()
            self._fd = lines.open_file(self.folder / METADATA)
            status = os.fstat(self._fd)
            if stat.S_ISDIR(status.st_mode):
                raise FileNotFoundError(METADATA)
            self._seen = _signature(status)
            found = contents.read(self._fd)
            if found.problem is None or (
                status.st_size > _LARGE_BYTES and _signature(os.fstat(self._fd)) == self._seen
            ):
                break
        return found

    def _text(self, position: int) -> bytes:
        index = self.contents.index
        if index is None:
            return self.contents.texts[position]
        start, stop = index.span(position)
        return lines.pread(self._fd, stop - start, start)

    def _texts(self, first: int) -> Iterator[bytes]:
        index = self.contents.index
        return iter(self.contents.texts[first:]) if index is None else lines.entries(self._fd, index, first)

    def _parsed(self, position: int, text: bytes) -> dict[str, Any] | DamagedMetadata:
        try:
            return parse_entry(text)
        except DamagedMetadata as error:
            place = f"the entry on line {self.contents.line(position)} of metadata.json, the {position + 1}. of all,"
            return DamagedMetadata(with_advice(self.session_id, f"{place} {error.detail}"))

    def _index(self, position: int) -> int | None:
        try:
            return int(self.entry(position)["index"])
        except DamagedMetadata:
            return None

    def _position_out_of_order(self, index: int) -> int | None:
        """Where entries are not in their order, or are none: look through them all, once."""
        known = self._out_of_order
        if known is None or known[0] != self.count:
            begin, found = known or (0, {})
            for position, entry in enumerate(self.each(begin), begin):
                if not isinstance(entry, DamagedMetadata):
                    found.setdefault(entry["index"], position)
            self._out_of_order = known = self.count, found
        return known[1].get(index)

    def _last_text(self) -> bytes:
        return self._text(self.count - 1) if self.contents.index is not None and self.count else b""

    def _is_as_read(self) -> bool:
        """Whether the last entry still stands where it stood: nobody wrote the file anew in its place."""
        return self._last_text() == self._last


def on_one_line(text: bytes) -> bytes:
    """An entry as this program lays it out, every value as it was written.

    Raises:
        DamagedMetadata: it is no entry.
    """
    try:
        return foreign.with_index_first(text.decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")
    except NotJson as error:
        raise DamagedMetadata(f"an entry of metadata.json cannot be understood: {error}") from None


def file_named_in(text: bytes) -> str | None:
    """The frame's file that the text of an entry names, where the text cannot be understood."""
    match = _NAMED.search(text)
    return match[1].decode() if match else None


def with_advice(session_id: str, problem: str) -> str:
    """What is wrong, and what can be done."""
    return (
        f"{problem}; 'parafovea check {session_id} --repair' mends what can be mended, and keeps the file as it is now "
        "beside it"
    )


def open_session(root: Path, session_id: str, *, salvage: bool = False) -> SessionReader:
    """Open a session for reading.

    Raises:
        SessionNotFound: there is none of this id, or the id could be none's.
        DamagedMetadata: its metadata cannot be understood; with ``salvage``, what can be is read.
    """
    try:
        ids.validate(session_id)
    except InvalidSessionId:
        raise SessionNotFound(f"there is no session {session_id!a}") from None
    return SessionReader(session_folder(root, session_id), salvage=salvage)


def find_input(folder: Path, sha256: str) -> Path | None:
    """The file under ``inputs/`` that holds the bytes of a hash, or None."""
    if not _SHA256.match(sha256):
        return None
    for extension in INPUT_EXTENSIONS:
        path = os.path.join(folder, *input_name(sha256, extension).split("/"))
        if os.path.isfile(path):
            return Path(path)
    return None


def has_frames(folder: str) -> bool:
    """Whether a folder holds files that are named as frames."""
    try:
        return any(parse_frame_name(name) for name in os.listdir(folder))
    except OSError:
        return False


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _again(read: Callable[[], T]) -> T:
    """Read, and read again at once where an append came between."""
    for _ in range(_TRIES - 1):
        try:
            return read()
        except DamagedMetadata:
            continue
    return read()


def _not_found(folder: Path) -> SessionNotFound | DamagedMetadata:
    """A folder with frames but without its index is a session that needs repair, not an absent one."""
    if has_frames(os.fspath(folder)):
        return DamagedMetadata(with_advice(folder.name, "metadata.json is gone"))
    return SessionNotFound(f"there is no session {folder.name!r}")
