"""Reading metadata while it may be being written: an entry is one line, so nothing reads 100 MB for one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from shared.errors import SessionNotFound
from shared.session.format.entries import Entry, on_one_line, parse_entry
from shared.session.format.jsontext import NotJson, parse, writable
from shared.session.format.kinds import KINDS, breaches, moment
from shared.session.format.layout import METADATA
from shared.session.format.metadata import DamagedMetadata, Tail, head_bytes, tail_bytes, with_advice
from shared.session.format.plain import has_frames
from shared.session.text import contents, lines
from shared.session.text.spans import Contents

_TRIES = 3
"""Readings of a file before it is called damaged: one that fell into an append is torn, the next one is not."""
_LARGE_BYTES = 1 << 20
"""Of a damaged file that is only read again where it has changed meanwhile."""
_PER_BYTE = 64
"""Of head and tail: a text of small objects takes so much in memory, as written and as it is used together."""


class MetadataReader:
    """The metadata of one session, as it was when it was opened or last refreshed. Close it, or use it as a context
    manager. With ``salvage``, one that is not understood is opened too, with what can be read of it.

    Attributes:
        session_id: the folder's name.
        head: the keys before the sequence.
        tail: what may change, behind it.
        problem: what is not understood, with its place; None where everything is.
        contents: what was read.
        proved: entries that are known to be strict JSON; see :mod:`shared.session.reading.snapshot`.
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
        self._beside_bytes = 0
        self._loads = 0
        self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; the reader is of no use afterwards."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def fileno(self) -> int:
        """Of the metadata file."""
        return self._fd

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self.contents.places)

    @property
    def held_bytes(self) -> int:
        """What the session takes in memory, at most: the places of its entries, and what stands beside them."""
        return self.contents.places.held_bytes + _PER_BYTE * self._beside_bytes

    @property
    def written_head(self) -> dict[str, Any]:
        """The head exactly as it was written, to be written again."""
        return self.contents.head or {}

    @property
    def created_at(self) -> float | None:
        """When it was begun, in Unix seconds; None where the head does not say."""
        return moment(self.head.get("created_at"))

    def entry(self, position: int) -> Entry:
        """The entry at a position, from 0. Its ``index`` is larger where the folder was once made anew. Raises
        IndexError (there is none) or DamagedMetadata (what stands there is no entry; the message says where)."""
        if not 0 <= position < self.count:
            raise IndexError(f"session {self.session_id} has {self.count} entries; there is none at {position}")
        return self._parsed(position, self._text(position))

    def breaches(self, position: int, entry: Entry) -> list[str]:
        """What breaks the format in an entry, of which ``entry`` is what can be used: there it is null."""
        if all(entry.fields.get(key, key) is not None for key in KINDS):
            return []
        try:
            return breaches(parse(self._text(position)))
        except NotJson:
            return breaches(None)

    def entries(self, first: int = 0) -> Iterator[Entry]:
        """The entries from a position on. Raises DamagedMetadata at the first that is none."""
        for position, text in enumerate(self.contents.places.texts(self._fd, first), first):
            yield self._parsed(position, text)

    def each(self, first: int = 0) -> Iterator[Entry | DamagedMetadata]:
        """The entries from a position on; in the place of one that is none, what is wrong with it."""
        for position, text in enumerate(self.contents.places.texts(self._fd, first), first):
            try:
                found: Entry | DamagedMetadata = self._parsed(position, text)
            except DamagedMetadata as error:
                found = error
            yield found

    def texts(self, first: int = 0) -> Iterator[bytes]:
        """The JSON of each entry from a position on, as it was written, on one line, its index first. Raises
        DamagedMetadata at the first that is no entry."""
        for position, text in enumerate(self.contents.places.texts(self._fd, first), first):
            self._parsed(position, text)
            yield text if self.contents.index is not None else on_one_line(text)

    def refresh(self) -> None:
        """Take in what was recorded, or changed by another hand, since. Raises SessionNotFound where its folder is
        gone, and DamagedMetadata where it cannot be understood any more."""
        try:
            now = os.stat(self.folder / METADATA)
        except (FileNotFoundError, NotADirectoryError):
            self._load()
            return
        index, seen = self.contents.index, self._seen
        self._seen = lines.identity(now)
        if seen[:2] != self._seen[:2] or self._fd < 0:
            self._load()
        elif index is None:
            if seen != self._seen:
                self._load()
        elif now.st_size < index.size or (now.st_size == index.size and seen != self._seen) or not self._is_as_read():
            self._load()
        else:
            for _ in range(_TRIES):
                try:
                    lines.extend(self._fd, index)
                except DamagedMetadata:
                    continue  # an append came between
                self.tail = self.contents.tail = index.tail
                self._last = self._last_text()
                return
            self._load()

    # -- the file -----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        self.close()
        self.proved = 0
        self._loads += 1
        try:
            found = self._open()
        except (FileNotFoundError, NotADirectoryError):
            self.close()
            if not has_frames(os.fspath(self.folder)):
                raise SessionNotFound(f"there is no session {self.session_id!r}") from None
            # Frames without their index are a session that needs repair, not an absent one.
            found, self._seen = Contents(problem="metadata.json is gone"), (0, 0, 0, 0)
        except BaseException:
            self.close()
            raise
        self.problem = None if found.problem is None else with_advice(self.session_id, found.problem)
        if self.problem is not None and not self._salvage:
            self.close()
            raise DamagedMetadata(self.problem)
        self.contents = found
        self.head = writable(self.contents.head or {})
        self.tail = self.contents.tail
        self._beside_bytes = len(head_bytes(self.written_head)) + len(tail_bytes(self.tail))
        self._last = self._last_text()

    def _open(self) -> Contents:
        """Read the file, and read it again where an append, or its author, came between."""
        for _ in range(_TRIES):
            self.close()
            try:
                self._fd = lines.open_file(self.folder / METADATA)
            except IsADirectoryError:
                raise FileNotFoundError(METADATA) from None
            status = os.fstat(self._fd)
            self._seen = lines.identity(status)
            found = contents.read(self._fd)
            if found.problem is None or (
                status.st_size > _LARGE_BYTES and lines.identity(os.fstat(self._fd)) == self._seen
            ):
                break
        return found

    def _text(self, position: int) -> bytes:
        return self.contents.places.text(self._fd, position)

    def _parsed(self, position: int, text: bytes) -> Entry:
        try:
            return parse_entry(text)
        except DamagedMetadata as error:
            place = f"the entry at position {position} of metadata.json (line {self.contents.places.line(position)})"
            raise DamagedMetadata(with_advice(self.session_id, f"{place} {error.detail}")) from None

    def _last_text(self) -> bytes:
        return self._text(self.count - 1) if self.contents.index is not None and self.count else b""

    def _is_as_read(self) -> bool:
        """Whether the last entry still stands where it stood: nobody wrote the file anew in its place."""
        return self._last_text() == self._last
