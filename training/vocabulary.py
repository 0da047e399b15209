"""Writes ``vocabulary.json`` into the model's folder: what the server may ask this model for."""

from __future__ import annotations

import json
from pathlib import Path

from training.objects import BY_NAME, FALLBACK, OBJECTS, Drawable
from training.sources import MANNERS, MANNERS_EACH, SOURCES, STYLES

FILE = "vocabulary.json"

NATURAL: dict[str, tuple[str, ...]] = {
    "banana": ("yellow",),
    "orange": ("orange",),
    "carrot": ("orange",),
    "pumpkin": ("orange",),
    "strawberry": ("red",),
    "pineapple": ("yellow",),
    "grapes": ("purple",),
    "pear": ("green", "yellow"),
    "sun": ("yellow", "orange"),
    "moon": ("yellow",),
    "cloud": ("white", "gray"),
    "snowflake": ("blue", "white"),
    "bee": ("yellow", "black"),
    "frog": ("green",),
    "turtle": ("green",),
    "crab": ("red", "orange"),
    "whale": ("blue",),
    "dolphin": ("blue",),
    "elephant": ("gray",),
    "pig": ("pink",),
    "bear": ("brown",),
    "fox": ("orange", "red"),
    "panda": ("black", "white"),
    "owl": ("brown",),
    "squirrel": ("brown",),
    "hedgehog": ("brown",),
    "horse": ("brown",),
    "sheep": ("white",),
    "swan": ("white",),
    "penguin": ("black", "blue"),
    "chick": ("yellow",),
    "duck": ("green", "brown"),
    "caterpillar": ("green",),
    "snail": ("brown",),
    "octopus": ("orange", "red", "purple"),
    "sunflower": ("yellow",),
    "daisy": ("white", "yellow"),
    "cactus": ("green",),
    "tree": ("green",),
    "pine tree": ("green",),
    "palm tree": ("green",),
    "clover": ("green",),
    "watermelon": ("red", "green"),
    "crown": ("yellow",),
    "bell": ("yellow",),
    "teddy bear": ("brown",),
    "ball": ("black", "white"),
    "cup": ("white",),
    "snowman": ("white",),
    "cat": ("orange", "yellow"),
    "dog": ("orange", "brown"),
    "gift": ("yellow", "red"),
    "house": (),
    "rocket": ("red", "white"),
    "airplane": ("blue", "white"),
    "cupcake": ("pink",),
    "shell": ("white", "gray"),
    "sailboat": ("red", "blue"),
}
"""Colours that an object has anyway: asking for one of them is no wish that goes unmet."""

GENERAL: dict[str, tuple[str, ...]] = {
    "rabbit": ("animal", "pet", "creature"),
    "apple": ("fruit", "food", "snack"),
    "car": ("vehicle",),
    "blossom": ("plant pot",),
    "tree": ("bushes",),
    "sun": ("weather",),
    "house": ("architecture",),
}
"""Words for whole classes, each with the member drawn for it."""


MISSING: dict[str, tuple[str, ...]] = {
    "1f9a2": ("simple", "drawn"),
    "1f994": ("simple",),
    "1fa81": ("simple", "drawn"),
    "1fad6": ("simple", "drawn"),
    "1f9f8": ("simple", "drawn"),
    "1f9c1": ("simple", "drawn"),
}
"""Styles whose set came before the object did; ``tests/unit/training`` holds this to the data when it is there."""


def styles_of(item: Drawable) -> list[str]:
    """The manners in which the model draws an object: one word for each set that has it."""
    missing = MISSING.get(item.code, ())
    have = {s.style for s in SOURCES if s.for_model and s.name not in item.skip and s.style not in missing}
    return [style for style in MANNERS if style in have][:MANNERS_EACH]


def coloured_styles_of(item: Drawable) -> list[str]:
    """Those of them in which it is also drawn in other colours."""
    plain = {source.style for source in SOURCES if source.name in item.plain}
    return [style for style in styles_of(item) if item.colours and style not in plain]


def is_learnt(name: str, colour: str, style: str) -> bool:
    """Whether the denoiser is trained on this object in this colour (empty: its own) and manner."""
    item = BY_NAME[name]
    return style in (coloured_styles_of(item) if colour else styles_of(item))


def table(left_out: frozenset[tuple[str, str]] = frozenset()) -> dict[str, object]:
    """The vocabulary as the server reads it; the README beside this file says what each key means.

    ``left_out``: pairs of object and manner that the server shall not ask for.
    """
    rows = []
    for item in OBJECTS:
        styles = [style for style in styles_of(item) if (item.name, style) not in left_out]
        coloured = [style for style in coloured_styles_of(item) if style in styles] or coloured_styles_of(item)
        rows.append(
            {
                "name": item.name,
                "plural": item.plural,
                "synonyms": list(item.synonyms),
                "nearest": [*item.kinds, *GENERAL.get(item.name, ())],
                "place": item.place,
                "colours": list(item.colours),
                "natural": list(NATURAL.get(item.name, ())),
                "styles": styles,
                "coloured_styles": coloured,
            }
        )
    return {
        "version": 1,
        "caption": "{article} {style} {colour} {object}",
        "styles": list(STYLES),
        "fallback": FALLBACK,
        "objects": rows,
    }


def write(folder: Path, left_out: frozenset[tuple[str, str]] = frozenset()) -> None:
    """Write the file."""
    text = json.dumps(table(left_out), indent=1, ensure_ascii=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
