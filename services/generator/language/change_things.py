"""The thing that is to change, as a prompt names it: "the small rock", "something", "the cup's colour"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.generator.language import change_words as known
from services.generator.language import lexicon
from services.generator.language.tokens import POSSESSIVE, said
from services.generator.language.words import Size, singulars, word_set

REACH = 16
"""Words among which a thing and what becomes of it are looked for: a longer prompt takes no longer for each word."""

_DEFINITE = lexicon.DEFINITE - {"it"}
_SEVERAL = (
    lexicon.LARGER_COUNTS.keys()
    | (lexicon.COUNTS.keys() - word_set("one 1 pair couple some lots lot bunch group trio cluster flock herd swarm"))
    | word_set("all both every each")
)
_PARTITIVE = word_set("one some any each") | _SEVERAL
_SIDES = known.DIRECTIONS.keys() - {"top", "bottom"}
_HAVING = word_set("have has had")
_ADJECTIVES = lexicon.COLOUR_SHADES | (known.COLOURS.keys() - {"orange"})
_NO_NAMES = (_ADJECTIVES | lexicon.HARMLESS) - known.STUFF_ALONE - word_set("can figure drawing sketch icon")
"""No thing by themselves: the pretty of "make the pretty orange" is none that is to be orange."""


@dataclass(frozen=True, slots=True)
class Named:
    """A thing in the words of a prompt.

    Attributes:
        name: None: any thing will do.
        end: position behind its words.
        article: "the" also for "this" or "my"; "any" where the words name no certain thing; "" where none is said.
        of: what of the thing the words speak of, "the colour of the cup".
        several: the words, where they ask for more than one.
        aside: positions of its words that say more of any thing than a size: "something heavy".
    """

    name: str | None
    size: Size | None
    end: int
    article: Literal["the", "a", "any", ""]
    of: Literal["colour", "size"] | None = None
    several: str | None = None
    aside: tuple[int, ...] = ()


def named(words: Sequence[str], at: int, limit: int | None = None) -> Named | None:
    """The thing that the words from there name, at most up to ``limit``; None: they name none that can be changed as
    a whole."""
    limit = min(len(words), at + REACH) if limit is None else limit
    start, found = at, set[str]()
    while at < limit and _introduces(words, at):
        found.add(words[at])
        at += 1
    several = any(word in _SEVERAL or (word.isdigit() and word != "1") for word in found)
    article: Literal["the", "a", ""] = "the" if found & _DEFINITE else "a" if found else ""
    if at < limit and (words[at] in known.ANY_THING or words[at] in known.PEOPLE) and not found:
        return _any(words, at, limit)
    own, at = _own_words(words, at, limit)
    if not own or len(own) > known.NAME_WORDS:
        return None
    last = words[own[-1]]
    if last in known.COLOUR_NAMES or last == "size":
        of: Literal["colour", "size"] = "size" if last == "size" else "colour"
        return _of(words, start, own[-1], at, limit, of)
    size = _size([words[i] for i in own[:-1]])
    own = [i for i in own if i == own[-1] or not _tells_size(words[i])]
    if last in known.THINGS:
        aside = tuple(i for i in own[:-1] if words[i] not in lexicon.HARMLESS)
        many = said(words[start:at]) if several else None
        return Named(None, size, at, "any", several=many, aside=aside)
    if not _is_thing([words[i] for i in own]):
        return None
    name = said(words[i] for i in own)
    if at + 1 < limit and words[at] == "of":  # "cup of tea"
        _, end = _own_words(words, at + 1 + (words[at + 1] in lexicon.DETERMINERS), limit)
        if end > at + 1:
            name, at = said([name, *words[at:end]]), end
    return Named(name, size, at, article, several=said(words[start:at]) if several else None)


def _introduces(words: Sequence[str], at: int) -> bool:
    word = words[at]
    if word == "of":
        return at > 0 and (words[at - 1] in _PARTITIVE or words[at - 1].isdigit())
    return (word in lexicon.DETERMINERS and word != "it") or word in _SEVERAL or word.isdigit()


def _any(words: Sequence[str], at: int, limit: int) -> Named:
    name = "person" if words[at] in known.PEOPLE else None
    own, end = _own_words(words, at + 1, limit)
    aside = tuple(i for i in own if not _tells_size(words[i]) and words[i] != "else")
    return Named(name, _size([words[i] for i in own]), end, "any", aside=aside)


def _own_words(words: Sequence[str], at: int, limit: int) -> tuple[list[int], int]:
    """Positions of the words of a name, sides of the picture before it left out; and where they end."""
    own: list[int] = []
    while at < limit and words[at] not in known.BREAKS:
        more = at + 1 < limit and words[at + 1] not in known.BREAKS
        if words[at] in _SIDES or (more and words[at] in ("top", "bottom") and words[at + 1] in lexicon.POSITIONS):
            if not more or own:
                break
        else:
            own.append(at)
        at += 1
    return own, at


def _of(
    words: Sequence[str], start: int, last: int, at: int, limit: int, of: Literal["colour", "size"]
) -> Named | None:
    """The thing whose colour or size it is: "the colour of the cup", "the cup's colour", "the cup colour"."""
    if at + 1 < limit and words[at] == "of":
        whose = named(words, at + 1, limit)
        return replace(whose, of=of) if whose and whose.of is None else None
    owner = last - (words[last - 1] == POSSESSIVE)
    whose = named(words, start, owner) if owner > start else None
    return replace(whose, of=of, end=at) if whose and whose.of is None else None


def _tells_size(word: str) -> bool:
    return word in known.SMALL or word in known.LARGE or word in ("medium", "sized", "size") or word in known.DEGREES


def _size(words: Sequence[str]) -> Size | None:
    sizes: list[Size] = ["small" for word in words if word in known.SMALL]
    sizes += ["large" for word in words if word in known.LARGE]
    sizes += ["medium" for word in words if word == "medium"]
    return sizes[0] if sizes else None


def _is_thing(words: Sequence[str]) -> bool:
    last = words[-1]
    if any(word in known.COPULA or word in _HAVING for word in words):
        return False
    if last in known.NO_THING or last in known.COMPARATIVES or last == POSSESSIVE or last in known.DEGREES:
        return False
    if _tells_size(last) or last in _NO_NAMES:
        return False
    if any(form in known.STUFF for form in (last, *singulars(last))):
        return False
    return last not in known.STUFF_ALONE or any(word not in _ADJECTIVES for word in words[:-1])
