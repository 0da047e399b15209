"""20,000 small frames through all processes: after the first tenth, no process grows."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.figures import Figure
from benchmarks.systems import Caller, generate_body
from tests.support.processes import System
from tests.support.studio import flat_png

FRAMES = 20_000
GROWTH = 1.05
"""The kernel counts resident memory in pages, and an allocator keeps some of what it was given back."""


def measure() -> list[Figure]:
    """Resident size at the end against that after the first tenth, a process each."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder))
        try:
            command = [sys.executable, "-m", "tests.support.launch", "generator"]
            system.run("generator", command, wait=True)
            for name in ("recorder", "replayer", "api"):
                system.start(name)
            return _soak(system)
        finally:
            system.stop_all()
            system.kill_all()


def _soak(system: System) -> list[Figure]:
    caller = Caller(system)
    caller.post("/session/start?session_id=soak")
    bodies = [generate_body(flat_png(64, 64, value), seed=value) for value in range(16)]
    early: dict[str, float] = {}
    for number in range(FRAMES):
        caller.generate(bodies[number % len(bodies)])
        if number == FRAMES // 10:
            early = _resident(system)
    late = _resident(system)
    return [
        Figure(
            f"{name}: resident after {FRAMES} frames against after {FRAMES // 10}",
            late[name] / early[name],
            at_most=GROWTH,
            detail=f"{late[name]:.1f} MB against {early[name]:.1f} MB",
        )
        for name in early
    ]


def _resident(system: System) -> dict[str, float]:
    return {process.name: psutil.Process(process.pid).memory_info().rss / 1e6 for process in system.processes}
