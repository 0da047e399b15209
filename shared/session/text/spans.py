"""What was found in a ``metadata.json`` of any layout. Entries stay in the file: there may be a million."""

from __future__ import annotations

import codecs
import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.session.format.jsontext import OR_NUL
from shared.session.format.metadata import Tail
from shared.session.text import lines
from shared.session.text.lines import Index

_MARKS = (  # one of four bytes may begin as one of two does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)


def coding_of(data: bytes) -> tuple[str, int]:
    """The encoding of a JSON file that begins so, and how many bytes a byte order mark has there."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, len(mark)
    return json.detect_encoding(data), 0


class Ruler:
    """Adds up what lies between two places of a text, from ``first`` at its beginning. Asked for places in order, it
    passes over the text once."""

    def __init__(self, between: Callable[[int, int], int], first: int) -> None:
        self._between = between
        self._sum, self._at = first, 0

    def at(self, place: int) -> int:
        """The sum at a place."""
        if place >= self._at:
            self._sum += self._between(self._at, place)
        else:
            self._sum -= self._between(place, self._at)
        self._at = place
        return self._sum


class Spans:
    """Places in one version of a file of less than 4 GB, as :class:`shared.session.text.lines.Index` has them. What is
    read is UTF-8, whatever the file's encoding."""

    __slots__ = ("_encoding", "_lengths", "_lines", "_starts")

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._starts, self._lengths, self._lines = array("I"), array("I"), array("I")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def held_bytes(self) -> int:
        return sum(places.itemsize * len(places) for places in (self._starts, self._lengths, self._lines))

    def append(self, start: int, stop: int, line: int) -> None:
        """One more, of these bytes of the file, that begins on this line, from 1."""
        self._starts.append(start)
        self._lengths.append(stop - start)
        self._lines.append(line)

    def clear(self) -> None:
        """Forget all."""
        for places in (self._starts, self._lengths, self._lines):
            del places[:]

    def line(self, position: int) -> int:
        return self._lines[position]

    def text(self, fd: int, position: int) -> bytes:
        return self._utf8(lines.pread(fd, self._lengths[position], self._starts[position]))

    def texts(self, fd: int, first: int = 0) -> Iterator[bytes]:
        spans = (
            (start, start + length) for start, length in zip(self._starts[first:], self._lengths[first:], strict=True)
        )
        return map(self._utf8, lines.texts(fd, spans))

    def _utf8(self, data: bytes) -> bytes:
        if self._encoding == "utf-8":
            return data
        # Never an error: the file may have been written over since, and who parses the text says so.
        return data.decode(self._encoding, OR_NUL).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class Contents:
    """Head, entries and tail of one version of a file, as far as they can be understood.

    Attributes:
        head, tail: exactly as written; see :func:`shared.session.format.jsontext.parse_exact`.
        places: where the entries stand, whether they are understood or not.
        looks_ours: laid out as ours, at least in its beginning.
        problem: what is not understood, with its place; None where everything is. (An entry may be no entry.)
        torn: it was cut off in the midst of an append of ours: its recorder died. Then everything is whole up to its
            last line, or zeros.
        has_tail: whether the tail stands in the file and is whole.
        outer_strict: of another hand's file: whether strict parsers read all of it that is not within the entries.
    """

    head: dict[str, Any] | None = None
    tail: Tail = field(default_factory=Tail)
    places: Index | Spans = field(default_factory=Spans)
    looks_ours: bool = False
    problem: str | None = None
    torn: bool = False
    has_tail: bool = True
    outer_strict: bool = False

    @property
    def index(self) -> Index | None:
        """The places in a file that is laid out as ours: an entry can be appended to it as it is."""
        return self.places if isinstance(self.places, Index) else None
