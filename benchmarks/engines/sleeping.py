"""An engine that sleeps a fixed time and turns the sector upside down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from benchmarks.engines.predicting import drawn, marks_of, sleep
from services.generator import engine
from services.generator.engine import Edit, Edited, ModelInfo
from shared.frame import Model

TAKES_SECTORS = any(field.name == "painted" for field in dataclasses.fields(Edited))
"""Whether this checkout's edits give a sector: older ones, which are measured beside it, give the whole picture."""


class SleepingEngine:
    """Reads no pixel outside the sector."""

    def __init__(self, sleep_s: float, slept: Path) -> None:
        self._sleep_s = sleep_s
        self._slept = slept

    @property
    def info(self) -> ModelInfo:
        model = Model(id="sleeping", revision="1", kind="edit", pipeline="SleepingPipeline", scheduler="none")
        return ModelInfo(model, "cpu", "float32", {})

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        sleep(self._sleep_s, self._slept)
        on_step(1, 1)
        painted = drawn(edit.pixels[edit.region.slices], marks_of(edit.seed))
        if TAKES_SECTORS:
            return Edited(engine.Finished(painted, edit.region), 1, None, None)
        pixels = edit.pixels.copy()
        pixels[edit.region.slices] = painted
        return Edited(pixels, 1, None, None)  # type: ignore[arg-type]

    def close(self) -> None:
        return
