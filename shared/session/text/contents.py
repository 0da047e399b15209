"""What a ``metadata.json`` says, whatever hand wrote it: all of it, or as much as can be understood, and where it ends.

Nothing here writes. A file that this program does not understand is not lost: somebody wrote it, and may yet mend it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.session.format.jsontext import NotJson, parse_exact
from shared.session.format.layout import METADATA, TAIL_KEYS
from shared.session.format.metadata import DamagedMetadata, Tail, opened_as
from shared.session.text import foreign, lines, salvaging
from shared.session.text.spans import Spans

MAX_FOREIGN_BYTES = 256 << 20
"""Of a file that is not laid out as ours, and has to be read in one piece: a session of 111,000 frames has 150 MB."""

_TAIL_BYTES = 64 * 1024
_SCALARS = ("session_id", "created_at", "format")


@dataclass(slots=True)
class Contents:
    """Head, entries and tail of one version of a file.

    Attributes:
        head, tail: exactly as written; see :func:`shared.session.format.jsontext.parse_exact`.
        index: where the entries stand, in a file that is laid out as ours.
        first_line: the line of the first entry, from 1, where each has one of its own.
        spans: in any other file, where each entry stands.
        looks_ours: laid out as ours, at least in its beginning.
        problem: what is not understood, with its place; None where everything is. (An entry may be no entry.)
        torn: it was cut off in the midst of an append of ours: its recorder died.
        has_tail: whether the tail stands in the file and is whole.
    """

    head: dict[str, Any] | None = None
    tail: Tail = field(default_factory=Tail)
    index: lines.Index | None = None
    first_line: int = 1
    spans: Spans = field(default_factory=Spans)
    looks_ours: bool = False
    problem: str | None = None
    torn: bool = False
    has_tail: bool = True
    outer_strict: bool = False
    """Of another hand's file: whether strict parsers read all of it that is not within the entries."""

    @property
    def is_ours(self) -> bool:
        """Whether an entry can be appended to the file as it is."""
        return self.index is not None

    @property
    def count(self) -> int:
        """How many entries there are, understood or not."""
        return len(self.spans) if self.index is None else len(self.index.starts)

    @property
    def held_bytes(self) -> int:
        """What the places of the entries take, in memory."""
        return self.spans.held_bytes if self.index is None else self.index.starts.itemsize * len(self.index.starts)

    def line(self, position: int) -> int:
        """The line on which an entry begins, from 1."""
        return self.first_line + position if self.index is not None else self.spans.line_of[position]

    def text(self, fd: int, position: int) -> bytes:
        """The JSON of the entry at a position, as it is written; ``fd`` is the file's."""
        if self.index is None:
            return self.spans.text(fd, position)
        start, stop = self.index.span(position)
        return lines.pread(fd, stop - start, start)

    def texts(self, fd: int, first: int = 0) -> Iterator[bytes]:
        """The same of each entry from a position on."""
        return self.spans.texts(fd, first) if self.index is None else lines.entries(fd, self.index, first)


def read(fd: int) -> Contents:
    """Read an open file."""
    try:
        index = lines.scan(fd)
    except DamagedMetadata as error:
        return _read_foreign(fd, error)
    begin = lines.pread(fd, index.starts[0] if index.starts else index.tail_at, 0)
    line = 1 + begin.count(b"\n")
    return Contents(index.head, index.tail, index, line, looks_ours=True)


def left_open(folder: Path) -> bool:
    """Whether the recorder of a session died: it says that it is being recorded in this folder, or was cut off in an
    append; and it is laid out as ours. Reads the end of the file, where that says that it is closed."""
    fd = lines.open_file(folder / METADATA)
    try:
        if not salvaging.begins_as_ours(fd):
            return False
        tail = salvaging.last_tail(fd, _TAIL_BYTES)
        if tail is not None and not tail.open:
            return False
        found = read(fd)
    finally:
        os.close(fd)
    return found.looks_ours and (found.torn or (found.tail.open and opened_as(found.head, found.tail, folder.name)))


def _read_foreign(fd: int, ours: DamagedMetadata) -> Contents:
    size = os.fstat(fd).st_size
    looks_ours = salvaging.begins_as_ours(fd)
    if size > (salvaging.MAX_TORN_BYTES if looks_ours else MAX_FOREIGN_BYTES):
        return Contents(problem=f"metadata.json has {size} bytes, and is not laid out so that it can be read in parts")
    if size > MAX_FOREIGN_BYTES:
        return _salvaged(fd, ours)
    data = lines.pread(fd, size, 0)
    found = foreign.read(data)
    contents = Contents(spans=found.entries)
    members: dict[str, Any] = {}
    problem = found.problem
    for key, text in found.members.items():
        try:
            members[key] = parse_exact(text)
        except NotJson as error:
            problem = problem or f"{key} (line {found.member_lines[key]}): {error}"
    contents.tail = Tail.from_json({key: members.pop(key) for key in TAIL_KEYS if key in members})
    contents.head = {key: _unboxed(value) if key in _SCALARS else value for key, value in members.items()}
    contents.outer_strict = found.is_strict
    if problem is None:
        return contents
    if looks_ours:
        return _salvaged(fd, ours)
    contents.has_tail = found.has_end
    where = f" at line {found.line} (byte {found.at})" if found.line else ""
    contents.problem = f"metadata.json cannot be understood{where}: {problem}"
    return contents


def _salvaged(fd: int, ours: DamagedMetadata) -> Contents:
    found = salvaging.salvage(fd)
    place = ours.at if ours.at is not None else found.whole_to
    return Contents(
        found.head,
        found.tail if found.tail is not None else Tail(),
        spans=found.spans,
        looks_ours=True,
        problem=f"{ours.detail}, at line {salvaging.line_at(fd, place)} (byte {place})",
        torn=found.torn,
        has_tail=found.tail is not None,
    )


def _unboxed(value: Any) -> Any:
    if not isinstance(value, list) or len(value) > 1:
        return value
    inner = value[0] if value else None
    return value if isinstance(inner, (list, dict)) else inner
