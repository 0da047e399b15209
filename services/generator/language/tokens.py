"""A prompt as words: lower case, short forms spelt out, with ``.`` and ``,`` where a thought ends or pauses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from services.generator.language.emoji import spelt_out

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


def tokenize(prompt: str) -> list[str]:
    """The words of a prompt; an emoji gives the words for what it shows.

    A possessive's ending is a word of its own, :data:`POSSESSIVE`.
    """
    text = spelt_out(unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", prompt))).lower()
    for pattern, by in _REWRITES:
        text = pattern.sub(by, text)
    return _WORD.findall(text)


def said(words: Iterable[str]) -> str:
    """Words as a sentence has them."""
    return re.sub(r" (?=[,.]|'s)", "", " ".join(words)).strip(" ,.")
