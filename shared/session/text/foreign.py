"""``metadata.json`` in any layout: someone has formatted it, or a script has written it. Entry by entry; behind a place
that is not understood, from the next that is."""

from __future__ import annotations

import json

from shared.session.format.jsontext import NotJson, decode, decode_around, is_strict
from shared.session.format.values import MAX_MEMBERS, MAX_PARTS, TooMuch, Walk, members, parts_of
from shared.session.text.onwards import Onwards
from shared.session.text.spans import Ruler, Spans, coding_of

MAX_ENTRIES = 1_000_000


def read(data: bytes) -> Foreign:
    """Read a whole file; :attr:`Foreign.problem` is None where all of it is understood."""
    encoding, mark = coding_of(data)
    unread: NotJson | None = None
    unread_at = 0
    try:
        text = decode(data)
    except NotJson as error:
        unread = error
        text = decode_around(data)
        unread_at = len(decode_around(data[: error.at]))
    found = Foreign(text, encoding, mark)
    try:
        found.file()
    except NotJson as error:
        found.note(error)
    if unread is not None and (found.problem is None or found.problem_at >= unread_at):
        found.problem, found.problem_at = str(unread), unread_at
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Foreign(Walk):
    """Goes through a file, and has what it says. Texts are as they were written."""

    def __init__(self, text: str, encoding: str, first_byte: int) -> None:
        super().__init__(text)
        self.members: dict[str, str] = {}
        """The text of each value at the top but the sequence."""
        self.member_lines: dict[str, int] = {}
        """The line on which each of them begins, from 1."""
        self.entries = Spans(encoding)
        """Where each element of the sequence stands that is whole."""
        self.is_strict = True
        """Whether strict parsers read all that is not within the entries, and nothing stands there twice."""
        self.has_end = False
        """Whether every member at the top is whole, to the file's end."""
        self.problem: str | None = None
        """What is not understood: the first thing."""
        self.problem_at = 0
        """Where that is, in characters."""
        self._has_sequence = False
        self._byte = Ruler(lambda begin, end: len(text[begin:end].encode(encoding, "surrogatepass")), first_byte)
        self._line = Ruler(lambda begin, end: text.count("\n", begin, end), 1)
        self._onwards = Onwards(text)
        self._entries_at: int | None = None
        self._parts = 0
        """Of all that stands at the top, without the sequence."""

    @property
    def place(self) -> tuple[int, int]:
        """Where the problem is: the line, from 1, and how many bytes stand before it."""
        return self._line.at(self.problem_at), self._byte.at(self.problem_at)

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
        self.has_end = whole
        self.space()
        if self.text[self.at :].strip():
            raise NotJson("something stands behind its end", self.at)
        if not self._has_sequence:
            raise NotJson("it has no sequence of entries", self.at)

    def _member(self) -> None:
        line = self._line.at(self.at)
        key = self._key()
        if key == "sequence":
            self._sequence()
            return
        value = self.value()
        end = self.at
        # A number at the end of a file that is cut off may have gone on; and so may what no line break ends.
        if self.peek() not in ",}" and "\n" not in self.text[end : self.at]:
            raise NotJson("a comma or } is expected", self.at)
        self.is_strict &= key not in self.members and is_strict(_bytes(value))
        self.members[key], self.member_lines[key] = value, line
        self._parts += 1 + parts_of(value)
        if len(self.members) > MAX_MEMBERS or self._parts > MAX_PARTS:
            raise TooMuch("what stands at the top, beside the sequence, is too much", end)

    def _sequence(self) -> None:
        self.is_strict &= self._entries_at is None
        self._has_sequence = False
        self.entries.clear()
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
                if len(self.entries) >= MAX_ENTRIES:
                    raise TooMuch(f"it has more than {MAX_ENTRIES} entries, and not each on a line of its own", begin)
                self.entries.append(self._byte.at(begin), self._byte.at(self.at), self._line.at(begin))
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
        self._has_sequence = True

    @staticmethod
    def _is_entry(text: str) -> bool:
        """Whether a value that may be one within an entry is one."""
        return text[0] == "{" and {'"index"', '"filename"'} <= {key for key, _ in members(text)}

    def _key(self) -> str:
        text = self.key()
        self.is_strict &= "\\" not in text or is_strict(_bytes(text))
        key: str = json.loads(text)
        return key
