"""The generator with one of these engines."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from services.generator.catalog import OneModel
from services.generator.engine import Engine
from services.generator.service import Generator
from shared.process.runner import Runtime, run
from shared.system.disk import Disk

KINDS = ("sleeping", "layer", "inpaint", "edit")


def engine_of(kind: str, sleep_s: float, slept: Path) -> Engine:
    """A new engine. ``slept``: the file to which it appends how long it slept, each time."""
    # Imported when wanted: older checkouts, which only have the first, lack what the others need.
    if kind == "sleeping":
        engine: Engine = importlib.import_module("benchmarks.engines.sleeping").SleepingEngine(sleep_s, slept)
    elif kind == "layer":
        engine = importlib.import_module("benchmarks.engines.layer").LayerEngine(sleep_s, slept)
    else:
        engine = importlib.import_module("benchmarks.engines.repainting").RepaintingEngine(kind, sleep_s, slept)
    return engine


def serve() -> None:
    """Serve until told to stop; the arguments of the command are the engine's kind, its milliseconds, its file."""
    kind, sleep_ms, slept = sys.argv[1:4]

    async def main(runtime: Runtime) -> None:
        await Generator(runtime, OneModel(lambda: engine_of(kind, float(sleep_ms) / 1000, Path(slept))), Disk()).run()

    run("generator", main)
