"""``metadata.json`` in any layout: someone has formatted it, or a script has written it. Entry by entry, to the first
place that is not understood."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.session.jsontext import NotJson, decode, one_line

_DECODER = json.JSONDecoder(parse_int=len)
"""Finds where a value ends; what an integer of thousands of digits is worth is not asked here."""
_SPACE = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.S)


@dataclass(slots=True)
class Foreign:
    """What a file says. Texts are as they were written."""

    members: dict[str, str] = field(default_factory=dict)
    """The text of each value at the top but the sequence."""
    entries: list[bytes] = field(default_factory=list)
    """The text of each element of the sequence that is whole."""
    lines: array[int] = field(default_factory=lambda: array("L"))
    """The line on which each of them begins, from 1."""
    has_sequence: bool = False
    problem: str | None = None
    """Why the rest is not understood."""
    at: int = 0
    """Where that is, in bytes."""
    line: int = 0
    """And on which line, from 1."""


def read(data: bytes) -> Foreign:
    """Read a whole file; :attr:`Foreign.problem` is None where all of it is understood."""
    found = Foreign()
    rest: NotJson | None = None
    try:
        text = decode(data)
    except NotJson as error:
        rest = error
        text = data[: error.at].decode("utf-8", "replace")
    walk = _Walk(text, found)
    try:
        walk.file()
        if rest is not None:
            raise NotJson(str(rest), len(text))
    except NotJson as error:
        at = error.at if error.at is not None else walk.at
        if rest is not None and at >= len(text):
            error = rest  # what stands there is no text at all
        found.problem = str(error)
        found.at = len(text[:at].encode("utf-8", "surrogatepass"))
        found.line = 1 + text.count("\n", 0, at)
    return found


def members(text: str) -> list[tuple[str, str]]:
    """The keys of an object and the texts of their values, both as they are written.

    Raises:
        NotJson: it is no object.
    """
    walk = _Walk(text, Foreign())
    return list(walk.members())


def with_index_first(text: str) -> str:
    """An entry's text on one line that begins with its index, as this program's own layout has it.

    Raises:
        NotJson: it is no object, or has no index.
    """
    compact = one_line(text)
    if compact.startswith('{"index":'):
        return compact
    held = members(compact)
    first = [f"{key}:{value}" for key, value in held if key == '"index"']
    if not first:
        raise NotJson("it has no index")
    return "{" + ",".join([*first, *(f"{key}:{value}" for key, value in held if key != '"index"')]) + "}"


class _Walk:
    """Goes through a text, value by value. ``at`` is where it is, in characters."""

    def __init__(self, text: str, found: Foreign) -> None:
        self._text = text
        self._found = found
        self.at = 0

    def file(self) -> None:
        for _ in self._into("{", "}"):
            key = self._key()
            if key == "sequence":
                self._sequence()
            else:
                value = self._value()
                self._peek()  # a number at the end of a file that is cut off may have gone on
                self._found.members[key] = value
        self._space()
        if self._text[self.at :].strip():
            raise NotJson("something stands behind its end", self.at)
        if not self._found.has_sequence:
            raise NotJson("it has no sequence of entries", self.at)

    def members(self) -> list[tuple[str, str]]:
        held = []
        for _ in self._into("{", "}"):
            begin = self.at
            self._key()
            key = self._text[begin : self.at].rstrip().removesuffix(":").rstrip()
            held.append((key, self._value()))
        return held

    def _sequence(self) -> None:
        self._found.has_sequence = False
        self._found.entries.clear()
        del self._found.lines[:]
        if self._peek() != "[":
            raise NotJson("its sequence is no array", self.at)
        line, counted = 1, 0
        for _ in self._into("[", "]"):
            line += self._text.count("\n", counted, self.at)
            counted = self.at
            text = self._value()
            self._found.entries.append(text.encode("utf-8", "surrogatepass"))
            self._found.lines.append(line)
        self._found.has_sequence = True

    def _into(self, opening: str, closing: str) -> Iterator[None]:
        """Once for each part between brackets, with ``at`` at its beginning."""
        if self._peek() != opening:
            raise NotJson(f"{opening} is expected", self.at)
        self.at += 1
        if self._peek() == closing:
            self.at += 1
            return
        while True:
            self._space()
            yield
            following = self._peek()
            self.at += 1
            if following == closing:
                return
            if following != ",":
                self.at -= 1
                raise NotJson(f"a comma or {closing} is expected", self.at)

    def _key(self) -> str:
        if self._peek() != '"':
            raise NotJson("a key is expected", self.at)
        key: str = json.loads(self._value())
        if self._peek() != ":":
            raise NotJson("a colon is expected", self.at)
        self.at += 1
        return key

    def _value(self) -> str:
        self._space()
        begin = self.at
        try:
            _, self.at = _DECODER.raw_decode(self._text, begin)
        except json.JSONDecodeError as error:
            raise NotJson(error.msg, error.pos) from None
        except RecursionError:
            self.at = self._past_brackets(begin)  # so that the rest is read; who reads this value says what is wrong
        return self._text[begin : self.at]

    def _past_brackets(self, begin: int) -> int:
        depth = 0
        for found in _BRACKET.finditer(self._text, begin):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
            if depth == 0:
                return found.end()
        raise NotJson("it is cut off", len(self._text))

    def _peek(self) -> str:
        self._space()
        if self.at >= len(self._text):
            raise NotJson("it is cut off", self.at)
        return self._text[self.at]

    def _space(self) -> None:
        found = _SPACE.match(self._text, self.at)
        assert found is not None
        self.at = found.end()
