"""A real service with a test's own piece at one of its seams: ``python -m tests.support.launch generator --plan FILE``.

``generator`` runs with a quick engine that needs no torch, so that fault tests can start it often; ``--plan`` gives
either service a faulty disk. All else is as ``python -m services.NAME`` runs it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from services.generator.engine import Edit, EditCancelled, Edited, Engine, Finished, ModelInfo
from shared.frame import Model
from shared.process.privacy import sessions_group
from shared.process.runner import Runtime, run
from shared.system.disk import Disk
from tests.support.dependent import DependentEngine
from tests.support.faulty_disk import FaultyDisk, Plan


class QuickEngine:
    """Fills the region with a colour drawn from the seed, in one step of ``sleep_s`` seconds."""

    model = Model(id="quick", revision="1", kind="edit", pipeline="QuickPipeline", scheduler="none")
    info = ModelInfo(model, "cpu", "float32", {"quick": "1"})

    def __init__(self, sleep_s: float) -> None:
        self._sleep_s = sleep_s

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        time.sleep(self._sleep_s)
        if cancelled():
            raise EditCancelled
        on_step(1, 1)
        region = edit.region
        pixels = edit.pixels[region.slices].copy()
        pixels[:] = (edit.seed % 256, edit.seed // 256 % 256, edit.seed // 65536 % 256)
        return Edited(Finished(pixels, region), 1, None, None)

    def close(self) -> None:
        return


def main() -> None:
    """Run one service until it is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("generator", "recorder"))
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--sleep-ms", type=float, default=0.0)
    parser.add_argument("--depends", choices=("edit", "layer"), help="an engine whose output depends on every pixel")
    arguments = parser.parse_args()
    disk = FaultyDisk(Plan(arguments.plan)) if arguments.plan else Disk()

    def load() -> Engine:
        if arguments.depends:
            return DependentEngine(arguments.depends)
        return QuickEngine(arguments.sleep_ms / 1000)

    async def generator(runtime: Runtime) -> None:
        from services.generator.catalog import OneModel
        from services.generator.service import Generator

        disk.group = sessions_group(runtime.settings)
        await Generator(runtime, OneModel(load), disk).run()

    async def recorder(runtime: Runtime) -> None:
        from services.recorder.service import Recorder

        disk.group = sessions_group(runtime.settings)
        await Recorder(runtime, disk).run()

    run(arguments.service, {"generator": generator, "recorder": recorder}[arguments.service])


if __name__ == "__main__":
    main()
