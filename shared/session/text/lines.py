"""Where each entry stands in ``metadata.json``, found by its line breaks: no JSON is parsed but head and tail."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.session.format import metadata
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.format.plain import open_plain

MAX_ENTRIES = 10_000_000
"""Of a session: ten frames a second, for eleven days and nights."""
MAX_LINE_BYTES = 64 << 20
"""Of what stands between two line breaks, before a file counts as another's, or as of nothing but holes."""
MAX_TAIL_BYTES = 16 << 20

_BLOCK_BYTES = 1 << 20
_LONGEST_MARK = len(metadata.LINE_START) + 2
_INDENT = 4


@dataclass(slots=True)
class Index:
    """Places in one version of a file that is laid out as ours, in bytes from its beginning."""

    head: dict[str, Any]
    starts: array[int] = field(default_factory=lambda: array("Q"))
    """Where each entry's ``{`` stands."""
    tail_at: int = 0
    """Where the tail begins: one past the last entry's ``}``."""
    size: int = 0
    tail: Tail = field(default_factory=Tail)
    first_line: int = 1
    """On which the first entry stands, from 1."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def held_bytes(self) -> int:
        """What the places take, in memory."""
        return self.starts.itemsize * len(self.starts)

    def line(self, position: int) -> int:
        """The line on which an entry begins, from 1."""
        return self.first_line + position

    def text(self, fd: int, position: int) -> bytes:
        """The JSON of the entry at a position, as it is written; ``fd`` is the file's."""
        start, stop = self.span(position)
        return pread(fd, stop - start, start)

    def texts(self, fd: int, first: int = 0) -> Iterator[bytes]:
        """The same of each entry from a position on."""
        return texts(fd, map(self.span, range(first, len(self.starts))))

    def span(self, position: int) -> tuple[int, int]:
        """Where the entry at a position begins and ends."""
        start = self.starts[position]
        if position + 1 < len(self.starts):
            return start, self.starts[position + 1] - _INDENT - 2
        return start, self.tail_at


def open_file(path: str | os.PathLike[str]) -> int:
    """A descriptor to read the metadata of a session from: see :func:`shared.session.format.plain.open_plain`."""
    folder, name = os.path.split(path)
    return open_plain(folder, name)


def pread(fd: int, length: int, offset: int) -> bytes:
    """``length`` bytes at ``offset``, fewer only at the file's end."""
    data = b""
    while len(data) < length and (more := _read_at(fd, length - len(data), offset + len(data))):
        data += more
    return data


def _read_at(fd: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, length, offset)
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, length)


def scan(fd: int) -> Index:
    """Index a file from its beginning. Raises DamagedMetadata where it is not laid out as
    :mod:`shared.session.format.metadata` writes it: torn, or by another hand."""
    block = pread(fd, _BLOCK_BYTES, 0)
    index = Index(metadata.parse_head(block))
    at = block.find(metadata.SEQUENCE_START) + len(metadata.SEQUENCE_START)
    index.tail_at, index.first_line = at, 2 + block.count(b"\n", 0, at)
    _continue(fd, index, at, previous=ord("["))
    return index


def extend(fd: int, index: Index) -> None:
    """Bring an index up to date with a file that was appended to since. Where that is torn (DamagedMetadata), the index
    is as it was."""
    newer = Index(index.head, array("Q"), index.tail_at)
    _continue(fd, newer, index.tail_at, previous=ord("[") if not index.starts else None)
    index.starts.extend(newer.starts)
    index.tail_at, index.size, index.tail = newer.tail_at, newer.size, newer.tail


def texts(fd: int, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """What stands in each span, of a beginning and an end, in their order; read in large blocks."""
    held, begin = b"", 0
    for start, stop in spans:
        if stop > begin + len(held):
            held, begin = pread(fd, max(stop - start, _BLOCK_BYTES), start), start
        yield held[start - begin : stop - begin]


def _continue(fd: int, index: Index, at: int, previous: int | None) -> None:
    """Walk the line breaks from ``at``, where the first one stands, behind ``previous`` (None: behind a comma, which
    stands there; or the tail's, at once)."""
    starts, marks = index.starts, (metadata.LINE_START, len(metadata.LINE_START))
    base, block, ended = at, b"", False
    place, line_at = 0, at
    while True:
        found = block.find(b"\n", place)
        if found < 0 or (found + _LONGEST_MARK > len(block) and not ended):
            if base + len(block) - line_at > MAX_LINE_BYTES:
                raise DamagedMetadata(f"a line of metadata.json is longer than {MAX_LINE_BYTES} bytes", base)
            keep = max((found if found >= 0 else len(block)) - 1, 0)
            more = pread(fd, _BLOCK_BYTES, base + len(block))
            ended = len(more) < _BLOCK_BYTES
            if found < 0 and not more:
                raise DamagedMetadata("metadata.json is cut off within its sequence", base + len(block))
            place = (found if found >= 0 else len(block)) - keep
            base += keep
            block = block[keep:] + more
            continue
        is_entry = block.startswith(marks[0], found + 1)
        if not starts and base + found != at + (1 if is_entry and previous is None else 0):
            raise DamagedMetadata("something stands before the entries of metadata.json", at)
        if is_entry:
            before = block[found - 1] if found else previous
            if before not in (ord(","), ord("[")):
                raise DamagedMetadata("a comma is missing in metadata.json", base + found)
            starts.append(base + found + 1 + _INDENT)
            if len(starts) > MAX_ENTRIES:
                raise DamagedMetadata(f"metadata.json has more than {MAX_ENTRIES} entries", base + found)
            place, line_at = found + marks[1], base + found
        elif block.startswith(metadata.TAIL_START, found):
            break
        else:
            raise DamagedMetadata("metadata.json has no entry on a line of its own", base + found + 1)
    index.tail_at = base + found
    tail = bytearray(block[found:])
    while len(tail) <= MAX_TAIL_BYTES and (more := pread(fd, _BLOCK_BYTES, base + found + len(tail))):
        tail += more
    if len(tail) > MAX_TAIL_BYTES:
        raise DamagedMetadata(f"more than {MAX_TAIL_BYTES} bytes stand behind the entries", index.tail_at)
    index.size = index.tail_at + len(tail)
    try:
        index.tail = metadata.parse_tail(bytes(tail))
    except DamagedMetadata as error:
        raise DamagedMetadata(error.detail, index.tail_at) from None


def identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """What tells a file from one that took its place: a copy written over it keeps the inode, and perhaps the length;
    a new one may get the number that the old one had."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
