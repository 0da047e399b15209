"""What is to become of a thing, as a prompt says it behind the thing's name: "disappears", "should be pink"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.generator.language import change_words as known
from services.generator.language import lexicon
from services.generator.language.change_things import REACH
from services.generator.language.change_words import ChangeKind
from services.generator.language.tokens import END, PAUSE, POSSESSIVE
from services.generator.language.words import word_set

_GOING = word_set("go goes")
_NEXT = frozenset({END, PAUSE, "and", "then", "but"})
_BY_DEGREES = word_set("a bit little lot as its the times")
_AUXILIARY = known.COPULA | known.BECOMING | word_set("should must could would shall has to")


@dataclass(frozen=True, slots=True)
class Became:
    """What is to become of a thing.

    Attributes:
        start, end: its words, ``end`` exclusive.
        sure: it is a change of what is there, whatever the thing: "a dog disappears", but not "a tree grows".
        of_colour: it is so only where a colour is spoken of: "the colour of the cup changes".
        aside: positions of words that are not heeded: "rainbow".
    """

    kind: ChangeKind
    end: int
    sure: bool = False
    colour: str | None = None
    of_colour: bool = False
    aside: tuple[int, ...] = ()
    start: int = 0


def becomes(words: Sequence[str], at: int, caused: bool) -> Became | None:
    """What becomes of a thing, if the words from there say it. ``caused``: "make", "I want" or the like stands before
    the thing, so that "pink" alone says it."""
    before = words[at - 1]
    if (before in known.BREAKS and before not in known.MANNER) or words[at] == POSSESSIVE:
        return None
    if before in _AUXILIARY:
        return None  # that word is part of it: "a balloon that is red"
    if words[at] in known.STUFF_ALONE and before in known.LAMPS:
        return None  # "make the traffic light red": no light red
    i = at
    while i < min(len(words), at + REACH) and (
        words[i] in known.MODAL | known.COPULA | known.BECOMING or words[i] in known.MANNER
    ):
        i += 1
    found = _core(words, i, set(words[at:i]), caused, words[i - 1] if i > at else "")
    return replace(found, start=at) if found and ends(words, found.end) else None


def ends(words: Sequence[str], at: int) -> bool:
    """Whether what is said may end there: no noun follows that it would belong to."""
    return at >= len(words) or words[at] in known.BREAKS or words[at] in known.DIRECTIONS


def _core(words: Sequence[str], at: int, before: set[str], caused: bool, last: str) -> Became | None:
    word = words[at] if at < len(words) else ""
    modal, copula = bool(before & known.MODAL), bool(before & known.COPULA)
    becoming = bool(before & known.BECOMING)
    done = caused or copula or becoming
    state = caused or becoming or (copula and (modal or "now" in before))
    if word in known.VANISHING or (copula and word in ("disappearing", "vanishing")):
        return Became("remove", at + 1, sure=True)
    if before & _GOING and (last == "away" or (modal and last in _GOING)):
        return Became("remove", at, sure=True)
    if word in known.VANISHED and (state if word == "invisible" else done):
        return Became("remove", at + 1, sure=word != "invisible")
    if word in ("taken", "thrown") and done and words[at + 1 : at + 2] in (["away"], ["out"]):
        return Became("remove", at + 2, sure=True)
    if word in known.PARTICIPLES and done:
        kind = known.PARTICIPLES[word]
        given = colour_at(words, at + 1) if kind == "recolour" else None
        return given or Became(kind, at + 1, sure=kind == "remove")
    if word in known.MADE and (modal or caused or becoming):
        return larger_or_smaller(words, at + 1, state=True) or colour_at(words, at + 1)
    if sized := larger_or_smaller(words, at, state):
        return replace(sized, sure=caused and words[sized.end - 1] in known.COMPARATIVES) if copula or state else None
    if state and (given := colour_at(words, at)):
        return given
    if word in known.CHANGES:
        return _changes(words, at + 1)
    if word in known.MOTIONS and not copula:
        return None if _acts(words, at + 1) else Became(known.MOTIONS[word], at + 1)
    if last in ("grow", "grows"):
        return None if _acts(words, at) else Became("grow", at)
    return turns(words, at, last)


def _acts(words: Sequence[str], at: int) -> bool:
    """Whether a verb is followed by what it is done to: "the man moves a rock"."""
    if words[at : at + 2] in (["a", "bit"], ["a", "little"], ["a", "lot"]):
        return False
    return at < len(words) and words[at] in lexicon.DETERMINERS


def larger_or_smaller(words: Sequence[str], at: int, state: bool) -> Became | None:
    """ "bigger", "a bit smaller", "twice as big", "half its size"; with ``state`` also "big"."""
    measured = tuple(i for i in range(at, min(at + 2, len(words))) if words[i] in known.MEASURES)
    smaller = "half" in words[at : at + 2]
    while at < len(words) and (words[at] in known.DEGREES or words[at] in known.MEASURES or words[at] in _BY_DEGREES):
        at += 1
    word = words[at] if at < len(words) else ""
    if word in known.COMPARATIVES:
        return Became(known.COMPARATIVES[word], at + 1, aside=measured)
    if measured and (word == "size" or (word in known.SMALL | known.LARGE and words[at - 1] == "as")):
        return Became("shrink" if smaller or word in known.SMALL else "grow", at + 1, aside=measured)
    if state and word in known.SMALL | known.LARGE:
        return Became("shrink" if word in known.SMALL else "grow", at + 1)
    return None


def colour_at(words: Sequence[str], at: int) -> Became | None:
    """A colour that begins there: "pink", "a light blue", "another colour", "rainbow coloured"."""
    at += words[at : at + 1] in (["a"], ["an"], ["in"])
    while at < len(words) and (words[at] in lexicon.COLOUR_SHADES or _leads_to_colour(words, at)):
        at += 1
    word = words[at] if at < len(words) else ""
    end = at + 1 + (words[at + 1 : at + 2] != [] and words[at + 1] in known.COLOUR_NAMES | known.MANY_COLOURED)
    if word in known.COLOURS:
        return Became("recolour", end, colour=known.COLOURS[word])
    if word in known.MANY_COLOURED:
        return Became("recolour", end, aside=(at,))
    return Became("recolour", end) if word in known.OTHER and end > at + 1 else None


def _leads_to_colour(words: Sequence[str], at: int) -> bool:
    """The navy of "navy blue"."""
    return words[at] in known.COLOURS and at + 1 < len(words) and words[at + 1] in known.COLOURS


def _changes(words: Sequence[str], at: int) -> Became | None:
    """Behind "changes": "its colour", "size", "from red to blue"."""
    at += words[at : at + 1] in (["its"], ["their"], ["the"], ["in"])
    if words[at : at + 1] == ["size"]:
        return Became("shrink", at + 1, sure=True)
    if at < len(words) and words[at] in known.COLOUR_NAMES:
        return colour_to(words, at + 1) or Became("recolour", at + 1, sure=True)
    return colour_to(words, at) or Became("recolour", at, of_colour=True)


def colour_to(words: Sequence[str], at: int) -> Became | None:
    """The colour that is named behind "to", "into" or "in" in the words from there."""
    for i in range(at, min(len(words) - 1, at + REACH)):
        if words[i] in _NEXT:
            break
        if words[i] in ("to", "into", "in", "as"):
            given = colour_at(words, i + 1 + (words[i + 1] == "be"))
            if given and ends(words, given.end):
                return replace(given, start=i)
    return None


def turns(words: Sequence[str], at: int, last: str) -> Became | None:
    """ "faces the other way", "turns around"."""
    if at < len(words) and words[at] in known.FACING:
        last, at = words[at], at + 1
    if last not in known.FACING:
        return None
    if last in ("turn", "turns") and words[at : at + 1] in (["around"], ["round"]):
        return Became("mirror", at + 1)
    at += words[at : at + 1] == ["in"]
    if words[at : at + 1] in (["the"], ["an"]) and words[at + 1 : at + 2] in (["other"], ["opposite"]):
        return Became("mirror", at + 3) if set(words[at + 2 : at + 3]) & known.OTHER_WAY else None
    return None
