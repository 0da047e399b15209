"""The common words that are read in a prompt: sizes, numbers, colours, where a thing is."""

from __future__ import annotations

from typing import Literal


def word_set(text: str) -> frozenset[str]:
    """The words of a text: long lists read better as one."""
    return frozenset(text.split())


def numbers(text: str) -> dict[str, int]:
    """Words of a text, each with the number behind it."""
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def by_word(table: dict[str, str]) -> dict[str, str]:
    """By word, the key of a table in whose text it is."""
    return {word: meant for meant, words in table.items() for word in words.split()}


Size = Literal["small", "medium", "large"]
Place = Literal["sky", "ground", "any"]

MOST = 5
"""More than this many objects are not asked of one edit."""

SMALL = word_set("small tiny little mini miniature wee baby petite")
LARGE = word_set("large big huge giant enormous gigantic massive")

COUNTS: dict[str, int] = numbers(
    "one 1 two 2 pair 2 couple 2 three 3 some 3 few 3 four 4 several 4 five 5 many 5 lots 5 lot 5 bunch 3 group 3 "
    "trio 3 cluster 4 flock 5 herd 5 swarm 5"
)
LARGER_COUNTS: dict[str, int] = numbers(
    "six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 dozen 12 dozens 24 twenty 20 fifty 50 hundred 100 "
    "hundreds 200 thousand 1000 thousands 2000 countless 1000"
)
"""Numbers beyond :data:`MOST`."""

COLOUR_WORDS: dict[str, str] = by_word(
    {
        "red": "red crimson scarlet ruby maroon",
        "orange": "orange amber",
        "yellow": "yellow golden gold",
        "green": "green emerald lime olive",
        "blue": "blue navy azure cyan turquoise teal",
        "purple": "purple violet lilac lavender mauve",
        "pink": "pink magenta rosy",
        "white": "white ivory silver",
        "black": "black",
        "brown": "brown tan",
        "gray": "gray grey",
    }
)

VERBS = word_set("add put place draw paint show insert make include create give")
PREPOSITIONS = word_set(
    "in on near by beside under over above behind at to below around against from into onto with of inside across "
    "along between among underneath beneath"
)
SKY_WORDS = word_set("sky skies air flying airborne heaven")
GROUND_WORDS = word_set("ground grass floor table lawn meadow soil sand beach path rock rocks field")

MISLEADING = frozenset(
    {
        *("hot dog", "hot dogs", "sea horse", "sea horses", "guinea pig", "guinea pigs", "sea lion", "sea lions"),
        *("prairie dog", "prairie dogs", "sea urchin", "bell pepper", "bell peppers", "pine cone", "pine cones"),
        *("horse chestnut", "bird of paradise", "cat walk", "moon walk"),
    }
)
"""Names of things that are not what a word in them names."""


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
