"""How a prompt stands to each of its words: wished for, refused, to be changed, or to stay as it is.

It is read from left to right. A word such as "no" or "remove" holds for what follows it, up to the end of the sentence
or to a word that begins another wish; a word such as "disappear" for what stands before it. Where both readings are
possible, the one under which less is drawn is taken: what was refused must not appear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from services.generator.language import foreign, lexicon
from services.generator.language.tokens import END, PAUSE
from services.generator.language.words import word_set

Stance = Literal["add", "remove", "edit", "keep"]

_LONGEST_PHRASE = max(map(len, lexicon.PHRASES))
_TO_BE_THERE = word_set(
    "allowed permitted wanted needed welcome visible present there here shown included be appear exist drawn added "
    "required desired seen stay remain necessary "
)
_SPOKEN_OF = ("it", "them", "him", "her", "everything", "this")
_DEGREES = ("bit", "little", "lot", "tad", "touch", "shade")
_THANKS = ("thanks", "thank", "you", "please", "way", "sorry")
_AWAY = {
    "take": ("away", "out", "off", "from"),
    "leave": ("out",),
    "go": ("away",),
    "throw": ("away", "out"),
    "chase": ("away",),
}


def stances(words: Sequence[str], starts_object: Callable[[int], int]) -> list[Stance]:
    """The stance of each word.

    Args:
        words: from :func:`services.generator.language.tokens.tokenize`.
        starts_object: where the name of a known object that begins there ends, articles and adjectives before it
            aside; 0: none begins there.
    """
    found: list[Stance] = []
    start = 0
    while start < len(words):
        end = words.index(END, start) if END in words[start:] else len(words)
        sentence = words[start:end]
        if any(map(foreign.is_foreign, sentence)) and foreign.refuses(sentence):
            found += ["remove"] * len(sentence)
        else:
            found += _Sentence(sentence, lambda at, first=start: starts_object(first + at)).read()  # type: ignore[misc]
        if end < len(words):
            found.append("add")
        start = end + 1
    _refuse_what_a_lone_no_follows(words, found)
    return found


class _Sentence:
    """One sentence, while it is read."""

    def __init__(self, words: Sequence[str], starts_object: Callable[[int], int]) -> None:
        self._words = words
        self._starts_object = starts_object
        self._found: list[Stance] = []
        self._stance: Stance = "add"
        self._clause = 0
        """Where the present wish began."""
        self._replacing = self._giving = False
        self._ends_at_comma = False

    def read(self) -> list[Stance]:
        at = 0
        while at < len(self._words):
            length = self._phrase(at)
            if length:
                self._found += ["keep" if self._stance == "add" else self._stance] * length
            else:
                length = self._word(at)
                self._found += [self._stance] * length
            at += length
            if self._words[at - 1] in lexicon.GONE or tuple(self._words[at - 2 : at]) in lexicon.GOING:
                self._refuse_before(at)
        return self._found

    def _become(self, stance: Stance, at: int) -> None:
        if stance != "remove" or self._stance != "add":
            self._clause = at
        self._stance, self._ends_at_comma = stance, False
        self._replacing = self._giving = False

    def _phrase(self, at: int) -> int:
        """Take a phrase that has a stance of its own: its length in words, or 0."""
        for length in range(min(_LONGEST_PHRASE, len(self._words) - at), 1, -1):
            named = lexicon.PHRASES.get(tuple(self._words[at : at + length]))
            if named == "add":
                self._become("add", at)
                return length
            if named == "remove":
                self._become("remove", at)
                self._ends_at_comma = at == 0 and self._words[0] in ("instead", "rather", "in")
                return length
        return 0

    def _word(self, at: int) -> int:
        """Take one word, or one with those that belong to it: how many."""
        word, following = self._words[at], self._words[at + 1 : at + 3]
        if word == PAUSE:
            if self._ends_at_comma and not {"or", "nor"} & set(self._words[at:]):
                self._become("add", at)
            return 1
        if word in lexicon.NEGATING:
            return self._negate(at)
        turns = word == "instead" or (word in ("but", "only") and self._stance in ("remove", "edit"))
        if turns or (self._giving and word in lexicon.ARTICLES):
            self._become("add", at)
        elif self._replacing and word in lexicon.BECOMING:
            if self._starts_object(at + 1):
                self._become("add", at)
        elif self._begins(at) and (word in lexicon.REMOVING or self._takes_away(at)):
            self._become("remove", at)
        elif self._begins(at) and word in lexicon.KEEPING and word not in lexicon.ADDING:
            self._become("keep", at)
        elif self._begins(at) and (word in lexicon.EDITING or self._shapes(at)):
            self._become("edit", at)
            self._replacing = word in lexicon.REPLACING
            self._giving = word in ("give", "gives", "get", "gets")
        elif self._begins(at) and word in lexicon.ADDING and not (word == "want" and following[:1] == ["no"]):
            self._become("add", at)
        return 1

    def _takes_away(self, at: int) -> bool:
        word, rest = self._words[at], self._clause_from(at + 1)
        return bool(set(_AWAY.get(word, ())) & set(rest)) or (
            word in ("take", "hold") and rest[:1] in (["the"], ["this"], ["that"])
        )

    def _negate(self, at: int) -> int:
        words = self._words
        if words[at] in ("0", "zero") and not self._starts_object(at + 1):
            return 1
        step = at + 1
        while step < len(words) and words[step] in ("ever", "please", "want", "you", "to", "the", "any", "even"):
            step += 1
        follows = words[step] if step < len(words) else ""
        if follows.endswith("ing") or words[at] in ("not", "never", "no"):
            harmless = (
                lexicon.EDITING
                | lexicon.REMOVING
                | lexicon.KEEPING
                | {"touch", "touching", "affect", "affecting", "harm", "damage"}
            )
            if follows in harmless:  # "do not change the sky": nothing to be done, and nothing refused
                self._become("keep", at)
                return step + 1 - at
        if words[at] == "not" and self._is_there(at + 1):
            self._stance = "remove"
            self._refuse_before(at)
            return 1
        self._become("remove", at)
        self._ends_at_comma = at == 0 and words[0] in lexicon.PREPOSITIONAL
        return 1

    def _is_there(self, at: int) -> bool:
        """Whether "not" is said of what stands before: "cats are not allowed"."""
        rest = self._clause_from(at)
        return bool(rest) and rest[0] in _TO_BE_THERE and not any(map(self._starts_object, range(at, at + len(rest))))

    def _clause_from(self, at: int) -> list[str]:
        """The words from there to the next pause."""
        rest = list(self._words[at:])
        return rest[: rest.index(PAUSE)] if PAUSE in rest else rest

    def _begins(self, at: int) -> bool:
        """Whether a verb there begins another wish, rather than being part of the one before."""
        if at == 0 or self._words[at] in lexicon.ALWAYS_VERBS:
            return True
        before = self._words[at - 1]
        return before == PAUSE or before in lexicon.STARTING or (before == "to" and self._stance == "add")

    def _shapes(self, at: int) -> bool:
        """Whether a verb such as "make" is to change what is there: "make the sky red", but not "make the cat"."""
        words = self._words
        if words[at] not in lexicon.SHAPING or at + 1 >= len(words):
            return False
        if words[at + 1] in _SPOKEN_OF:
            rest = words[at + 2 : at + 4]
            by_degrees = rest[:1] == ["a"] and rest[-1] in _DEGREES and not self._starts_object(at + 2)
            if by_degrees or rest[:1] not in (["a"], ["an"]):
                return True
        if words[at + 1] not in lexicon.DEFINITE:
            return False
        rest = self._clause_from(at + 2)
        if any(word in lexicon.ARTICLES for word in rest):
            return words[at] in ("give", "gives", "get", "gets")  # "give the cat a hat"
        stop = next((i for i, word in enumerate(rest) if word in lexicon.PLACING or word in ("and", "with")), len(rest))
        named = [i for i in range(stop) if self._starts_object(at + 2 + i)]
        if not named:
            return stop > 1
        last = max(self._starts_object(at + 2 + i) for i in named) - (at + 2)
        return any(word not in lexicon.HARMLESS for word in rest[last:stop])

    def _refuse_before(self, end: int) -> None:
        """What was said in this wish so far is refused, where nothing follows that it could be said of."""
        last = self._words[end - 1]
        if last in lexicon.GONE and end < len(self._words) and self._starts_object(end):
            self._become("remove", end)  # "an invisible cat"
            self._found[end - 1] = "remove"
            return
        for at in range(self._clause, min(end, len(self._found))):
            self._found[at] = "remove"


def _refuse_what_a_lone_no_follows(words: Sequence[str], found: list[Stance]) -> None:
    """ "Cats? No." refuses the cats, and "the tree: remove" the tree."""
    spoken = [at for at, word in enumerate(words) if word not in (END, PAUSE)]
    politely = next((at for at in reversed(spoken) if words[at] not in _THANKS), -1)
    if politely >= 0 and words[politely] == "no":  # "no thanks", "no, thank you"
        spoken = [at for at in spoken if at <= politely]
    last = words[spoken[-1]] if len(spoken) > 1 else ""
    if last in ("no", "not", "never", "none", "nope") or (last in lexicon.REMOVING and last in lexicon.ALWAYS_VERBS):
        for at in spoken:
            found[at] = "remove"
