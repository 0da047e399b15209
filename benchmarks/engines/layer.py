"""A layer model's stand-in: sleeps in place of drawing, and has its object put into the photograph as the real ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.engines.predicting import sleep
from services.generator.engine import Edit, Edited, Floats, ModelInfo
from services.generator.painting.cutout import Cutout
from services.generator.painting.painted import Drawn
from services.generator.painting.placing import Wish
from shared.frame import Model

SIDE = 256
"""Of the drawing, in pixels: as the embedded model's."""


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
        ball = Drawn(_ball(edit.seed % 64), Wish(), edit.region, edit.seed, (width, height))
        return Edited(ball, 1, None, None)

    def close(self) -> None:
        return


@cache
def _ball(colour: int) -> Cutout:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    alpha: Floats = (SIDE * 0.45 - np.hypot(x, y)).clip(0, 1).astype(np.float32)
    shade = (0.75 + 0.25 * np.cos(x / 9) * np.sin(y / 13)).astype(np.float32)
    colours = np.array([colour % 4, colour // 4 % 4, colour // 16], np.float32) / 4 + 0.2
    return Cutout(shade[:, :, None] * colours, alpha)
