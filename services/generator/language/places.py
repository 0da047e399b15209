"""Which words of a prompt only say where: "in the lower right corner", "next to the old tree"."""

from __future__ import annotations

from collections.abc import Sequence

from services.generator.language import lexicon
from services.generator.language.tokens import END, PAUSE
from services.generator.language.words import word_set

_OF_A_SCENE = (
    lexicon.SKY_WORDS
    | lexicon.GROUND_WORDS
    | word_set(
        "water land earth wall road street snow mud dirt horizon hill mountain mountains sea lake river ocean pond "
        "forest garden park clouds "
    )
)
_PICTURE = frozenset({"picture", "photo", "photograph", "image", "scene", "frame", "canvas", "view", "sector"})
_RELATIVE = word_set("that which who where so ")
_ENDS = (
    lexicon.ARTICLES
    | lexicon.CONJUNCTIONS
    | lexicon.NEGATING
    | lexicon.GONE
    | lexicon.PLACING
    | lexicon.PREPOSITIONS
    | _RELATIVE
    | {END, PAUSE, "with", "of"}
)


def place_words(words: Sequence[str]) -> set[int]:
    """Positions of the words that say where, by a part of the photograph that is there or by a part of the picture.

    A part that is there is one with "the", "its" or the like before it, or a plain one such as "on grass". What comes
    with "a" is wished for as well, and is not among them.
    """
    found: set[int] = set()
    at = 0
    while at < len(words):
        end = _place(words, at)
        if end is None:
            at += 1
            continue
        while (
            end < len(words) and words[end] == "and" and words[end + 1 : end + 2] and words[end + 1] in lexicon.DEFINITE
        ):
            end = _noun(words, end + 2)  # "between the tree and the house"
        found.update(range(at, end))
        at = end
    return found


def position(words: Sequence[str]) -> tuple[int, int]:
    """The side or corner that a prompt names: -1, 0 or 1 from left to right, and from top to bottom; 0 where it does
    not say, or names both sides."""
    sides = [at for at, word in enumerate(words) if word in lexicon.POSITIONS and not _of_a_thing(words, at)]
    named = [lexicon.POSITIONS[words[at]] for at in sides]
    across, down = ({pair[axis] for pair in named if pair[axis]} for axis in (0, 1))
    return (across.pop() if len(across) == 1 else 0, down.pop() if len(down) == 1 else 0)


def _of_a_thing(words: Sequence[str], at: int) -> bool:
    """Whether a side is that of something in the picture: "on top of the rock"."""
    end = at + 1
    while end < len(words) and words[end] in (*lexicon.PLACE_NOUNS, *lexicon.POSITIONS, "hand"):
        end += 1
    return end + 2 < len(words) and words[end] == "of" and not _PICTURE & set(words[end + 1 : end + 4])


def _place(words: Sequence[str], at: int) -> int | None:
    """Where a phrase that says where ends, if one begins there."""
    first = words[at]
    if first not in lexicon.PLACING and not (first == "of" and at and words[at - 1] in lexicon.PLACE_NOUNS):
        return None
    following = at + 1
    while following < len(words) and words[following] in lexicon.PLACING:  # "next to", "up on"
        following += 1
    if following >= len(words):
        return None
    if words[following] in lexicon.DEFINITE:
        end = _noun(words, following + 1)
        return None if words[end - 1] in lexicon.NO_PLACE else end
    end = following
    while end < len(words) and words[end] in (*lexicon.POSITIONS, *lexicon.PLACE_NOUNS):
        end += 1
    if end < len(words) and words[end] in _OF_A_SCENE:
        end += 1
    return end if end > following else None


def _noun(words: Sequence[str], at: int) -> int:
    """Where a noun with what stands before it ends; one position and its "of the" go on: "the top of the hill"."""
    end = at
    while end < len(words) and words[end] not in _ENDS and not words[end].endswith("ing"):
        end += 1
    if (
        end < len(words) - 1
        and words[end] == "of"
        and words[end + 1] in lexicon.DEFINITE
        and words[end - 1] in lexicon.PLACE_NOUNS
    ):
        return _noun(words, end + 2)
    return end
