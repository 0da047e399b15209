"""Photographs before and after an edit, side by side: the strip in the README.

python examples/before_after.py docs/images/before_after.jpg

Runs the generator's engine in this process, with the model that the settings name.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from services.generator.engine import Edit, Engine, edited_picture
from services.generator.load import load_engine
from shared.process.settings import Settings
from shared.sectors import region

FOLDER = Path(__file__).parent
WIDTH, HEIGHT, GAP = 420, 315, 6
"""Of one picture in the strip, and between two; in pixels."""
SCALE = 3
"""The edit is made on a picture so many times as large, as a display would show it."""


@dataclass(frozen=True)
class Change:
    """One column: a photograph, the sector that changes, and how."""

    photograph: str
    sector: str
    prompt: str
    seed: int


CHANGES = (
    Change("meadow", "BR", "add a ladybug in the lower right corner", 4),
    Change("sunset", "TL", "add a red balloon in the sky", 2),
    Change("stream", "BC", "add a mushroom", 3),
)


def photograph(name: str) -> Image.Image:
    """A sample photograph, its middle cut to the strip's aspect."""
    with Image.open(FOLDER / f"{name}.jpg") as image:
        width = min(image.width, image.height * WIDTH // HEIGHT)
        height = width * HEIGHT // WIDTH
        left, top = (image.width - width) // 2, (image.height - height) // 2
        cut = image.convert("RGB").crop((left, top, left + width, top + height))
    return cut.resize((SCALE * WIDTH, SCALE * HEIGHT), Image.Resampling.LANCZOS)


def changed(engine: Engine, before: Image.Image, change: Change) -> Image.Image:
    """The photograph after the edit."""
    target = region(change.sector, 3, before.width, before.height)
    edit = Edit(np.asarray(before), target, change.prompt, change.seed)
    return Image.fromarray(edited_picture(edit, engine.run(edit, lambda done, of: None, lambda: False)))


def main() -> None:
    """Make the strip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="JPEG or PNG")
    out: Path = parser.parse_args().out
    engine = load_engine(Settings())
    strip = Image.new("RGB", (len(CHANGES) * (WIDTH + GAP) - GAP, 2 * HEIGHT + GAP), "white")
    for column, change in enumerate(CHANGES):
        before = photograph(change.photograph)
        for row, picture in enumerate((before, changed(engine, before, change))):
            small = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
            strip.paste(small, (column * (WIDTH + GAP), row * (HEIGHT + GAP)))
    engine.close()
    strip.save(out, quality=88)


if __name__ == "__main__":
    main()
