"""How much two seeds of one prompt differ, beside how much the training drawings of one object do."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from services.generator.language.vocabulary import Vocabulary
from training.dataset import Drawings
from training.export import draw
from training.objects import OBJECTS

SEEDS = 4


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean absolute difference of two premultiplied layers, over the pixels that either covers: 0 (same) to 1."""
    either = np.maximum(one[..., 3], other[..., 3]) > 0.5
    return float(np.abs(one - other).mean(-1)[either].mean()) if either.any() else 0.0


def mean_distance(layers: list[NDArray[np.float32]]) -> float | None:
    """Mean over all pairs; None where there are none."""
    pairs = [distance(one, other) for one, other in itertools.combinations(layers, 2)]
    return float(np.mean(pairs)) if pairs else None


def diversity(folder: Path, drawings: Drawings) -> dict[str, Any]:
    """Mean distance between seeds of one prompt as the server asks for it, before its own pose and tint."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    vocabulary = Vocabulary.load(folder)
    if vocabulary is None:
        raise FileNotFoundError(f"{folder} has no vocabulary.json")
    asked = [
        vocabulary.resolve(f"a {item.name}").caption_for(1000 * n + seed)
        for n, item in enumerate(OBJECTS)
        for seed in range(SEEDS)
    ]
    layers = draw(pipeline, asked, seed=1)
    model, manner, trained = [], [], []
    for n, item in enumerate(OBJECTS):
        mine = list(layers[n * SEEDS : (n + 1) * SEEDS])
        model.append(mean_distance(mine))
        words = asked[n * SEEDS : (n + 1) * SEEDS]
        manner += [
            distance(mine[a], mine[b]) for a, b in itertools.combinations(range(SEEDS), 2) if words[a] == words[b]
        ]
        own = [i for i, entry in enumerate(drawings.entries) if entry.object == item.name and not entry.colour]
        trained.append(mean_distance([drawings.pixels[i].astype(np.float32) / 255 for i in own]))
    between = float(np.mean([value for value in model if value is not None]))
    among = float(np.mean([value for value in trained if value is not None]))
    return {
        "between_seeds": round(between, 4),
        "between_training_drawings": round(among, 4),
        "ratio": round(between / among, 3),
        "between_seeds_of_one_manner": round(float(np.mean(manner)), 4) if manner else None,
    }
