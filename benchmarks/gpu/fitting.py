"""How much of FLUX.1 a card holds, by the estimate with which the server decides what has to stay off it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gpu import folders, weights
from benchmarks.gpu.card import Card
from benchmarks.gpu.models import FLUX_DOUBLE, FLUX_SINGLE, T5_LAYERS, Blocks, Model, model_of
from services.generator.models import memory
from shared.system.memory import available_bytes

_SPARE_BYTES = 1 * memory.GB


def blocks_for(card: Card, root: Path) -> Blocks | None:
    """The largest share of FLUX.1 that card, machine and disk have room for, of each kind of block the same; None: not
    even the smallest. What a folder of it takes on disk is only asked where it isn't there yet."""
    there = min(card.free_bytes, available_bytes() or card.free_bytes) - _SPARE_BYTES
    for double in range(FLUX_DOUBLE, 0, -1):
        blocks = Blocks(double, round(FLUX_SINGLE * double / FLUX_DOUBLE), round(T5_LAYERS * double / FLUX_DOUBLE))
        model = model_of("flux", blocks=blocks)
        if needed(model, card.dtype) > there:
            continue
        if folders.is_there(model, root) or folders.written_bytes(model) <= folders.free_bytes(root):
            return blocks
    return None


def needed(model: Model, dtype: str) -> float:
    """Bytes that a model takes on its device while it runs, all of it at once."""
    parameters = {name: weights.parameters(part) for name, part in model.parts.items()}
    size = int(model.recommended["size"])
    return memory.weighs(parameters, size, dtype, network=model.network).needed("none")
