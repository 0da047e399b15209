"""Where entries stand in a ``metadata.json`` of any layout. Their texts stay in the file: there may be a million."""

from __future__ import annotations

import codecs
import json
from array import array
from collections.abc import Iterator

from shared.session.format.jsontext import OR_NUL
from shared.session.text import lines

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
    """Tells where the places of a text stand in its file, in which it begins behind ``first_byte`` bytes of a mark.
    Asked for them in order, it passes over the text once."""

    def __init__(self, text: str, encoding: str, first_byte: int) -> None:
        self._text = text
        self._encoding = encoding
        self._byte, self._measured = first_byte, 0
        self._line, self._counted = 1, 0

    def byte(self, place: int) -> int:
        """How many bytes stand in the file before a character."""
        if place >= self._measured:
            self._byte += self._length(self._measured, place)
        else:
            self._byte -= self._length(place, self._measured)
        self._measured = place
        return self._byte

    def line(self, place: int) -> int:
        """On which line a character stands, from 1."""
        if place >= self._counted:
            self._line += self._text.count("\n", self._counted, place)
        else:
            self._line -= self._text.count("\n", place, self._counted)
        self._counted = place
        return self._line

    def _length(self, begin: int, end: int) -> int:
        return len(self._text[begin:end].encode(self._encoding, "surrogatepass"))


class Spans:
    """Places in one version of a file of less than 4 GB; ``line_of`` has the line on which each begins, from 1. What is
    read is UTF-8, whatever the file's encoding."""

    __slots__ = ("_encoding", "_lengths", "_starts", "line_of")

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._starts, self._lengths, self.line_of = array("I"), array("I"), array("I")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def held_bytes(self) -> int:
        """What the places take, in memory."""
        return sum(places.itemsize * len(places) for places in (self._starts, self._lengths, self.line_of))

    def append(self, start: int, stop: int, line: int) -> None:
        """One more, of so many bytes at this place, from the file's beginning."""
        self._starts.append(start)
        self._lengths.append(stop - start)
        self.line_of.append(line)

    def clear(self) -> None:
        """Forget all."""
        for places in (self._starts, self._lengths, self.line_of):
            del places[:]

    def text(self, fd: int, position: int) -> bytes:
        """The text at a position."""
        return self._utf8(lines.pread(fd, self._lengths[position], self._starts[position]))

    def texts(self, fd: int, first: int = 0) -> Iterator[bytes]:
        """The texts from a position on."""
        return map(self._utf8, lines.texts(fd, map(self._span, range(first, len(self)))))

    def _span(self, position: int) -> tuple[int, int]:
        start = self._starts[position]
        return start, start + self._lengths[position]

    def _utf8(self, data: bytes) -> bytes:
        if self._encoding == "utf-8":
            return data
        # Never an error: the file may have been written over since, and who parses the text says so.
        return data.decode(self._encoding, OR_NUL).encode("utf-8", "surrogatepass")
