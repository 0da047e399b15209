"""Throughput with recording on against off, and with the recorder stopped by SIGSTOP against running."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import Figure, abba, seconds
from benchmarks.systems import Caller, generate_body, photograph, sleeping_system

FRAMES = 10
CALLERS = 2
"""Two at a time keep the engine busy: throughput, not latency, is what recording could cost."""
ROUNDS = 2


def measure() -> list[Figure]:
    """Frames a second as ratios."""
    with sleeping_system() as system:
        callers = [Caller(system) for _ in range(CALLERS)]
        body = generate_body(photograph(1024))
        callers[0].generate(body)

        def frames_a_second() -> float:
            with ThreadPoolExecutor(CALLERS) as pool:
                taken = seconds(lambda: list(pool.map(_several, callers, [body] * CALLERS)))
            return FRAMES * CALLERS / taken

        def recording_off() -> float:
            if b'"active":true' in callers[0].get("/session/list?details=true").replace(b" ", b""):
                callers[0].post("/session/stop")
            return frames_a_second()

        def recording_on() -> float:
            callers[0].post("/session/start")
            return frames_a_second()

        on, off = abba(recording_on, recording_off, ROUNDS)
        callers[0].post("/session/start")
        recorder = next(process for process in system.processes if process.name == "recorder")

        def recorder_stopped() -> float:
            recorder.send(signal.SIGSTOP)
            try:
                return frames_a_second()
            finally:
                recorder.send(signal.SIGCONT)

        stopped, running = abba(recorder_stopped, frames_a_second, ROUNDS)
    return [
        Figure("throughput with recording on against off", on / off, at_least=0.98),
        Figure("throughput with the recorder stopped (SIGSTOP) against running", stopped / running, at_least=0.98),
    ]


def _several(caller: Caller, body: bytes) -> None:
    for _ in range(FRAMES):
        caller.generate(body)
