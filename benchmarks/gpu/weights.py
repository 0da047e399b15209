"""Random weights into a file of safetensors, number by number as they go: no network is ever whole in memory.

One block of noise is made, and laid over each tensor from another place on, scaled by its fan-in: values then stay in a
range that 16 bits hold, through as many layers as there are.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.shapes import Part

if TYPE_CHECKING:
    import torch

Shapes = Mapping[str, tuple[int, ...]]

_BLOCK_NUMBERS = 1 << 24
_BYTES = 2
"""Of a number in bfloat16."""
_EMBEDDING_SCALE = 0.02
_ALIGNED_TO = 8
_CONFIGS = {"CLIPTextModel": "CLIPTextConfig", "CLIPTextModelWithProjection": "CLIPTextConfig"}
_SEED = 20


def make(part: Part) -> Any:
    """The network without numbers: it takes no memory."""
    import diffusers
    import torch
    import transformers

    with torch.device("meta"):
        if part.library == "diffusers":
            return getattr(diffusers, part.cls)(**part.config)
        config = getattr(transformers, _CONFIGS.get(part.cls, "T5Config"))(**part.config)
        return getattr(transformers, part.cls)(config)


def shapes_of(network: Any) -> Shapes:
    """Its tensors as they are saved, those that it has twice once."""
    saved = network.state_dict().keys()
    named = (*network.named_parameters(), *network.named_buffers())
    return {name: tuple(one.shape) for name, one in named if name in saved and one.is_floating_point()}


def parameters(part: Part) -> int:
    """How many numbers it has."""
    return sum(math.prod(shape) for shape in shapes_of(make(part)).values())


class Noise:
    """Random numbers in bfloat16, made once."""

    def __init__(self, numbers: int = _BLOCK_NUMBERS) -> None:
        import torch

        self._block = torch.randn(numbers, generator=torch.Generator().manual_seed(_SEED)).to(torch.bfloat16)

    def of(self, name: str, shape: tuple[int, ...]) -> Iterator[torch.Tensor]:
        """A tensor's numbers, in pieces. Norms leave what they get as it is, and nothing is added anywhere."""
        import torch

        left = math.prod(shape)
        if len(shape) < 2:
            yield (torch.ones if name.endswith("weight") else torch.zeros)(left, dtype=torch.bfloat16)
            return
        scale = _EMBEDDING_SCALE if "embed" in name and len(shape) == 2 else (left / shape[0]) ** -0.5
        start = zlib.crc32(name.encode()) % len(self._block)
        while left:
            piece = self._block[start : start + left]
            yield piece * scale
            left -= len(piece)
            start = 0


def write(path: Path, shapes: Shapes, noise: Noise) -> None:
    """A file of safetensors: the length of a header, the header in JSON, the numbers. Raises OSError."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + _BYTES * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNED_TO)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            for numbers in noise.of(name, shape):
                file.write(_bytes(numbers))


def _bytes(numbers: torch.Tensor) -> memoryview:
    import torch

    return memoryview(numbers.contiguous().view(torch.uint8).numpy())
