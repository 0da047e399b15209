"""Writes ``vocabulary.json`` into the model's folder: what the server may ask this model for."""

from __future__ import annotations

import json
from pathlib import Path

from training.objects import FALLBACK, OBJECTS
from training.sources import SOURCES, STYLES

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


def table() -> dict[str, object]:
    """The vocabulary as the server reads it; the README beside this file says what each key means."""
    rows = []
    for item in OBJECTS:
        styles = [source.style for source in SOURCES if source.for_model and source.name not in item.skip]
        if item.code in MISSING:
            styles = [style for style in styles if style not in MISSING[item.code]]
        plain = {source.style for source in SOURCES if source.name in item.plain}
        coloured = [style for style in styles if item.colours and style not in plain]
        rows.append(
            {
                "name": item.name,
                "plural": item.plural,
                "synonyms": list(item.synonyms),
                "nearest": [*item.kinds, *GENERAL.get(item.name, ())],
                "place": item.place,
                "colours": list(item.colours),
                "coloured_styles": coloured,
                "natural": list(NATURAL.get(item.name, ())),
                "styles": styles,
            }
        )
    return {
        "version": 1,
        "caption": "{article} {style} {colour} {object}",
        "styles": list(STYLES),
        "fallback": FALLBACK,
        "objects": rows,
    }


MISSING: dict[str, tuple[str, ...]] = {
    "1f9a2": ("simple", "drawn"),
    "1f994": ("simple",),
    "1fa81": ("simple", "drawn"),
    "1fad6": ("simple", "drawn"),
    "1f9f8": ("simple", "drawn"),
    "1f9c1": ("simple", "drawn"),
}
"""Styles whose set came before the object did; ``tests/unit/training`` holds this to the data when it is there."""


def write(folder: Path) -> None:
    """Write the file, one object a line."""
    text = json.dumps(table(), indent=1, ensure_ascii=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
