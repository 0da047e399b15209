"""The common words that ``vocabulary`` reads in a prompt: sizes, numbers, colours, where a thing is."""

from __future__ import annotations

from typing import Literal

Size = Literal["small", "medium", "large"]
Place = Literal["sky", "ground", "any"]

MOST = 5
"""More than this many objects are not asked of one edit."""

SMALL = frozenset({"small", "tiny", "little", "mini", "miniature", "wee", "baby", "petite"})
LARGE = frozenset({"large", "big", "huge", "giant", "enormous", "gigantic", "massive"})

COUNTS: dict[str, int] = {
    "one": 1,
    "two": 2,
    "pair": 2,
    "couple": 2,
    "three": 3,
    "some": 3,
    "few": 3,
    "four": 4,
    "several": 4,
    "five": 5,
    "many": 5,
    "six": 5,
    "lots": 5,
    "bunch": 3,
    "group": 3,
}

COLOUR_WORDS: dict[str, str] = {
    "red": "red",
    "crimson": "red",
    "scarlet": "red",
    "ruby": "red",
    "maroon": "red",
    "orange": "orange",
    "amber": "orange",
    "yellow": "yellow",
    "golden": "yellow",
    "gold": "yellow",
    "green": "green",
    "emerald": "green",
    "lime": "green",
    "olive": "green",
    "blue": "blue",
    "navy": "blue",
    "azure": "blue",
    "cyan": "blue",
    "turquoise": "blue",
    "teal": "blue",
    "purple": "purple",
    "violet": "purple",
    "lilac": "purple",
    "lavender": "purple",
    "mauve": "purple",
    "pink": "pink",
    "magenta": "pink",
    "rosy": "pink",
    "white": "white",
    "ivory": "white",
    "silver": "white",
    "black": "black",
    "brown": "brown",
    "tan": "brown",
    "gray": "gray",
    "grey": "gray",
}

VERBS = frozenset({"add", "put", "place", "draw", "paint", "show", "insert", "make", "include", "create", "give"})
PREPOSITIONS = frozenset(
    {
        "in",
        "on",
        "near",
        "by",
        "beside",
        "under",
        "over",
        "above",
        "behind",
        "at",
        "to",
        "below",
        "around",
        "against",
        "from",
        "into",
        "onto",
        "with",
        "of",
        "inside",
        "across",
        "along",
        "between",
        "among",
        "underneath",
        "beneath",
    }
)
SKY_WORDS = frozenset({"sky", "skies", "air", "flying", "airborne", "heaven"})
GROUND_WORDS = frozenset(
    {
        "ground",
        "grass",
        "floor",
        "table",
        "lawn",
        "meadow",
        "soil",
        "sand",
        "beach",
        "path",
        "rock",
        "rocks",
        "field",
    }
)

FILLERS = (
    VERBS
    | PREPOSITIONS
    | SMALL
    | LARGE
    | SKY_WORDS
    | GROUND_WORDS
    | frozenset(
        {
            "that",
            "this",
            "with",
            "corner",
            "lower",
            "upper",
            "left",
            "right",
            "middle",
            "center",
            "centre",
            "bottom",
            "photo",
            "picture",
            "image",
            "please",
            "some",
            "very",
            "cute",
            "pretty",
            "nice",
            "beautiful",
            "here",
            "there",
            "floating",
            "sitting",
            "standing",
            "resting",
            "drifting",
            "hovering",
            "background",
            "foreground",
            "something",
        }
    )
)


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


def colour_of(words: list[str], start: int, end: int) -> str | None:
    """The colour word nearest before the object, else one said of it after ("a balloon that is red")."""
    for word in reversed(words[max(0, start - 4) : start]):
        if word in COLOUR_WORDS:
            return COLOUR_WORDS[word]
        if word in PREPOSITIONS:
            break
    after = [
        word for word in words[end : end + 4] if word not in ("that", "which", "is", "are", "in", "coloured", "colored")
    ]
    return COLOUR_WORDS.get(after[0]) if after and len(words) <= end + 4 else None


def size_of(words: list[str]) -> Size:
    """The size asked for."""
    if SMALL & set(words):
        return "small"
    return "large" if LARGE & set(words) else "medium"


def place_of(words: list[str]) -> Place | None:
    """Where the prompt says the object is to be, if it says."""
    if SKY_WORDS & set(words):
        return "sky"
    return "ground" if GROUND_WORDS & set(words) else None


def count_of(words: list[str], start: int, plural: bool) -> int:
    """How many are asked for: a number before the object, else two for a bare plural."""
    for word in reversed(words[max(0, start - 5) : start]):
        if word in COUNTS:
            return COUNTS[word]
        if word.isascii() and word.isdigit():
            return max(1, min(int(word), MOST))
        if word in ("a", "an", "one", "single", "the") and not plural:
            return 1
    return 2 if plural else 1
