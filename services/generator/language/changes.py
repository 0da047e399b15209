"""The natural change of what is already in the photograph that a prompt asks for: "remove the rock", "the sign should
be pink".

It is taken for one only where it can hardly mean anything else. "Without a boat" or "a red sign" tell what the picture
shows, and are left to a model that paints; so is what a wish for something new goes with, "remove the cat and add a
dog". What is said not to be done ("don't remove the rock") is no change. Pure: no torch, no image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.generator.language import change_words as known
from services.generator.language import foreign, lexicon
from services.generator.language.change_commands import by_phrase, command, one_more, phrase_at, said_of
from services.generator.language.change_outcomes import Became
from services.generator.language.change_things import REACH, Named
from services.generator.language.change_words import ChangeKind
from services.generator.language.places import position
from services.generator.language.tokens import END, PAUSE, POSSESSIVE, quoted, tokenize
from services.generator.language.words import Size, word_set

Direction = Literal["left", "right", "up", "down"]

_QUOTES = re.compile("[\"“”„«»]|(?<![^\\W_])['’‘]|['’‘](?![^\\W_])")
"""Marks of quotation: here they part nothing, unlike commas."""
_NEXT = frozenset({PAUSE, END, "and", "but", "then"})
_SMALL_WORDS = (
    lexicon.GLUE
    | lexicon.HARMLESS
    | lexicon.PLACE_NOUNS
    | known.HARMLESS_ENDS
    | known.POLITE
    | known.PICTURE
    | {END, PAUSE, POSSESSIVE}
)
_COUNTED = word_set("a an some another one two three several many more")


@dataclass(frozen=True, slots=True)
class PromptedChange:
    """A natural change that a prompt asks for.

    Attributes:
        thing: the words for the thing ("rock", "red car"), without what tells its size or its side of the picture;
            None: any thing will do.
        colour: what a thing is recoloured to, one of the values of ``change_words.COLOURS``; None: any other than now.
        size: the size that the thing has now, where it is said.
        place: the way a thing is moved; None: any.
        unheeded: what of the prompt is not done, as a sentence; None where all of it is. A side or corner of the
            picture is never in it: who knows the sector holds it against that.
    """

    kind: ChangeKind
    thing: str | None
    colour: str | None = None
    size: Size | None = None
    place: Direction | None = None
    unheeded: str | None = None


def change_in(prompt: str) -> PromptedChange | None:
    """The natural change a prompt asks for; None: it asks for something else (to be added, painted, ...)."""
    words = tokenize(_QUOTES.sub(" ", prompt))
    if any(foreign.is_foreign(word) for word in words if word not in (END, PAUSE, POSSESSIVE)):
        return None
    at, caused = _past_politeness(words)
    if at == len(words):
        return None
    if words[at] in ("make", "makes", "making"):
        said = one_more(words, at + 1) or by_phrase(words, at) or said_of(words, at + 1, caused=True)
    else:
        said = one_more(words, at) or by_phrase(words, at) or command(words, at) or said_of(words, at, caused)
    return _answer(words, *said) if said else None


def _past_politeness(words: Sequence[str]) -> tuple[int, bool]:
    """Where the wish itself begins, and whether what was passed makes one of what follows: "I want ..."."""
    at, caused = 0, False
    while at < len(words):
        if words[at] in ("in", "on", "from") and set(words[at + 2 : at + 3]) & known.PICTURE:  # "in the photo, ..."
            at += 3
        elif words[at] == "see" and at and words[at - 1] == "to":
            at, caused = at + 1, True
        elif words[at] in known.POLITE | known.MANNER and not phrase_at(words, at):
            caused |= words[at] in known.CAUSING
            at += 1
        else:
            break
    return at, caused


def _answer(words: Sequence[str], thing: Named, became: Became) -> PromptedChange | None:
    sized = became.kind in ("shrink", "grow")
    if (thing.of == "colour" and became.kind != "recolour") or (thing.of == "size" and not sized):
        return None
    if became.of_colour and thing.of != "colour":
        return None
    if _adds(words, thing.end) or (became.kind == "mirror" and known.VERTICAL & set(words[thing.end :])):
        return None
    marked = [False] * len(words)
    for at in (*thing.aside, *became.aside, *_left_over(words, thing, became)):
        marked[at] = True
    place = None
    if became.kind == "move":
        place, aside = _way(words, max(thing.end, became.end))
        for at in aside:
            marked[at] = True
    reasons = [f"one thing is changed, not {thing.several!r}"] if thing.several else []
    if left := quoted(words, marked, [word in _SMALL_WORDS and not marked[at] for at, word in enumerate(words)]):
        reasons.append(f"left out: {left}")
    return PromptedChange(became.kind, thing.name, became.colour, thing.size, place, "; ".join(reasons) or None)


def _adds(words: Sequence[str], at: int) -> bool:
    """Whether something new is wished for as well, from there on."""
    for i in range(at, len(words)):
        word, following = words[i], words[i + 1 : i + 2]
        begins = words[i - 1] in _NEXT or words[i - 1] in ("also", "please", "instead")
        if begins and (word in known.ADDING or (word in known.MAKING and following and following[0] in _COUNTED)):
            return True
        if (word == "instead" and following != ["of"]) or word in ("replaced", "replacing"):
            return True
        if word == "place" and words[i - 2 : i] in (["in", "its"], ["in", "their"]):
            return True
    return False


def _left_over(words: Sequence[str], thing: Named, became: Became) -> list[int]:
    """Positions behind the thing of words that come to nothing."""
    found: list[int] = []
    at = thing.end
    while at < len(words):
        if became.start <= at < became.end:
            at = became.end
            continue
        end = at + 1
        if _opens(words, at):
            while end < len(words) and words[end] not in _NEXT:
                end += 1
            if words[at] in known.UNNOTICED_STARTS and not known.UNNOTICED & set(words[at:end]):
                found += [i for i in range(at, end) if words[i] not in _SMALL_WORDS or words[i] == "without"]
        elif words[at] not in _SMALL_WORDS and not _is_either_colour(words, at):
            found.append(at)
        at = end
    return found


def _opens(words: Sequence[str], at: int) -> bool:
    """Whether a part begins there that asks for no other change: "without anyone noticing", "but keep the rest"."""
    if words[at] in known.UNNOTICED_STARTS or words[at : at + 2] in (["instead", "of"], ["rather", "than"]):
        return True
    return words[at - 1] in _NEXT and (words[at] in known.KEEPING or words[at : at + 2] == ["do", "not"])


def _is_either_colour(words: Sequence[str], at: int) -> bool:
    """Whether it is the colour the thing has, or one that would do as well: "from red to blue or green"."""
    before = words[at - 1]
    return words[at] in known.COLOURS and (before in ("from", "or") or before in lexicon.COLOUR_SHADES)


def _way(words: Sequence[str], at: int) -> tuple[Direction | None, list[int]]:
    """The way that the words from there tell, and those among them that are not followed: one way is gone."""
    end = next((i for i in range(at, min(len(words), at + REACH)) if words[i] in (PAUSE, END)), at + REACH)
    told = list(words[at:end])
    if to := next((i for i, word in enumerate(told) if word in ("to", "toward", "towards")), 0):
        at, told = at + to, told[to:]
    elif told[:1] in (["in"], ["on"], ["at"], ["from"], ["of"], ["near"]):
        return None, []  # where it is now
    across, down = position([known.DIRECTIONS.get(word, word) for word in told])
    if across:
        other = ("top", "bottom") if down else ()
        aside = [at + i for i, word in enumerate(told) if known.DIRECTIONS.get(word) in other]
        return ("left" if across < 0 else "right"), aside
    return ("up" if down < 0 else "down" if down else None), []
