"""The metadata of a session at one moment, as any parser reads it: the file's own bytes wherever they are strict JSON.

Python's ``NaN`` and lone surrogates are not: for those the answer says null, and U+FFFD. The file stays as it is.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from shared.session.format import metadata
from shared.session.format.jsontext import NotJson, decode, is_strict, parse_exact, strict
from shared.session.format.metadata import DamagedMetadata, with_advice
from shared.session.reading.reader import SessionReader
from shared.session.text import lines
from shared.session.text.spans import coding_of

_BLOCK_BYTES = 1 << 20
_IN_MEMORY_BYTES = 8 << 20
_IN_ONE_PIECE_BYTES = 16 << 20
_MARK_BYTES = 16


@dataclass(slots=True)
class Snapshot:
    """Bytes to be sent while recording goes on, ``size`` in all: of the file, then a tail; or of a translation."""

    size: int
    _fd: int = -1
    _begin: int = 0
    _kept_bytes: int = 0
    _tail: bytes = b""
    _translated: IO[bytes] | None = None

    def chunks(self) -> Iterator[bytes]:
        """The bytes. The file is closed when the iterator ends or is closed."""
        try:
            if self._translated is not None:
                while data := self._translated.read(_BLOCK_BYTES):
                    yield data
                return
            at, end = self._begin, self._begin + self._kept_bytes
            while at < end and (data := lines.pread(self._fd, min(_BLOCK_BYTES, end - at), at)):
                at += len(data)
                yield data
            if self._tail:
                yield self._tail
        finally:
            self.close()

    def close(self) -> None:
        """Let the file go, when :meth:`chunks` is not going to be called."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._translated is not None:
            self._translated.close()


def take(reader: SessionReader) -> Snapshot:
    """A snapshot of what a reader reads. Entries that were found to be strict JSON before are not looked at again.
    Raises DamagedMetadata, with the place, where it is no JSON of a session."""
    if reader.problem is not None:
        raise DamagedMetadata(reader.problem)
    fd = os.dup(reader.fileno())
    try:
        index = reader.contents.index
        if index is None:
            return _of_foreign(reader, fd)
        head = lines.pread(fd, index.starts[0] if index.starts else index.tail_at, 0)
        tail = lines.pread(fd, index.size - index.tail_at, index.tail_at)
        outer = is_strict(head.rstrip() + tail)
        if _prove(reader, index) and outer:
            return Snapshot(index.tail_at + len(tail), fd, 0, index.tail_at, tail)
        return _translated(_parts(reader, fd, head.rstrip(), tail), fd)
    except BaseException:
        os.close(fd)
        raise


def _of_foreign(reader: SessionReader, fd: int) -> Snapshot:
    size = os.fstat(fd).st_size
    encoding, mark = coding_of(lines.pread(fd, _MARK_BYTES, 0))
    if size > _IN_ONE_PIECE_BYTES:  # value by value: nothing else runs in the time in which a text is parsed
        contents = reader.contents
        if encoding == "utf-8" and contents.outer_strict and all(map(is_strict, contents.places.texts(fd))):
            return Snapshot(size - mark, fd, mark, size - mark)
        head, tail = metadata.head_bytes(reader.written_head), metadata.tail_bytes(contents.tail)
        return _translated(_parts(reader, fd, head, tail), fd)
    data = lines.pread(fd, size, 0)
    if is_strict(data[mark:]):
        return Snapshot(size - mark, fd, mark, size - mark)
    translated = _strict(data)
    if not is_strict(translated):  # an entry that is nested deeper than parsers go
        told = DamagedMetadata(with_advice(reader.session_id, "metadata.json holds what no parser reads"))
        raise next((found for found in reader.each() if isinstance(found, DamagedMetadata)), told)
    return _translated([translated], fd)


def _prove(reader: SessionReader, index: lines.Index) -> bool:
    """Whether every entry is strict JSON, as far as that is not known yet."""
    starts = index.starts
    while reader.proved < len(starts):
        begin = starts[reader.proved]
        last = max(reader.proved, bisect_right(starts, begin + _BLOCK_BYTES) - 2)
        if not is_strict(b"[" + lines.pread(reader.fileno(), index.span(last)[1] - begin, begin) + b"]"):
            return False
        reader.proved = last + 1
    return True


def _parts(reader: SessionReader, fd: int, head: bytes, tail: bytes) -> Iterator[bytes]:
    """Head, entries and tail, each translated where that is needed."""
    yield _strict(head)
    for position, text in enumerate(reader.contents.places.texts(fd)):
        sound = text if is_strict(text) else _strict_entry(reader, position, text)
        yield metadata.line_bytes(sound, first=position == 0)
    yield _strict(tail)


def _strict_entry(reader: SessionReader, position: int, text: bytes) -> bytes:
    try:
        parse_exact(text)
    except NotJson as error:
        line = reader.contents.places.line(position)
        place = f"the entry at position {position} of metadata.json (line {line}) cannot be understood"
        raise DamagedMetadata(with_advice(reader.session_id, f"{place}: {error}")) from None
    return _strict(text)


def _strict(data: bytes) -> bytes:
    return strict(decode(data)).encode()


def _translated(parts: Iterable[bytes], fd: int) -> Snapshot:
    spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115, the snapshot closes it
    spooled.writelines(parts)
    os.close(fd)
    size = spooled.tell()
    spooled.seek(0)
    return Snapshot(size, _translated=spooled)
