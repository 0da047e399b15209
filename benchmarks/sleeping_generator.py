"""The generator with an engine that sleeps: for measuring everything but a model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from services.generator.engine import Edit, Edited, ModelInfo
from services.generator.service import Generator
from shared.frame import Model
from shared.process.runner import Runtime, run
from shared.system.disk import Disk


class SleepingEngine:
    """Sleeps a fixed time and puts a flat patch into the region's middle."""

    def __init__(self, sleep_s: float) -> None:
        self._sleep_s = sleep_s

    @property
    def info(self) -> ModelInfo:
        model = Model(id="sleeping", revision="1", kind="edit", pipeline="SleepingPipeline", scheduler="none")
        return ModelInfo(model, "cpu", "float32", {})

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        time.sleep(self._sleep_s)
        on_step(1, 1)
        pixels = edit.pixels.copy()
        region = edit.region
        middle = (slice(region.top + 20, region.bottom - 20), slice(region.left + 20, region.right - 20))
        pixels[middle] = (edit.seed % 256, 90, 160)
        return Edited(pixels, 1, None, None)

    def close(self) -> None:
        return


async def main(runtime: Runtime) -> None:
    """Serve with the sleeping engine."""
    sleep_s = float(sys.argv[1]) / 1000
    await Generator(runtime, lambda: SleepingEngine(sleep_s), Disk()).run()


if __name__ == "__main__":
    run("generator", main)
