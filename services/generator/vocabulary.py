"""What a layer model can draw, and which of it a prompt means.

A small model knows a closed set of objects. Its folder says which in ``vocabulary.json``; here a free prompt ("add a
small ladybug in the lower right corner") becomes the caption the model was trained on, and a prompt it has no word
for becomes the nearest object it knows, with a sentence that says so. Pure: no torch, no image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from services.generator.words import (
    COLOUR_WORDS,
    FILLERS,
    LARGE,
    PREPOSITIONS,
    SMALL,
    VERBS,
    Place,
    Size,
    colour_of,
    count_of,
    place_of,
    plural_of,
    singulars,
    size_of,
)

FILE = "vocabulary.json"
LONGEST = 4
"""Words in the longest name of an object ("slice of watermelon" has three)."""
SIMILAR = 0.8
"""``difflib`` ratio from which a misspelt word counts as a known one."""


@dataclass(frozen=True)
class KnownObject:
    """One thing the model draws: its name, where it belongs, and the colours it can be asked for in."""

    name: str
    plural: str
    place: Place
    colours: tuple[str, ...]
    natural: tuple[str, ...]
    """Colours it has anyway: asked for one of these, it is drawn as it is and nothing was left out."""
    styles: tuple[str, ...]
    """The manners in which the model draws it."""
    coloured_styles: tuple[str, ...]
    """Those of them that take a colour."""


@dataclass(frozen=True)
class ResolvedPrompt:
    """What a prompt was taken to mean. ``fallback`` says what was put in place of what was asked, or is None."""

    caption: str
    object: str
    colour: str | None
    size: Size
    place: Place
    count: int
    fallback: str | None
    styles: tuple[str, ...] = ()

    def caption_for(self, seed: int) -> str:
        """The caption with one of the manners of drawing the model knows for this object, chosen by the seed.

        The captions name the manner because one manner at a time is sharp, and because two seeds then differ.
        """
        if not self.styles:
            return self.caption
        # Knuth's multiplicative hash: neighbouring seeds fall on different manners, in no visible order.
        style = self.styles[(seed * 2654435761 % 2**32 >> 16) % len(self.styles)]
        return caption(self.object, self.colour, style)


def caption(name: str, colour: str | None = None, style: str | None = None) -> str:
    """The form the model was trained on: article, manner, colour, object."""
    words = " ".join(word for word in (style, colour, name) if word)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


@dataclass(frozen=True)
class _Match:
    """An object found in the words ``start`` to ``end`` (exclusive) of a prompt."""

    start: int
    end: int
    object: str
    plural: bool
    nearest: bool


class Vocabulary:
    """The objects of one model, and how prompts are mapped to them."""

    def __init__(
        self,
        objects: dict[str, KnownObject],
        words: dict[str, tuple[str, bool, bool]],
        fallback: str,
        styles: tuple[str, ...],
    ) -> None:
        """``words``: phrase to (object, whether plural, whether only its nearest known relative)."""
        self.objects, self.fallback, self.styles = objects, fallback, styles
        self._words = words
        self._singles = [word for word, (_, _, nearest) in words.items() if " " not in word and not nearest]

    @classmethod
    def load(cls, folder: Path) -> Vocabulary | None:
        """The vocabulary in a model's folder, or None where the model has none and takes any prompt.

        Raises ``ValueError`` when the file is there and is not understood.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            return None
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            objects: dict[str, KnownObject] = {}
            words: dict[str, tuple[str, bool, bool]] = {}
            for row in table["objects"]:
                name = str(row["name"])
                objects[name] = KnownObject(
                    name,
                    row["plural"],
                    row["place"],
                    tuple(row["colours"]),
                    tuple(row["natural"]),
                    tuple(row["styles"]),
                    tuple(row["coloured_styles"]),
                )
                for nearest, phrases in ((True, row["nearest"]), (False, [name, *row["synonyms"]])):
                    for phrase in phrases:
                        words.setdefault(plural_of(phrase), (name, True, nearest))
                        words[phrase] = (name, False, nearest)
                words[row["plural"]] = (name, row["plural"] != name, False)
            fallback = str(table["fallback"])
            if fallback not in objects:
                raise ValueError(f"its fallback {fallback!r} is not among its objects")
            return cls(objects, words, fallback, tuple(table["styles"]))
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not a vocabulary: {error}") from error

    def resolve(self, prompt: str) -> ResolvedPrompt:
        """What to draw for a prompt. Never fails: an unknown prompt gives the fallback object and says so."""
        words = re.findall(r"[^\W_]+", prompt.lower().replace("'s ", " "))
        match, reason = self._find(words)
        item = self.objects[match.object if match else self.fallback]
        start, end = (match.start, match.end) if match else (len(words), len(words))
        asked = colour_of(words, start, end) if match else None
        colour = asked if asked in item.colours else None
        if asked and not colour and asked not in item.natural:
            own = f"{item.name} is drawn in its own colours; {asked!r} was left out"
            reason = f"{reason}; {own}" if reason else own
        styles = item.coloured_styles if colour else item.styles
        named = tuple(style for style in styles if style in words)[:1]
        return ResolvedPrompt(
            caption(item.name, colour, *named),
            item.name,
            colour,
            size_of(words),
            place_of(words) or item.place,
            count_of(words, start, match.plural if match else False),
            reason,
            named or styles,
        )

    def _find(self, words: list[str]) -> tuple[_Match | None, str | None]:
        """The object meant, and the sentence that says what was substituted."""
        found = list(self._matches(words))
        for nearest in (False, True):
            chosen = _first([match for match in found if match.nearest == nearest], words)
            if chosen:
                if not nearest:
                    return chosen, None
                asked = " ".join(words[chosen.start : chosen.end])
                return (
                    chosen,
                    f"{asked!r} is not in the model's vocabulary; drew the nearest it knows, {chosen.object}",
                )
        for number, word in enumerate(words):
            if len(word) < 4 or word in FILLERS or word in COLOUR_WORDS:
                continue
            close = get_close_matches(word, self._singles, n=1, cutoff=SIMILAR)
            if close:
                name, plural, _ = self._words[close[0]]
                return (
                    _Match(number, number + 1, name, plural, True),
                    f"{word!r} is not in the model's vocabulary; drew the nearest it knows, {name}",
                )
        return None, f"nothing in the prompt is in the model's vocabulary; drew its fallback, {self.fallback}"

    def _matches(self, words: list[str]) -> Iterator[_Match]:
        """Known phrases from left to right, the longest at each place; a colour before an object is not a fruit."""
        at = 0
        while at < len(words):
            step = 1
            for length in range(min(LONGEST, len(words) - at), 0, -1):
                known = self._words.get(" ".join(words[at : at + length]))
                if known is None and length == 1:
                    known = next((self._words[form] for form in singulars(words[at]) if form in self._words), None)
                if known is None:
                    continue
                if length == 1 and words[at] in COLOUR_WORDS and self._starts_object(words, at + 1):
                    break
                name, plural, nearest = known
                yield _Match(at, at + length, name, plural, nearest)
                step = length
                break
            at += step

    def _starts_object(self, words: list[str], at: int) -> bool:
        """Whether a known phrase begins at ``at``, sizes and colours before it aside."""
        while at < len(words) and (words[at] in COLOUR_WORDS or words[at] in SMALL | LARGE) and at + 1 < len(words):
            at += 1
        return any(
            " ".join(words[at : at + length]) in self._words
            for length in range(1, LONGEST + 1)
            if at + length <= len(words)
        )


def _first(matches: list[_Match], words: list[str]) -> _Match | None:
    """The first object asked for: one that only says where ("next to the tree") comes last."""

    def tells_where(match: _Match) -> bool:
        for word in reversed(words[: match.start]):
            if word in VERBS:
                return False
            if word in PREPOSITIONS:
                return True
        return False

    return min(matches, key=lambda match: (tells_where(match), match.start), default=None)
