"""All drawings of the model and of its judge, rendered once and kept as one array each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.drawings import Catalogue, clean, fit
from training.objects import OBJECTS
from training.progress import say
from training.recolour import recolour
from training.settings import Settings
from training.sources import SOURCES


@dataclass(frozen=True)
class Entry:
    """One drawing: what it shows, in which colour (empty: as drawn), from which set."""

    object: str
    colour: str
    source: str
    style: str


@dataclass(frozen=True)
class Drawings:
    """``pixels``: number x size x size x 4, premultiplied RGBA, uint8; ``entries`` in the same order."""

    pixels: NDArray[np.uint8]
    entries: list[Entry]

    def where(self, chosen: list[int]) -> Drawings:
        """The drawings of the given numbers."""
        return Drawings(self.pixels[chosen], [self.entries[i] for i in chosen])


def build(settings: Settings, for_model: bool) -> Drawings:
    """Render the model's drawings, or those kept for its judge; a second call reads the first one's file."""
    path = settings.folder("data") / f"{'model' if for_model else 'judge'}-{settings.size}.npz"
    if path.exists():
        return load(path)
    catalogue = Catalogue(settings.folder("raw"))
    pictures, entries = [], []
    for item in OBJECTS:
        for source in SOURCES:
            if source.for_model != for_model or source.name in item.skip:
                continue
            raw = catalogue.picture(source, item, 2 * settings.size)
            if raw is None:
                continue
            drawing = clean(raw)
            colours = item.colours if for_model and source.name not in item.plain else ()
            for colour in ("", *colours):
                painted = recolour(drawing, colour, item.neutral) if colour else drawing
                pictures.append(np.round(fit(painted, settings.size) * 255).astype(np.uint8))
                entries.append(Entry(item.name, colour, source.name, source.style))
    say(f"{len(entries)} drawings of {len({e.object for e in entries})} objects")
    drawings = Drawings(np.stack(pictures), entries)
    np.savez(path, pixels=drawings.pixels, entries=json.dumps([asdict(e) for e in entries]))
    return drawings


def load(path: Path) -> Drawings:
    """Read what ``build`` wrote."""
    with np.load(path) as file:
        return Drawings(file["pixels"], [Entry(**row) for row in json.loads(str(file["entries"]))])
