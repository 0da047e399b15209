"""Which known object a prompt wishes for, and which of its words come to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import zip_longest

from services.generator.language import foreign, lexicon
from services.generator.language.places import place_words
from services.generator.language.stances import Stance, stances
from services.generator.language.tokens import END, PAUSE, POSSESSIVE

SIMILAR = 0.8
"""``difflib`` ratio from which a misspelt word counts as a known one."""
MAX_GUESSES = 12
"""Unknown words of one prompt that are held against the known ones: each takes a millisecond."""
_SHORTEST_GUESS = 4
_CERTAIN = 5
"""Letters up to which one that is exchanged for another makes another word."""

_BREAKS = (
    lexicon.CONJUNCTIONS
    | lexicon.PREPOSITIONS
    | lexicon.PLACING
    | lexicon.ADDING
    | {END, PAUSE, "with", "of", "that", "which", "who", "is", "are"}
)


@dataclass(frozen=True, slots=True)
class Match:
    """A known object in the words ``start`` to ``end`` (exclusive) of a prompt.

    Attributes:
        nearest: the words name something else, of which it is the nearest relative that is known; or misspell it.
    """

    start: int
    end: int
    object: str
    plural: bool
    nearest: bool


class Reading:
    """A prompt, word by word.

    Args:
        words: from :func:`services.generator.language.tokens.tokenize`.
        starts_object: see :func:`services.generator.language.stances.stances`.
        singles: the known names of one word, and what each means, for misspellings.

    Attributes:
        main: the object that is wished for, or None.
        refused: objects that are refused, or that are to be changed.
    """

    def __init__(
        self,
        words: Sequence[str],
        matches: Sequence[Match],
        starts_object: Callable[[int], int],
        singles: Mapping[str, tuple[str, bool]],
    ) -> None:
        self.words = words
        self.stances: list[Stance] = stances(words, starts_object)
        self._places = {at for at in place_words(words) if self.stances[at] == "add"}
        # In another language, a word that only resembles an object's relative is chance: "Hut" is a hat.
        is_foreign = any(foreign.is_foreign(word) for word in words if word not in (END, PAUSE, POSSESSIVE))
        self._matches = [match for match in matches if not (is_foreign and match.nearest)]
        self._named = {at for match in self._matches for at in range(match.start, match.end)}
        self.refused = {match.object for match in matches if self._stance(match) in ("remove", "edit")}
        self.main = self._chosen() or self._guess(singles)
        """A nearest relative of what is refused is refused with it: it was not wished for by name."""
        if self.main is not None and self.main.nearest and self.main.object in self.refused:
            self.main = None

    @property
    def wishes(self) -> bool:
        """Whether anything at all is wished for; also where it is nothing that is known, or nothing is said."""
        added = [self.stances[at] == "add" for at, word in enumerate(self.words) if word not in (END, PAUSE)]
        return all(added) or any(stance == "add" and self._is_content(at) for at, stance in enumerate(self.stances))

    @property
    def phrase_start(self) -> int:
        """Where the words begin that belong to the main object: its article, number, adjectives."""
        return self._start_of(self.main) if self.main else len(self.words)

    @property
    def noun_start(self) -> int:
        """Where the main object's own name begins, with names before it that make one word of it ("dog house")."""
        assert self.main is not None
        first = self.main.start
        for match in reversed(self._matches):
            if match.end <= first and self._makes_one_word(match, first):
                first = match.start
        return first

    def undone(self) -> list[bool]:
        """Words of what was to be taken away, or changed."""
        return [
            stance in ("remove", "edit") and word not in (END, PAUSE)
            for word, stance in zip(self.words, self.stances, strict=True)
        ]

    def alternatives(self) -> set[int]:
        """Positions of what would have done as well as the main object: the dog of "a cat or a dog"."""
        found: set[int] = set()
        for match in self._matches:
            start = self._start_of(match)
            if self.main is not None and self.main.end == start - 1 and self.words[start - 1] == "or":
                found.update(range(start, match.end))
        return found

    def passed_over(self, used: set[int]) -> list[bool]:
        """Words of a wish that come to nothing; ``used`` are those that were heeded, the object's own among them."""
        main = self.main.object if self.main else None
        again = [match for match in self._matches if match.object == main and self._is_said_again(match)]
        same = {at for match in again for at in range(match.start, match.end)}
        return [
            self.stances[at] == "add" and self._is_content(at) and at not in used and at not in same
            for at in range(len(self.words))
        ]

    def glue(self) -> list[bool]:
        """The small words between others."""
        return [word in lexicon.GLUE or word in lexicon.HARMLESS or word == POSSESSIVE for word in self.words]

    # -- the object ---------------------------------------------------------------------------------------------------

    def _stance(self, match: Match) -> Stance:
        return self.stances[match.end - 1]

    def _chosen(self) -> Match | None:
        candidates = [
            match
            for match, other in zip_longest(self._matches, self._matches[1:])
            if self._stance(match) == "add" and match.start not in self._places and self._is_head(match, other)
        ]
        return min(candidates, key=lambda each: (each.nearest, self._is_accessory(each), each.start), default=None)

    def _is_head(self, match: Match, other: Match | None) -> bool:
        """Whether the object itself is meant, and not a word before another one: the house of "a dog house". ``other``
        is the next object: with what comes behind that one, it makes one word only where it does with it."""
        if other is not None and self._makes_one_word(match, other.start):
            return False
        following = self.words[match.end : match.end + 1]
        unknown = bool(following) and not self.is_plain(following[0]) and not following[0].endswith("ing")
        return not (match.nearest and unknown)  # "a fire engine" is no fire

    def _makes_one_word(self, match: Match, start: int) -> bool:
        between = self.words[match.end : start]
        return all(
            word not in _BREAKS and word not in lexicon.DETERMINERS and not word.endswith("ing") for word in between
        ) and all(stance == "add" for stance in self.stances[match.start : start + 1])

    def _is_accessory(self, match: Match) -> bool:
        """Whether it is named behind a preposition: "a cat on a sailboat"."""
        for word in reversed(self.words[: match.start]):
            if word in lexicon.ADDING or word in (END, PAUSE):
                return False
            if word in lexicon.PREPOSITIONS or word == "with":
                return True
        return False

    def _is_said_again(self, match: Match) -> bool:
        """Whether the main object is only named once more, and not wished for twice: "a ladybug 🐞"."""
        bare = match.start == 0 or self.words[match.start - 1] in (END, PAUSE)
        return bare or (self.main is not None and (match.start == self.main.end or match.end == self.main.start))

    def _guess(self, singles: Mapping[str, tuple[str, bool]]) -> Match | None:
        tried = 0
        for at, word in enumerate(self.words):
            if len(word) < _SHORTEST_GUESS or self.stances[at] != "add" or at in self._places or self.is_plain(word):
                continue
            if word in singles or at in self._named:
                continue
            similar = get_close_matches(word, singles, n=3, cutoff=SIMILAR)
            if close := next((known for known in similar if _may_be_misspelt(word, known)), None):
                name, plural = singles[close]
                return Match(at, at + 1, name, plural, nearest=True)
            tried += 1
            if tried == MAX_GUESSES:
                break
        return None

    def _start_of(self, match: Match) -> int:
        start = match.start
        while start:
            before = self.words[start - 1]
            if before in ("and", "or", PAUSE):
                if not (start >= 2 and {self.words[start - 2], self.words[start]} <= lexicon.ADJECTIVES):
                    break
            elif before in _BREAKS and before not in lexicon.COLOUR_WORDS:
                break
            start -= 1
            if before in lexicon.DETERMINERS:
                break
        return start

    # -- words --------------------------------------------------------------------------------------------------------

    def is_plain(self, word: str) -> bool:
        """Whether a word names nothing by itself."""
        return word in lexicon.PLAIN or word in (END, PAUSE, POSSESSIVE)

    def _is_content(self, at: int) -> bool:
        word = self.words[at]
        if at in self._places or word in (END, PAUSE, POSSESSIVE):
            return False
        return at in self._named or not (word in lexicon.HARMLESS or word in lexicon.ADDING or word in lexicon.GLUE)


def _may_be_misspelt(word: str, known: str) -> bool:
    """Whether a similar word is likely a slip: people get the first letter right, and "clown" is no "crown"."""
    if word[0] != known[0]:
        return False
    return len(word) != len(known) or len(word) > _CERTAIN or sorted(word) == sorted(known)
