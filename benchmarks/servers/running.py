"""Starts a server that is not ours, on a port of its own, and waits until it answers."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.asking import http_status
from tests.support.buses import free_port
from tests.support.processes import REPOSITORY
from tests.support.waiting import eventually

READY_S = 60.0


@contextmanager
def running(python: str | Path, program: str, *arguments: str | Path) -> Iterator[int]:
    """The port of ``python -m benchmarks.servers.PROGRAM PORT ARGUMENTS``, which answers; it ends with the block."""
    port = free_port()
    command = [str(python), "-m", f"benchmarks.servers.{program}", str(port), *map(str, arguments)]
    with _process(command) as process:

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{program} exited with {process.returncode}")
            return http_status(f"http://127.0.0.1:{port}/health") == 200

        eventually(ready, READY_S, f"{program} answers")
        yield port


@contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        # The whole group: LitServe's workers outlive a server that is told to stop alone.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
