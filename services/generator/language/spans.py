"""What of a prompt was passed over, quoted: short enough for a header."""

from __future__ import annotations

from collections.abc import Sequence

from services.generator.language import lexicon
from services.generator.language.tokens import END, PAUSE, POSSESSIVE, said

MAX_CHARS = 60
MAX_SPANS = 4

_LEADING = lexicon.DETERMINERS | lexicon.PREPOSITIONS | lexicon.PLACING | {"with", "of"}
_BEFORE_NOT = frozenset({"do", "does", "did", "is", "are", "should", "must", "can", "could", "would", "will"})


def quoted(words: Sequence[str], marked: Sequence[bool], glue: Sequence[bool]) -> str:
    """The marked words, each run of them in quotes, with the small words that lead into it or lie within.

    Empty where none is marked.
    """
    runs = [said(words[start:end]) for start, end in _runs(words, marked, glue)]
    shown = [f"'{run if len(run) <= MAX_CHARS else run[: MAX_CHARS - 1].rstrip() + '…'}'" for run in runs[:MAX_SPANS]]
    more = len(runs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _runs(words: Sequence[str], marked: Sequence[bool], glue: Sequence[bool]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(words):
        if not marked[at]:
            at += 1
            continue
        start, end = at, at + 1
        floor = runs[-1][1] if runs else 0
        while start > floor and glue[start - 1] and words[start - 1] in _LEADING:
            start -= 1
        if start > floor and words[start - 1] == POSSESSIVE:
            start = max(floor, start - 2)
        following = end
        while (
            following < len(words) and (marked[following] or glue[following]) and words[following] not in (END, PAUSE)
        ):
            following += 1
            if marked[following - 1]:
                end = following
        at = end
        while end > start and glue[end - 1]:
            end -= 1
        if words[start : start + 1] == ["not"] and start > floor and words[start - 1] in _BEFORE_NOT:
            start -= 1
        if end < len(words) and not glue[end] and words[end] not in (END, PAUSE):  # "a wooden" before "horse"
            while start < end and words[start] in lexicon.DETERMINERS:
                start += 1
        if end > start:
            runs.append((start, end))
    return runs
