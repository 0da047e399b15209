"""What the student is tested on: sectors of photographs, and composites of which the mask is known.

Both are drawn by fixed seeds from photographs that no training has seen. The teacher's masks of them are kept, since
they cost most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.segmenter.examples import Pixels
from training.segmenter.labels import WHOLE, Box, around, cut, thing_box
from training.segmenter.teacher import SIDE, Teacher

GRIDS = (3, 2, 1)
"""Sectors tested of each photograph: one of each of these grids; 1 is the whole photograph."""
KEPT = 256
"""Side in pixels of a crop tested on; the teacher sees the same place at its own size."""
COMPOSITES = 60
WINDOW = -1
STAMPS = ("animals", "food", "vehicles", "town")
"""Folders of Tux Paint's stamps whose pictures are photographs, nearly all; what is drawn lies in ``cartoon``."""


class Case(NamedTuple):
    """A crop (256 x 256 x 3), the teacher's mask and the truth (256 x 256, 0 to 255; None where nobody knows it)."""

    name: str
    """Of the photograph, or of what was put into one."""
    grid: int
    """Of the sector; 1: the whole photograph; 0: a composite; -1: a window around a thing."""
    box: Box
    crop: Pixels
    teacher: Pixels
    truth: Pixels | None


def sector(grid: int, chance: np.random.Generator) -> Box:
    """One sector of a grid, as shares of the photograph."""
    column, row = (int(number) for number in chance.integers(0, grid, 2))
    return column / grid, row / grid, (column + 1) / grid, (row + 1) / grid


def sectors(photographs: Path, kept: Path, teacher: Teacher | None) -> Iterator[Case]:
    """Sectors of all the photographs, grid by grid; without a teacher only those it has labelled before."""
    for turn, grid in enumerate(GRIDS):
        for number, path in enumerate(sorted(photographs.glob("*.jpg"))):
            photograph = Image.open(path).convert("RGB")
            box = sector(grid, np.random.default_rng((turn, number)))
            mask = _asked(kept / f"{turn}-{path.stem}.png", teacher, photograph, box)
            if mask is not None:
                yield Case(path.stem, grid, box, cut(photograph, box, KEPT), mask, None)


def windows(photographs: Path, kept: Path, teacher: Teacher | None) -> Iterator[Case]:
    """A window around what the teacher has found in each whole photograph: few sectors hold a whole thing by chance."""
    for number, path in enumerate(sorted(photographs.glob("*.jpg"))):
        photograph = Image.open(path).convert("RGB")
        whole = _asked(kept / f"{GRIDS.index(1)}-{path.stem}.png", None, photograph, WHOLE)
        thing = thing_box(np.asarray(whole / 255, np.float32)) if whole is not None else None
        if thing is not None:
            box = around(thing, np.random.default_rng((9, number)))
            mask = _asked(kept / f"window-{path.stem}.png", teacher, photograph, box)
            if mask is not None:
                yield Case(path.stem, WINDOW, box, cut(photograph, box, KEPT), mask, None)


def composites(grounds: list[Pixels], stamps: Path, kept: Path, teacher: Teacher | None) -> Iterator[Case]:
    """Cut-out photographs put into sectors (at the teacher's side) in which it had found nothing."""
    paths = sorted(path for name in STAMPS for path in (stamps / name).rglob("*.png") if "cartoon" not in path.parts)
    chance = np.random.default_rng(11)
    paths = [path for path in paths if min(Image.open(path).size) >= 90]
    for number in range(COMPOSITES):
        path = paths[int(chance.integers(len(paths)))]
        ground = Image.fromarray(grounds[int(chance.integers(len(grounds)))])
        stamp = Image.open(path).convert("RGBA")
        longest = SIDE * float(np.exp(chance.uniform(np.log(0.12), np.log(0.6))))
        scale = longest / max(stamp.size)
        size = max(round(stamp.width * scale), 2), max(round(stamp.height * scale), 2)
        stamp = stamp.resize(size, Image.Resampling.LANCZOS)
        place = int(chance.integers(16, SIDE - size[0] - 16)), int(chance.integers(16, SIDE - size[1] - 16))
        alpha = Image.new("L", ground.size)
        alpha.paste(stamp.getchannel("A"), place)
        ground.paste(stamp.convert("RGB"), place, stamp.getchannel("A"))
        mask = _asked(kept / f"composite-{number}.png", teacher, ground, WHOLE)
        if mask is not None:
            crop = np.asarray(ground.resize((KEPT, KEPT), Image.Resampling.BOX))
            truth = np.asarray(alpha.resize((KEPT, KEPT), Image.Resampling.BOX))
            yield Case(path.stem, 0, WHOLE, crop, mask, truth)


def _asked(path: Path, teacher: Teacher | None, photograph: Image.Image, box: Box) -> Pixels | None:
    """The teacher's mask at 256 x 256, out of a file where it was asked before; None: it was not, and there is none."""
    if not path.exists():
        if teacher is None:
            return None
        mask: NDArray[np.float32] = teacher.mask(cut(photograph, box, SIDE))
        shrunk = mask.reshape(KEPT, SIDE // KEPT, KEPT, SIDE // KEPT).mean((1, 3))
        Image.fromarray(np.asarray(np.rint(shrunk * 255), np.uint8)).save(path)
    return np.asarray(Image.open(path))


def grounds(photographs: Path, cases: list[Case]) -> list[Pixels]:
    """Those sectors (at the teacher's side) in which it found nothing, less the finest."""
    empty = [case for case in cases if case.grid in (2, 3) and float((case.teacher > 60).mean()) < 0.001]
    return [cut(Image.open(photographs / f"{case.name}.jpg").convert("RGB"), case.box, SIDE) for case in empty]
