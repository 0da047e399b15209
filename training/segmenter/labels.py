"""Cuts crops out of the photographs as the server cuts sectors, and lets the teacher label them.

Each photograph is labelled whole, then around what the teacher has found there (so that most things are seen whole,
large and small), then at random places of the sizes of sectors. Shards of a few crops are written as they come, so
that the training may begin early; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from training.progress import say
from training.segmenter.teacher import SIDE, Teacher

STORED = 512
"""Side in pixels of a stored crop and its mask: twice what the network sees, so that training may look closer."""
SHARD = 20
ROUNDS = 12
"""Crops of each photograph, the whole of it among them, at most."""
_SMALL = 600
"""Photographs with a longer side below this many pixels are labelled whole and once more, around the thing."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the photograph."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
Pixels = NDArray[np.uint8]


class Label(NamedTuple):
    """A crop (512 x 512 x 3), its mask (512 x 512, 0 to 255), and the number of its photograph."""

    crop: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    photograph: int


def thing_box(mask: NDArray[np.float32]) -> Box | None:
    """The box around what a mask of a whole photograph shows; None where that is nothing, or nearly all."""
    rows, columns = (np.flatnonzero((mask > 0.5).any(axis)) for axis in (1, 0))
    if not 0.002 < float((mask > 0.5).mean()) < 0.6:
        return None
    high, wide = mask.shape
    return columns[0] / wide, rows[0] / high, (columns[-1] + 1) / wide, (rows[-1] + 1) / high


def around(thing: Box, chance: np.random.Generator) -> Box:
    """A window of the photograph's own proportions in which the thing lies whole, nearly always."""
    left, top, right, bottom = thing
    largest = max(right - left, bottom - top)
    side = min(largest * float(np.exp(chance.uniform(np.log(1.1), np.log(3.5)))), 1.0)
    x, y = (
        float(chance.uniform(max(high - side, 0.0) - 0.03 * side, min(low, 1.0 - side) + 0.03 * side))
        for low, high in ((left, right), (top, bottom))
    )
    x, y = float(np.clip(x, 0, 1 - side)), float(np.clip(y, 0, 1 - side))
    return x, y, x + side, y + side


def sector(chance: np.random.Generator) -> Box:
    """A window as large as a sector of a grid of 2 to 5, or half of one of 2 or 3; anywhere."""
    side = 1 / float(chance.choice([2, 2, 3, 3, 4, 5, 6]))
    x, y = chance.uniform(0, 1 - side, 2)
    return float(x), float(y), float(x) + side, float(y) + side


def cut(photograph: Image.Image, box: Box, side: int) -> NDArray[np.uint8]:
    """A window of a photograph, side x side x 3."""
    wide, high = photograph.size
    pixels = (box[0] * wide, box[1] * high, box[2] * wide, box[3] * high)
    return np.asarray(photograph.resize((side, side), Image.Resampling.BICUBIC, box=pixels))


def small_mask(mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A mask of the teacher at the stored size, 0 to 255."""
    shrunk = mask.reshape(STORED, SIDE // STORED, STORED, SIDE // STORED).mean((1, 3))
    return np.asarray(np.rint(shrunk * 255), np.uint8)


def boxes(photograph: Image.Image, first: NDArray[np.float32], chance: np.random.Generator) -> Iterator[Box]:
    """What is labelled after the whole photograph, whose mask ``first`` is: around the thing and anywhere, by turns."""
    thing = thing_box(first)
    for number in range(1, 2 if max(photograph.size) < _SMALL else ROUNDS):
        yield around(thing, chance) if thing is not None and number % 2 else sector(chance)


def earlier(shards: Path) -> dict[int, list[Pixels]]:
    """The masks that shards already have of each photograph, in their order: the whole photograph's first."""
    masks: dict[int, list[Pixels]] = {}
    for path in sorted(shards.glob("[0-9]*.npz"), key=lambda one: one.stat().st_mtime):
        with np.load(path) as shard:
            for mask, number in zip(shard["masks"], shard["photographs"], strict=True):
                masks.setdefault(int(number), []).append(mask)
    return masks


def labelled(
    photographs: Path, teacher: Teacher, known: dict[int, list[Pixels]], part: int, parts: int
) -> Iterator[Label]:
    """This process's share of the crops: each photograph whole, then one crop of each, and so on; but what is known."""
    names = [one["file"] for one in json.loads((photographs / "manifest.json").read_text())]
    mine = [int(number) for number in np.random.default_rng(5).permutation(len(names))[part::parts]]
    plans: dict[int, Iterator[Box]] = {}
    for turn in range(ROUNDS):
        for number in mine:
            photograph = Image.open(photographs / names[number]).convert("RGB")
            masks = known.get(number, [])
            box = next(plans[number], None) if turn else WHOLE
            if box is None or (turn and turn < len(masks)):
                continue
            again = bool(masks) and not turn
            mask = np.asarray(masks[0] / 255, np.float32) if again else teacher.mask(cut(photograph, box, SIDE))
            if not turn:
                plans[number] = boxes(photograph, mask, np.random.default_rng(number))
            if turn >= len(masks):
                yield Label(cut(photograph, box, STORED), small_mask(mask), number)


def write(labels: Iterator[Label], shards: Path, part: int) -> None:
    """Write ``<shards>/<part>-<number>.npz``, each complete once it has that name."""
    for number in count(len(list(shards.glob(f"{part}-*.npz")))):
        some = list(islice(labels, SHARD))
        if not some:
            return
        crops, masks, photographs = (np.stack(one) for one in zip(*some, strict=True))
        hidden = shards / f".{part}-{number:04d}.npz"
        np.savez(hidden, crops=crops, masks=masks, photographs=photographs)
        hidden.rename(shards / hidden.name[1:])
        say(f"part {part}: {number * SHARD + len(some)} crops")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path, help="folder of photographs.py")
    parser.add_argument("shards", type=Path)
    parser.add_argument("--teacher", type=Path, required=True, help="ISNet's .onnx file, with plain weights")
    parser.add_argument("--part", type=int, default=0, help="of --parts: this process's share; one thread each")
    parser.add_argument("--parts", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.shards.mkdir(parents=True, exist_ok=True)
    known = earlier(options.shards)
    labels = labelled(options.photographs, Teacher(options.teacher), known, options.part, options.parts)
    write(labels, options.shards, options.part)


if __name__ == "__main__":
    main()
