"""What a layer model can draw, and which of it a prompt means.

A small model knows a closed set of objects. Its folder says which in ``vocabulary.json``; here a free prompt ("add a
small ladybug in the lower right corner") becomes the caption the model was trained on, and a prompt it has no word
for becomes the nearest object it knows. Whatever of a prompt is not done is said in a sentence, and what it refuses is
never drawn. Pure: no torch, no image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.generator.language import lexicon
from services.generator.language.reading import Match, Reading
from services.generator.language.tokens import END, PAUSE, quoted, tokenize
from services.generator.language.wishes import KnownObject, ResolvedPrompt, resolve
from services.generator.language.words import plural_of, singulars

FILE = "vocabulary.json"
LONGEST = 4
"""Words in the longest name of an object ("slice of watermelon" has three)."""
_BEFORE_OBJECT = lexicon.SMALL | lexicon.LARGE | lexicon.COLOUR_WORDS.keys()
_BEFORE_NOUN = lexicon.DETERMINERS | lexicon.ADJECTIVES | lexicon.COUNTS.keys()


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
        self._singles = {
            word: (name, plural) for word, (name, plural, nearest) in words.items() if " " not in word and not nearest
        }

    @classmethod
    def load(cls, folder: Path) -> Vocabulary | None:
        """The vocabulary in a model's folder, or None where the model has none and takes any prompt. Raises
        ``ValueError`` when the file is there and is not understood."""
        path = Path(folder) / FILE
        if not path.is_file():
            return None
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            objects: dict[str, KnownObject] = {}
            words: dict[str, tuple[str, bool, bool]] = {}
            for row in table["objects"]:
                name = str(row["name"])
                lists = (tuple(row[key]) for key in ("colours", "natural", "styles", "coloured_styles"))
                objects[name] = KnownObject(name, row["plural"], row["place"], *lists)
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
        words = tokenize(prompt)
        reading = Reading(
            words, list(self._matches(words)), lambda at: self._end(words, at, _BEFORE_NOUN), self._singles
        )
        return resolve(reading, self.objects, self.fallback)

    def mentioned(self, text: str) -> tuple[set[str], str]:
        """The objects that a list of things names, and quoted, the words in it that are none."""
        words = tokenize(text)
        matches = list(self._matches(words))
        known = {at for match in matches for at in range(match.start, match.end)}
        unknown = [
            at not in known and word not in lexicon.PLAIN and word not in (END, PAUSE) for at, word in enumerate(words)
        ]
        named = {match.object for match in matches if not match.nearest}
        return named, quoted(words, unknown, [word in lexicon.GLUE for word in words])

    def to_json(self) -> dict[str, Any]:
        """All that a prompt may say, for people and programs that write prompts."""
        return {
            "objects": [
                {
                    **{key: getattr(item, key) for key in ("name", "plural", "colours", "place", "styles")},
                    "synonyms": self._phrases(item, nearest=False),
                    "nearest": self._phrases(item, nearest=True),
                }
                for item in self.objects.values()
            ],
            "colours": {
                colour: sorted(word for word, meant in lexicon.COLOUR_WORDS.items() if meant == colour)
                for colour in sorted({colour for item in self.objects.values() for colour in item.colours})
            },
            "sizes": {"small": sorted(lexicon.SMALL), "large": sorted(lexicon.LARGE)},
            "numbers": lexicon.COUNTS,
            "most": lexicon.MOST,
            "styles": list(self.styles),
            "fallback": self.fallback,
        }

    def _phrases(self, item: KnownObject, *, nearest: bool) -> list[str]:
        return [
            phrase
            for phrase, (name, plural, near) in self._words.items()
            if name == item.name and near == nearest and not plural and phrase not in (item.name, item.plural)
        ]

    def _matches(self, words: list[str]) -> Iterator[Match]:
        """Known phrases from left to right, the longest at each place; a colour before an object is not a fruit."""
        at = 0
        while at < len(words):
            if step := next((n for n in (3, 2) if " ".join(words[at : at + n]) in lexicon.MISLEADING), 0):
                at += step
                continue
            end, known = self._longest(words, at)
            is_colour = end == at + 1 and words[at] in lexicon.COLOUR_WORDS and self._end(words, end, _BEFORE_OBJECT)
            if known is not None and not is_colour:
                yield Match(at, end, *known)
                at = end
            else:
                at += 1

    def _longest(self, words: list[str], at: int) -> tuple[int, tuple[str, bool, bool] | None]:
        """Where the longest known phrase that begins there ends, and what it names; 0 and None: none does."""
        for end in range(min(at + LONGEST, len(words)), at, -1):
            if known := self._known(words[at:end]):
                return end, known
        return 0, None

    def _known(self, phrase: list[str]) -> tuple[str, bool, bool] | None:
        """Object, whether plural, whether only a relative of it, that a phrase names."""
        known = self._words.get(" ".join(phrase))
        if known is None and len(phrase) == 2 and phrase[0] not in lexicon.COLOUR_WORDS:
            known = self._words.get("".join(phrase))  # "sun flower"
        if known is None and len(phrase) == 1:
            known = next((self._words[form] for form in singulars(phrase[0]) if form in self._words), None)
        if known is None and len(phrase) > 1:  # "maple leaves"
            forms = (" ".join([*phrase[:-1], form]) for form in singulars(phrase[-1]))
            several = next((self._words[form] for form in forms if form in self._words), None)
            known = (several[0], True, several[2]) if several else None
        return known

    def _end(self, words: list[str], at: int, may_precede: frozenset[str]) -> int:
        """Where a known phrase that begins at ``at`` ends, words that may precede it aside; 0: none does."""
        found = 0
        while at < len(words):
            found = self._longest(words, at)[0] or found
            if words[at] not in may_precede:
                break
            at += 1
        return found
