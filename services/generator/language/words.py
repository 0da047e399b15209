"""Words of a text as sets and tables, and their plurals."""

from __future__ import annotations

from typing import Literal


def word_set(text: str) -> frozenset[str]:
    """The words of a text: long lists read better as one."""
    return frozenset(text.split())


def phrase_set(text: str) -> frozenset[str]:
    """The phrases of a text, which commas part."""
    return frozenset(text.split(", "))


def numbers(text: str) -> dict[str, int]:
    """Words of a text, each with the number behind it."""
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def by_word(text: str) -> dict[str, str]:
    """By word, what it means, from rows such as ``red: crimson scarlet; blue: navy``."""
    rows = (row.split(": ") for row in text.split("; "))
    return {word: meant for meant, words in rows for word in words.split()}


Size = Literal["small", "medium", "large"]
Place = Literal["sky", "ground", "any"]


def singulars(word: str) -> tuple[str, ...]:
    """Forms a plural may have come from: ``berries`` gives ``berry`` first."""
    forms = []
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    if word.endswith("ves"):
        forms += [word[:-3] + "f", word[:-3] + "fe"]
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    return tuple(forms)


def plural_of(phrase: str) -> str:
    """The regular plural of a synonym."""
    if phrase.endswith("s"):
        return phrase
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return phrase + ("es" if phrase.endswith(("sh", "ch", "x")) else "s")
