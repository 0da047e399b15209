"""The embedded segmenter: a small network that finds one whole thing in a crop of a photograph, or nothing.

How it was made is in ``training/segmenter``; what it can and can't do in the model card there.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import nn

from services.generator.models.files import ModelError, first_line, read_json

WEIGHTS, CONFIG = "weights.safetensors", "config.json"
SIDE = 256
"""Pixels of a crop and of its mask, each way."""
WIDTHS = (32, 64, 128, 176)
"""Channels at a quarter, an eighth, ... of the crop's side."""
_PATCH = 4
"""Pixels of a crop, each way, to a place of the finest level. Nothing is computed at a finer one: at 128 x 128 places
a convolution costs as much as all of the network below."""
_AT_ONCE = 8
"""Crops that go through the network together; more would only take more memory."""


class _Block(nn.Module):  # type: ignore[misc]
    """Two convolutions beside an identity; the second starts at zero, so that a new block changes nothing."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner: torch.Tensor = self.second(functional.relu(self.first(functional.relu(self.norm(x)))))
        return x + inner


class _Context(nn.Module):  # type: ignore[misc]
    """Tells every place what the whole crop shows: a thing stands out only against the rest."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(2 * width, width)
        self.outer = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        whole = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        scale, shift = self.outer(functional.relu(self.inner(whole)))[:, :, None, None].chunk(2, 1)
        moved: torch.Tensor = x * (1 + scale) + shift
        return moved


class Student(nn.Module):  # type: ignore[misc]
    """A U-Net from a quarter of the crop's side down to a thirty-second; each place of the finest level draws the 16
    pixels of the mask that it stands for."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.stem = nn.Conv2d(3, widths[0], 2 * _PATCH, stride=_PATCH, padding=_PATCH // 2)
        self.blocks = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(above, below, 3, stride=2, padding=1) for above, below in steps)
        self.deepest = nn.Sequential(_Block(widths[-1]), _Context(widths[-1]), _Block(widths[-1]))
        self.up = nn.ModuleList(nn.Conv2d(below, above, 1) for above, below in steps)
        self.join = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.mask = nn.Conv2d(widths[0], _PATCH**2, 3, padding=1)
        nn.init.constant_(self.mask.bias, -1.5)  # most of a crop is no thing

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Logits (N x 1 x 256 x 256) of crops (N x 3 x 256 x 256, -1 to 1)."""
        x = self.stem(crops)
        levels = []
        for block, down in zip(self.blocks, self.down, strict=True):
            levels.append(block(x))
            x = down(functional.relu(levels[-1]))
        x = self.deepest(x)
        for level, up, join in reversed(list(zip(levels, self.up, self.join, strict=True))):
            x = join(level + functional.interpolate(up(x), scale_factor=2.0, mode="nearest"))
        return functional.pixel_shuffle(self.mask(functional.relu(x)), _PATCH)

    @property
    def side(self) -> int:
        """Pixels of the crops that it is given, each way."""
        return SIDE

    def masks(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The mask of each crop: N x 256 x 256 x 3 (0 to 255) to N x 256 x 256 (0 to 1). Each is looked at twice, once
        in a mirror: the mean of both overlaps with the truth by two hundredths more."""
        out = np.empty((len(crops), SIDE, SIDE), np.float32)
        with torch.inference_mode():
            for start in range(0, len(crops), _AT_ONCE):
                some = torch.from_numpy(np.ascontiguousarray(crops[start : start + _AT_ONCE]))
                pixels = some.permute(0, 3, 1, 2).float() / 127.5 - 1
                seen, mirrored = self(pixels).sigmoid(), self(pixels.flip(3)).sigmoid().flip(3)
                out[start : start + _AT_ONCE] = ((seen + mirrored) / 2)[:, 0].numpy()
        return out


def load(folder: Path) -> Student:
    """The network of a folder with ``config.json`` and ``weights.safetensors``. Raises ModelError: it has none that
    can be used."""
    from safetensors.torch import load_file

    if missing := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        raise ModelError(f"{folder} has no {' and no '.join(missing)}: the embedded segmenter is not there whole.")
    try:
        config = read_json(folder / CONFIG)
        student = Student(tuple(int(width) for width in config["widths"]))
        student.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS).items()})
    except Exception as error:
        raise ModelError(f"{folder} holds no segmenter that this version can use: {first_line(error)}") from error
    student.eval()
    return student
