"""Which manners of which objects the model has not learnt well enough to be asked for them.

It has learnt its drawings nearly by heart, so what it draws for a caption is compared with the drawing behind that
caption. No judge takes part in this: they are kept for measuring.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from diffusers import StableDiffusionPipeline

from training.captions import canonical
from training.dataset import Drawings
from training.diversity import distance
from training.export import draw
from training.progress import say
from training.sheets import save_sheet

SEEDS = 1
FAR = 0.17
"""Mean distance from the drawing behind the caption beyond which a manner counts as not learnt."""
FARTHER = 1.25
"""...provided that it is by this factor farther than the object's best manner."""


def distances(pipeline: StableDiffusionPipeline, drawings: Drawings, path: Path) -> dict[tuple[str, str], float]:
    """For each object and manner in its own colours: the mean distance of what is drawn from the drawing.

    What was drawn goes to ``path`` as a sheet, to be looked at.
    """
    plain = [n for n, entry in enumerate(drawings.entries) if not entry.colour]
    keys = [(drawings.entries[n].object, drawings.entries[n].style) for n in plain]
    captions = [canonical(name, "", style) for name, style in keys for _ in range(SEEDS)]
    layers = draw(pipeline, captions, seed=5000)
    truth = [drawings.pixels[n].astype(np.float32) / 255 for n in plain]
    found = {
        key: float(np.mean([distance(layers[number * SEEDS + k], truth[number]) for k in range(SEEDS)]))
        for number, key in enumerate(keys)
    }
    labels = [f"{found[key]:.2f} {key[1][:1]} {key[0]}" for key in keys for _ in range(SEEDS)]
    save_sheet(layers, path, columns=14, labels=labels, side=96)
    return found


def weak(pipeline: StableDiffusionPipeline, drawings: Drawings, path: Path) -> set[tuple[str, str]]:
    """Pairs of object and manner that the vocabulary should leave out; each object keeps its best."""
    found = distances(pipeline, drawings, path)
    best: dict[str, float] = {}
    for (name, _), value in found.items():
        best[name] = min(value, best.get(name, value))
    left_out = {key for key, value in found.items() if value > FAR and value > FARTHER * best[key[0]]}
    say(
        f"mean distance from the drawings {np.mean(list(found.values())):.3f}; left out: "
        + (", ".join(f"{style} {name}" for name, style in sorted(left_out)) or "none")
    )
    return left_out
