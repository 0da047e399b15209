"""Where to go on reading a text behind a place that is not understood: at the next entry of the sequence, or behind its
end; at the next key at the top.

What a writer indents, it indents alike: where the first entry begins a line, so does the next, behind the same white
space, and nothing within an entry does. In a text without line breaks, what may begin an entry is tried.

The work is bounded: searches go forward, and what is read again in vain is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.session.format.jsontext import NotJson
from shared.session.format.values import value_at

_AGAIN = 8
"""So many times the text's length may be read in vain."""
_MOST = 100_000
"""Places of damage that are gone on behind."""
_PIECE_CHARS = 1 << 18
_SEARCHED_CHARS = 32 << 20
"""Behind damage that reaches further nothing is looked for."""
_OVERLAP_CHARS = 4096
"""White space between two marks is not longer, or they are not seen as such."""
_BETWEEN = re.compile(r'[,}\[]\s*(\{)(?=\s*")|(\])(?=\s*[,}])')
_TO_END = re.compile(r"\s*\}\s*\Z")
_NEXT_KEY = re.compile(r'\s*,\s*(?=")')
_COLON = re.compile(r"\s*:\s*")
_SEQUENCE = r'(?="sequence"\s*:\s*\[)'


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where to go on: at something that ``begins`` there, or behind the bracket that ends it all. Not ``sure``: it may
    be within an entry."""

    at: int
    begins: bool
    sure: bool = True


class Onwards:
    """Finds the places of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = _AGAIN * len(text)
        self._times = _MOST
        self._has_lines = True
        """Whether entries may still begin a line: searched for to the end at most once."""

    def entry(self, begin: int, seek: int, wrong_at: int, first_at: int) -> TextPlace | None:
        """Behind an entry that ``begin``s at a place and turned out to be wrong at another: the next, from ``seek`` on,
        or the end of the sequence; None where there is none. The first entry begins at ``first_at``."""
        if not self._may_go_on(wrong_at - begin):
            return None
        indent = self._indent(first_at)
        if indent and self._has_lines:
            found = self._search(rf"\n(?:{indent}(\{{)|[ \t]{{0,{len(indent) - 1}}}(\]))", seek)
            if found is not None:
                return TextPlace(found.start(1), True) if found[1] else TextPlace(found.end(), False)
            self._has_lines = False
        if wrong_at > seek:
            # All before the text that came last is understood: what is in there is within the entry.
            quote = self._text.rfind('"', begin, wrong_at)
            seek = max(seek, self._text.rfind('"', begin, max(quote, begin)))
        while (found := self._search(_BETWEEN, seek)) is not None:
            seek = found.end()
            if found[1]:
                return TextPlace(found.start(1), True, sure=False)
            if self._ends(found.end()):
                return TextPlace(found.end(), False)
        return None

    def member(self, seek: int, first_at: int, entries_at: int | None) -> TextPlace | None:
        """Behind a member at the top: the next, from ``seek`` on, or the end of the file; None where there is none. The
        first member begins at ``first_at``, and the first entry, where a sequence was met, at ``entries_at``."""
        indent = self._indent(first_at)
        if entries_at is not None and len(self._indent(entries_at)) <= len(indent):
            indent = ""  # what begins a line so may stand in an entry
        ways = [rf'\n{indent}(?=")', rf"\n[ \t]{{0,{len(indent) - 1}}}(\}})"] if indent else []
        ways += [_SEQUENCE] if entries_at is None else []
        if not ways or not self._may_go_on(0):
            return None
        found = self._search("|".join(ways), seek)
        if found is None:
            return None
        return TextPlace(found.end(), begins=not (found.lastindex and found[1]))

    def _search(self, pattern: str | re.Pattern[str], seek: int) -> re.Match[str] | None:
        """The first match from a place on. Piece by piece: nothing else runs while a pattern is searched for."""
        compiled = re.compile(pattern) if isinstance(pattern, str) else pattern
        for at in range(seek, min(len(self._text), seek + _SEARCHED_CHARS), _PIECE_CHARS):
            found = compiled.search(self._text, at, at + _PIECE_CHARS + _OVERLAP_CHARS)
            if found is not None:
                return found
        return None

    def _may_go_on(self, read: int) -> bool:
        self._left -= max(read, 0)
        self._times -= 1
        return self._left >= 0 and self._times >= 0

    def _indent(self, at: int) -> str:
        """The white space before what begins a line; empty where that is none."""
        start = self._text.rfind("\n", max(0, at - 80), at) + 1
        before = self._text[start:at]
        return before if start and before and not before.strip(" \t") else ""

    def _ends(self, at: int) -> bool:
        """Whether members of the top stand behind a closing bracket, and nothing else, to the file's end."""
        begin = at
        try:
            while not _TO_END.match(self._text, at):
                key_end = value_at(self._text, self._past(_NEXT_KEY, at))
                at = value_at(self._text, self._past(_COLON, key_end))
        except NotJson as error:
            if not self._may_go_on((error.at or at) - begin):
                raise
            return False
        return True

    def _past(self, part: re.Pattern[str], at: int) -> int:
        found = part.match(self._text, at)
        if found is None:
            raise NotJson("it is within an entry", at)
        return found.end()
