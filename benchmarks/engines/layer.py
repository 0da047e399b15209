"""A layer model's stand-in: sleeps in place of drawing, and has its object put into the photograph as the real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.engines.predicting import sleep
from services.generator.engine import Edit, Edited, Floats, ModelInfo, Pixels
from services.generator.painting.compositing import compose
from services.generator.painting.cutout import Cutout
from services.generator.painting.placing import Wish
from shared.frame import Model
from shared.sectors import Region

SIDE = 256
"""Of the drawing, in pixels: as the embedded model's."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ball of a colour of the seed, for a picture of ``size`` (width, height)."""

    cutout: Cutout
    region: Region
    seed: int
    size: tuple[int, int]

    @property
    def seen(self) -> None:
        return None

    @property
    def reads(self) -> Region:
        return Region(0, 0, *self.size)

    @property
    def held_bytes(self) -> int:
        return self.cutout.colour.nbytes + self.cutout.alpha.nbytes

    def sector(self, pixels: Pixels) -> Pixels:
        return compose(pixels, self.region, self.cutout, Wish(), self.seed).pixels[self.region.slices]


class LayerEngine:
    """Is given no picture; the compositor then reads all of it."""

    def __init__(self, sleep_s: float, slept: Path) -> None:
        self._sleep_s = sleep_s
        self._slept = slept

    @property
    def info(self) -> ModelInfo:
        model = Model(id="layer stand-in", revision="1", kind="layer", pipeline="None", scheduler="none")
        return ModelInfo(model, "cpu", "float32", {})

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        sleep(self._sleep_s, self._slept)
        on_step(1, 1)
        height, width = edit.pixels.shape[:2]
        return Edited(Drawn(_ball(edit.seed % 64), edit.region, edit.seed, (width, height)), 1, None, None)

    def close(self) -> None:
        return


@cache
def _ball(colour: int) -> Cutout:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    alpha: Floats = (SIDE * 0.45 - np.hypot(x, y)).clip(0, 1).astype(np.float32)
    shade = (0.75 + 0.25 * np.cos(x / 9) * np.sin(y / 13)).astype(np.float32)
    colours = np.array([colour % 4, colour // 4 % 4, colour // 16], np.float32) / 4 + 0.2
    return Cutout(shade[:, :, None] * colours, alpha)
