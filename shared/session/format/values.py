"""Going through a JSON text value by value: where each ends, or what is wrong with it."""

from __future__ import annotations

import json
import re

from shared.session.format.jsontext import NotJson


class TooMuch(NotJson):
    """The text may be sound, and is more than is read in one piece: what is behind it is not looked at."""


_DECODER = json.JSONDecoder(parse_int=len)
"""Finds where a value ends; what an integer of thousands of digits is worth is not asked here."""
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.S)
_PART_CHARS = 4096
MAX_VALUE_CHARS = 16 << 20
MAX_MEMBERS = 10_000
"""Of an object at the top, or of an entry."""
MAX_PARTS = 1_000_000
"""Of commas and brackets in a value: each may be an object of its own in memory, and all are read in one go."""
_COUNTED_CHARS = 1 << 20
_LONGEST_WORD = 16
"""No literal or escape is longer: an error this near the end of a part may be the part's."""
_SPACE = re.compile(r"[ \t\r\n]{0,100000}")
"""The bound is there since nothing else runs in the time of a match."""


class Walk:
    """Goes through a text, value by value; ``at`` is where it is, in characters. What is not as expected raises
    :class:`NotJson`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def begins(self, opening: str, closing: str) -> bool:
        """Whether anything is in the brackets that stand here; ``at`` is then at the beginning of it."""
        if self.peek() != opening:
            raise NotJson(f"{opening} is expected", self.at)
        self.at += 1
        if self.peek() != closing:
            return True
        self.at += 1
        return False

    def goes_on(self, closing: str) -> bool:
        """Whether a comma follows, and something behind it; ``at`` is then at its beginning."""
        following = self.peek()
        if following not in (closing, ","):
            raise NotJson(f"a comma or {closing} is expected", self.at)
        self.at += 1
        if following == ",":
            self.space()
        return following == ","

    def key(self) -> str:
        """The key that stands here, as it is written; ``at`` is then behind the colon."""
        if self.peek() != '"':
            raise NotJson("a key is expected", self.at)
        text = self.value()
        if self.peek() != ":":
            raise NotJson("a colon is expected", self.at)
        self.at += 1
        return text

    def value(self) -> str:
        """The value that stands here, as it is written."""
        self.space()
        begin = self.at
        self.at = value_at(self.text, begin)
        return self.text[begin : self.at]

    def peek(self) -> str:
        """The next character that is no white space."""
        self.space()
        if self.at >= len(self.text):
            raise NotJson("it is cut off", self.at)
        return self.text[self.at]

    def space(self) -> None:
        """Pass over white space."""
        at = -1
        while at != self.at:
            found = _SPACE.match(self.text, self.at)
            assert found is not None
            at, self.at = self.at, found.end()


def members(text: str) -> list[tuple[str, str]]:
    """The keys of an object and the texts of their values, both as they are written. Raises NotJson where it is no
    object."""
    walk = Walk(text)
    held = []
    going = walk.begins("{", "}")
    while going:
        begin = walk.at
        held.append((walk.key(), walk.value()))
        if len(held) > MAX_MEMBERS:
            raise TooMuch(f"it has more than {MAX_MEMBERS} keys", begin)
        going = walk.goes_on("}")
    return held


def value_at(text: str, begin: int) -> int:
    """One past the end of the value that begins at a place. Raises NotJson (there is none; ``at`` says where) or
    TooMuch (it is longer than :data:`MAX_VALUE_CHARS`, or has more parts than :data:`MAX_PARTS`)."""
    # In parts: the decoder tells the place of an error by counting all line breaks before it, and a value without end
    # must not be read to the end of a large file.
    size = _PART_CHARS
    while True:
        part = text[begin : begin + size]
        is_all = begin + len(part) == len(text)
        check_parts(part, begin)
        try:
            _, end = _DECODER.raw_decode(part, 0)
        except json.JSONDecodeError as error:
            if is_all or (error.pos < len(part) - _LONGEST_WORD and not error.msg.startswith("Unterminated")):
                raise NotJson(error.msg, begin + error.pos) from None
        except RecursionError:
            return _past_brackets(text, begin)  # so that the rest is read; who reads this value says what is wrong
        else:
            if is_all or end < len(part):
                return begin + end
        if size > MAX_VALUE_CHARS:
            raise TooMuch(f"a value is longer than {MAX_VALUE_CHARS} characters", begin)
        size *= 2


def check_parts(text: str | bytes, at: int = 0) -> None:
    """Refuse, by :class:`TooMuch`, a value with more than :data:`MAX_PARTS`, which would take too much memory, and too
    long."""
    if len(text) > _COUNTED_CHARS and parts_of(text) > MAX_PARTS:
        raise TooMuch(f"a value has more than {MAX_PARTS} parts", at)


def parts_of(text: str | bytes) -> int:
    """How many objects, arrays and values a text may hold at most."""
    if isinstance(text, str):
        return sum(map(text.count, ",[{"))
    return sum(map(text.count, (b",", b"[", b"{")))


def _past_brackets(text: str, begin: int) -> int:
    depth = 0
    for found in _BRACKET.finditer(text, begin):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
        if found.end() > begin + MAX_VALUE_CHARS:
            raise TooMuch(f"a value is longer than {MAX_VALUE_CHARS} characters", begin)
    raise NotJson("it is cut off", len(text))
