"""``metadata.json`` in any layout: someone has formatted it, or a script has written it. Entry by entry; behind a place
that is not understood, from the next that is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from shared.session.format.jsontext import NotJson, decode, decode_around, is_strict
from shared.session.format.values import MAX_MEMBERS, MAX_PARTS, TooMuch, Walk, members, parts_of
from shared.session.text.onwards import Onwards
from shared.session.text.spans import Ruler, Spans, coding_of

MAX_ENTRIES = 1_000_000


@dataclass(slots=True)
class Foreign:
    """What a file says. Texts are as they were written."""

    members: dict[str, str] = field(default_factory=dict)
    """The text of each value at the top but the sequence."""
    member_lines: dict[str, int] = field(default_factory=dict)
    """The line on which each of them begins, from 1."""
    entries: Spans = field(default_factory=Spans)
    """Where each element of the sequence stands that is whole."""
    is_strict: bool = True
    """Whether strict parsers read all that is not within the entries, and nothing stands there twice."""
    has_sequence: bool = False
    has_end: bool = False
    """Whether every member at the top is whole, to the file's end."""
    problem: str | None = None
    """What is not understood: the first thing."""
    at: int = 0
    """Where that is, in bytes."""
    line: int = 0
    """And on which line, from 1."""


def read(data: bytes) -> Foreign:
    """Read a whole file; :attr:`Foreign.problem` is None where all of it is understood."""
    encoding, mark = coding_of(data)
    found = Foreign(entries=Spans(encoding))
    unread: NotJson | None = None
    unread_at = 0
    try:
        text = decode(data)
    except NotJson as error:
        unread = error
        text = decode_around(data)
        unread_at = len(decode_around(data[: error.at]))
    walk = _Reading(text, found, encoding, mark)
    try:
        walk.file()
    except NotJson as error:
        walk.note(error)
    problem, at = walk.problem, walk.problem_at
    if unread is not None and (problem is None or at >= unread_at):
        problem, at = str(unread), unread_at
    if problem is not None:
        found.problem = problem
        found.at = mark + len(text[:at].encode(encoding, "surrogatepass"))
        found.line = 1 + text.count("\n", 0, at)
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class _Reading(Walk):
    """Fills in what a file says; ``problem`` is the first that it met."""

    def __init__(self, text: str, found: Foreign, encoding: str, first_byte: int) -> None:
        super().__init__(text)
        self._found = found
        self._ruler = Ruler(text, encoding, first_byte)
        self._onwards = Onwards(text)
        self._entries_at: int | None = None
        self._parts = 0
        """Of all that stands at the top, without the sequence."""
        self.problem: str | None = None
        self.problem_at = 0

    def note(self, error: NotJson) -> None:
        """Keep what is wrong, if it is the first."""
        if self.problem is None:
            self.problem, self.problem_at = str(error), error.at if error.at is not None else self.at

    def file(self) -> None:
        whole = True
        going = self.begins("{", "}")
        key_at = self.at
        while going:
            seek = self.at + 1
            try:
                self._member()
                seek = self.at - 1
                going = self.goes_on("}")
            except NotJson as error:
                self.note(error)
                if isinstance(error, TooMuch):
                    raise
                whole = False
                place = self._onwards.member(seek, key_at, self._entries_at)
                if place is None:
                    raise
                self.at, going = place.at, place.begins
        self._found.has_end = whole
        self.space()
        if self.text[self.at :].strip():
            raise NotJson("something stands behind its end", self.at)
        if not self._found.has_sequence:
            raise NotJson("it has no sequence of entries", self.at)

    def _member(self) -> None:
        line = self._ruler.line(self.at)
        key = self._key()
        if key == "sequence":
            self._sequence()
            return
        value = self.value()
        end = self.at
        # A number at the end of a file that is cut off may have gone on; and so may what no line break ends.
        if self.peek() not in ",}" and "\n" not in self.text[end : self.at]:
            raise NotJson("a comma or } is expected", self.at)
        self._found.is_strict &= key not in self._found.members and is_strict(_bytes(value))
        self._found.members[key], self._found.member_lines[key] = value, line
        self._parts += 1 + parts_of(value)
        if len(self._found.members) > MAX_MEMBERS or self._parts > MAX_PARTS:
            raise TooMuch("what stands at the top, beside the sequence, is too much", end)

    def _sequence(self) -> None:
        self._found.is_strict &= self._entries_at is None
        self._found.has_sequence = False
        self._found.entries.clear()
        if self.peek() != "[":
            raise NotJson("its sequence is no array", self.at)
        going, sure = self.begins("[", "]"), True
        self.space()
        first_at = self._entries_at = self.at
        while going:
            begin = self.at
            seek = begin + 1
            try:
                text = self.value()
                seek = self.at - 1  # a bracket may be all that parts it from the next
                if not sure and not self._is_entry(text):
                    raise NotJson("it is no entry", self.at)
                if len(self._found.entries) >= MAX_ENTRIES:
                    raise TooMuch(f"it has more than {MAX_ENTRIES} entries, and not each on a line of its own", begin)
                self._found.entries.append(self._ruler.byte(begin), self._ruler.byte(self.at), self._ruler.line(begin))
                going = self.goes_on("]")
                sure = True
            except NotJson as error:
                self.note(error)
                if isinstance(error, TooMuch):
                    raise
                place = self._onwards.entry(begin, seek, error.at or 0, first_at)
                if place is None:
                    raise
                self.at, going, sure = place.at, place.begins, place.sure
        self._found.has_sequence = True

    @staticmethod
    def _is_entry(text: str) -> bool:
        """Whether a value that may be one within an entry is one."""
        return text[0] == "{" and {'"index"', '"filename"'} <= {key for key, _ in members(text)}

    def _key(self) -> str:
        text = self.key()
        self._found.is_strict &= "\\" not in text or is_strict(_bytes(text))
        key: str = json.loads(text)
        return key
