"""What people write for a drawing, as the model's captions: one canonical form and many paraphrases."""

from __future__ import annotations

import random

from services.generator.language.words import plural_of
from training.dataset import Entry
from training.objects import BY_NAME, OBJECTS, PALETTE
from training.sources import STYLES

VERBS = ("add", "put", "place", "draw", "paint", "show", "insert", "make", "include")
SIZES = ("small", "tiny", "little", "large", "big", "huge")
MOODS = ("cute", "pretty", "lovely", "single", "nice", "bright", "beautiful")
PLACES = (
    "in the sky",
    "on the ground",
    "in the lower right corner",
    "in the upper left corner",
    "in the corner",
    "at the top",
    "at the bottom",
    "on the left",
    "on the right",
    "in the middle",
    "in the grass",
    "floating in the sky",
    "here",
    "in the foreground",
    "in the background",
    "on the table",
    "near the edge",
    "in the top right",
    "in the bottom left",
    "over the mountains",
    "by the water",
    "in the meadow",
    "please",
)
NUMBERS = ("two", "three", "some", "a few", "several", "many")


NAMED, CANONICAL = 0.88, 0.75
"""How often a caption names its manner, and how often it has the form in which the server asks."""


def article(word: str) -> str:
    """``a`` or ``an``."""
    return "an" if word[0] in "aeiou" else "a"


def canonical(name: str, colour: str = "", style: str = "") -> str:
    """The caption the server asks with: ``a glossy red balloon``; colour and style may be empty."""
    words = " ".join(word for word in (style, colour, name) if word)
    return f"{article(words)} {words}"


def paraphrase(entry: Entry, chance: random.Random) -> str:
    """One way of asking for this drawing; now and then without its style, or in the plural."""
    item = BY_NAME[entry.object]
    style = entry.style if chance.random() < NAMED else ""
    if chance.random() < CANONICAL:
        return canonical(entry.object, entry.colour, style)
    noun = chance.choice((item.name, item.name, item.name, *item.synonyms))
    words = [chance.choice(SIZES)] if chance.random() < 0.3 else []
    words += [chance.choice(MOODS)] if chance.random() < 0.15 else []
    words += [word for word in (style, entry.colour) if word]
    if chance.random() < 0.15:
        plural = item.plural if noun == item.name else plural_of(noun)
        phrase = " ".join([*([chance.choice(NUMBERS)] if chance.random() < 0.7 else []), *words, plural])
    else:
        phrase = " ".join([*words, noun])
        phrase = f"{article(phrase)} {phrase}" if chance.random() < 0.85 else phrase
    if chance.random() < 0.45:
        phrase = f"{chance.choice(VERBS)} {phrase}"
    if chance.random() < 0.45:
        phrase = f"{phrase} {chance.choice(PLACES)}"
    return phrase


def corpus() -> list[str]:
    """All words the captions use, for the tokenizer."""
    nouns = [word for item in OBJECTS for word in (item.name, item.plural, *item.synonyms)]
    nouns += [plural_of(word) for item in OBJECTS for word in item.synonyms]
    common = ["a", "an", "the", "of", "with", "and", "photo", "picture", "image"]
    return [
        *nouns * 4,
        *(list(PALETTE) + list(STYLES)) * 6,
        *VERBS,
        *SIZES,
        *MOODS,
        *PLACES,
        *NUMBERS,
        *common * 6,
    ]
