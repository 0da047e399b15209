"""A prompt as words: lower case, short forms and emoji spelt out, with ``.`` and ``,`` where a thought ends or pauses.
And words of it quoted again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

from services.generator.language import lexicon
from services.generator.language.words import by_word

END, PAUSE, POSSESSIVE = ".", ",", "'s"

_APOSTROPHES = re.compile("[’‘ʼ`´＇]")
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\bcan'?t\b|\bcannot\b", "can not"),
        (r"\bwon'?t\b", "will not"),
        (r"\b(do|does|did|is|are|was|were|should|could|would|must|need|have|has)n'?t\b", r"\1 not"),
        (r"\b(it|that|there|here|what|he|she|who|where)'s\b", r"\1 is"),
        (r"\blet'?s\b(?= (?!the\b))", "please"),
        (r"'(d|ll)\b", " would"),
        (r"'(m|re|ve)\b", ""),
        (r"(?<=\w)s'(?=\s)", "s 's "),
        (r"(?<=\w)'s\b", " 's "),
        (r"\bw/o\b", "without"),
        (r"\bw/(?=\s|\w)", "with "),
        (r"\b(\w+)-(free|less)\b", r"without \1"),
        (r"\bnon-(?=\w)", "not "),
        (r"[&+]", " and "),
        (r"(?<=\d),(?=\d{3})", ""),
        (r"[.;!?:\n\r…。！？；：]+", " . "),
        (r"[,、，()\[\]{}|/\"“”„«»]|\s[-–—]+\s", " , "),
    )
)
_WORD = re.compile(r"'s(?!\w)|[^\W_]+|[.,]")

_EMOJI = by_word(
    "heart: ❤ ♥; star: ⭐ 🌟; sun: ☀ 🌞; umbrella: ☂ ☔ ⛱; cup: ☕ 🍵; gift: 🎁; house: 🏠 🏡; "
    "snowman: ⛄ ☃; shell: 🐚; lantern: 🏮; daisy: 🌼; tree: 🌳; whale: 🐳; car: 🚗; maple leaf: 🍁; "
    "moon: 🌛 🌜 🌝 🌕; cherry blossom: 🌸; bell: 🔔; airplane: ✈; red apple: 🍎; green apple: 🍏"
)
_PLAIN = re.compile(r"\b(face|symbol|sign|emoji|black|white|heavy|medium|small)\b|\bwith .*")
_MARKS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
"""Joiners, choices between text and picture, skin colours."""
_EMOJI_START, _EMOJI_END = "\ue000", "\ue001"
_UNMARKED = str.maketrans(_EMOJI_START + _EMOJI_END, "  ")
_ROW = re.compile(f"{_EMOJI_END}(\\s*){_EMOJI_START}")
"""One emoji right behind another: two things, not one of two words."""
_DECORATION = re.compile(
    "[\u2700-\u2763\u2795-\u27bf\U0001f300-\U0001f303\U0001f440-\U0001f450\U0001f600-\U0001f64f✨💫🎨🖼]"
)
"""Faces, gestures and ornaments beside a sentence: they ask for nothing."""

_MAX_SPAN_CHARS = 60
_MAX_SPANS = 4

_LEADING = lexicon.DETERMINERS | lexicon.PREPOSITIONS | lexicon.PLACING | {"with", "of"}
_BEFORE_NOT = frozenset({"do", "does", "did", "is", "are", "should", "must", "can", "could", "would", "will"})


def tokenize(prompt: str) -> list[str]:
    """The words of a prompt; a possessive's ending is a word of its own, :data:`POSSESSIVE`."""
    text = _spelt_out(unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", prompt))).lower()
    for pattern, by in _REWRITES:
        text = pattern.sub(by, text)
    return _WORD.findall(text)


def said(words: Iterable[str]) -> str:
    """Words as a sentence has them."""
    return re.sub(r" (?=[,.]|'s)", "", " ".join(words)).strip(" ,.")


def _spelt_out(text: str) -> str:
    """The text with each emoji as the words for what it shows, one that follows another apart from it."""
    if text.isascii():
        return text
    return _ROW.sub(r"\1, ", "".join(_spelt(letter) for letter in _MARKS.sub("", text))).translate(_UNMARKED)


def _spelt(letter: str) -> str:
    if letter in _EMOJI:
        return f"{_EMOJI_START} {_EMOJI[letter]} {_EMOJI_END}"
    if _DECORATION.match(letter):
        return " "
    if unicodedata.category(letter) != "So":
        return letter
    name = unicodedata.name(letter, "").lower().replace("-", " ")
    return f"{_EMOJI_START} {_PLAIN.sub('', name).strip()} {_EMOJI_END}"


def quoted(words: Sequence[str], marked: Sequence[bool], glue: Sequence[bool]) -> str:
    """The marked words, each run of them in quotes, with the small words that lead into it or lie within."""
    runs = [said(words[start:end]) for start, end in _runs(words, marked, glue)]
    cut = (run if len(run) <= _MAX_SPAN_CHARS else run[: _MAX_SPAN_CHARS - 1].rstrip() + "…" for run in runs)
    more = len(runs) - _MAX_SPANS
    return ", ".join(f"'{run}'" for run in islice(cut, _MAX_SPANS)) + (f" and {more} more" if more > 0 else "")


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
