"""API, recorder, replayer and gaze process: resident megabytes, and start-up against the import of their libraries
alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.figures import Figure, abba, seconds
from benchmarks.systems import Caller, generate_body, photograph, sleeping_system, start_generator
from tests.support.processes import System

LIBRARIES = {
    "api": "starlette.applications, starlette.responses, starlette.websockets, uvicorn, pydantic, pydantic_settings, "
    "orjson, zmq.asyncio, zmq.auth.asyncio, multipart, filelock, uvicorn.protocols.http.auto, "
    "uvicorn.protocols.websockets.auto",
    "recorder": "pydantic, pydantic_settings, orjson, zmq.asyncio, zmq.auth.asyncio, filelock",
    "replayer": "pydantic, pydantic_settings, orjson, zmq.asyncio, zmq.auth.asyncio, filelock",
    "gaze": "pydantic, pydantic_settings, orjson, zmq.asyncio, zmq.auth.asyncio, filelock",
}
LIMIT_MB = 120
FRAMES = 30
ROUNDS = 2


def measure() -> list[Figure]:
    """Memory after some work, and start-up as a ratio."""
    return [*_memory(), *(_start_up(name) for name in LIBRARIES)]


def _memory() -> list[Figure]:
    with sleeping_system() as system:
        system.start("gaze")
        caller = Caller(system)
        session_id = caller.post("/session/start")["session_id"]
        body = generate_body(photograph(1024))
        for _ in range(FRAMES):
            caller.generate(body)
        caller.post(f"/session/replay/{session_id}")
        for _ in range(FRAMES // 2):
            caller.get("/session/replay/next")
        resident = {
            process.name: psutil.Process(process.pid).memory_info().rss / 1e6
            for process in system.processes
            if process.name in LIBRARIES
        }
    return [
        Figure(f"{name}, resident after {FRAMES} frames of 1024 square", value, "MB", at_most=LIMIT_MB)
        for name, value in resident.items()
    ]


def _start_up(name: str) -> Figure:
    def libraries() -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", f"import {LIBRARIES[name]}"], check=True))

    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder))
        if name != "recorder":
            start_generator(system, sleep_ms=1)

        def up() -> float:
            taken = seconds(lambda: system.start(name))
            system.processes[-1].stop()
            return taken

        try:
            started, imported = abba(up, libraries, ROUNDS)
        finally:
            system.stop_all()
            system.kill_all()
    detail = f"{statistics.fmean([started]):.2f} s against {imported:.2f} s"
    return Figure(f"{name}: start-up against the import of its libraries", started / imported, at_most=2, detail=detail)
