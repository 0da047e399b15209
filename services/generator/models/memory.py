"""How much memory a model takes, from its files alone, and what has to stay off the card for it to fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.generator.models.files import ModelError, ModelFolder, first_line, network_file, read_header
from services.generator.models.weights import Chosen, network_part
from shared.process.model_settings import ModelSettings

Offload = Literal["none", "model", "group"]

GB = 1_000_000_000
BYTES = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0}
QUANTISED = {"nf4": 0.56, "fp8": 1.0}
"""Bytes a parameter takes; of nf4 four bits, and the scales of blocks of 64 (Dettmers et al., "QLoRA", 2023)."""
WHOLE = "checkpoint"
"""In place of components, of a model that is one file."""
LARGE_PX = 1024
"""Side of the square that a model is taken to work at where nobody has looked."""
_PACKED = frozenset({"U8", "I8"})
"""Types of weights of four bits; those of eight are widened where they are loaded, if nothing else is asked for."""
_WHOLE_BYTES = 4
_RUNS_BYTES = 0.5 * GB
_RUNS_BYTES_AT_1024 = 2.5 * GB
_GROUP_SHARE = 0.12
"""Of the largest part, what two groups of its layers take: the one that runs and the one that is on its way."""


@dataclass(frozen=True, slots=True)
class Weighs:
    """Bytes that a model takes on its device.

    Attributes:
        parts: by component, its weights.
        runs: what a run takes besides, an estimate.
    """

    parts: Mapping[str, float]
    runs: float

    def needed(self, offload: Offload) -> float:
        """Bytes with some of it kept off the device."""
        sizes = self.parts.values()
        largest = max(sizes, default=0.0)
        if offload == "none":
            return sum(sizes) + self.runs
        return (largest if offload == "model" else _GROUP_SHARE * largest) + self.runs

    def offload_for(self, there: float) -> Offload | None:
        """The least that has to stay off a device with so many bytes; None: it does not fit at all."""
        ways: tuple[Offload, ...] = ("none", "model", "group")
        return next((way for way in ways if self.needed(way) <= there), None)


def weighs(parameters: Mapping[str, float], size: int, dtype: str, quantize: str = "none", network: str = "") -> Weighs:
    """The memory of a model.

    Args:
        parameters: by component.
        size: side in pixels of the square that it works at.
        network: the component that runs at each step. It is quantised, and what encodes text.
    """
    plain = BYTES[dtype]
    brief = QUANTISED.get(quantize, plain)
    parts = {
        name: count * (brief if name in (network, WHOLE) or name.startswith("text_encoder") else plain)
        for name, count in parameters.items()
    }
    return Weighs(parts, (_RUNS_BYTES + _RUNS_BYTES_AT_1024 * (size / 1024) ** 2) * plain / 2)


def with_network(
    parameters: Mapping[str, int], model: ModelFolder, settings: ModelSettings, dtype: str
) -> dict[str, int]:
    """Parameters by component, its network's as the file has them that the settings name. Raises ModelError: that file
    is not there, or damaged."""
    network = {network_part(model): count_file(network_file(settings), dtype)} if settings.network else {}
    return {**parameters, **network}


def parameters_of(model: ModelFolder, chosen: Chosen) -> dict[str, int]:
    """Parameters of each component of a model that is here. Raises ModelError: a file is damaged."""
    if model.single is not None:
        return {WHOLE: count_parameters(model.single)}
    found: dict[str, int] = {}
    for name in chosen.weights:
        path = model.folder / name
        part = name.partition("/")[0]
        found[part] = found.get(part, 0) + count_parameters(path)
    return found


def count_file(path: Path, dtype: str) -> int:
    """Parameters in a precision that take as much memory as a file that is kept packed."""
    return count_parameters(path) if path.suffix == ".safetensors" else round(path.stat().st_size / BYTES[dtype])


def count_parameters(path: Path) -> int:
    """Numbers in a file of weights, read from its header; of a pickle, which has none, worked out from its size. Raises
    ModelError: the header cannot be read."""
    if path.suffix != ".safetensors":
        return path.stat().st_size // _WHOLE_BYTES
    weights = read_header(path).values()
    try:
        # Of weights that are packed in bytes, two make the room that one of 16 bits takes.
        return sum(math.prod(one["shape"]) // (2 if one["dtype"] in _PACKED else 1) for one in weights)
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged, or no file of safetensors: {first_line(error)}") from error
