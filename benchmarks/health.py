"""``/health`` while an inference of the real default model keeps the cores busy, against idle."""

from __future__ import annotations

import statistics
import tempfile
import threading
from pathlib import Path

from benchmarks.figures import Figure, seconds
from benchmarks.systems import Caller, generate_body, photograph
from tests.support.processes import System

REQUESTS = 200


def measure() -> list[Figure]:
    """Median times as a ratio."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder))
        try:
            for name in ("generator", "recorder", "replayer", "api"):
                system.start(name)
            caller = Caller(system)
            body = generate_body(photograph(1024))
            Caller(system).generate(body)
            idle = _median(caller)
            done = threading.Event()
            busy = threading.Thread(target=_keep_busy, args=(system, body, done))
            busy.start()
            try:
                during = _median(caller)
            finally:
                done.set()
                busy.join()
        finally:
            system.stop_all()
            system.kill_all()
    detail = f"{during * 1000:.2f} ms against {idle * 1000:.2f} ms"
    return [Figure("/health while inferences run against idle", during / idle, at_most=5, detail=detail)]


def _median(caller: Caller) -> float:
    return statistics.median(seconds(lambda: caller.get("/health")) for _ in range(REQUESTS))


def _keep_busy(system: System, body: bytes, done: threading.Event) -> None:
    caller = Caller(system)
    while not done.is_set():
        caller.generate(body)
