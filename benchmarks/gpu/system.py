"""A whole Parafovea with a model of ours: real processes in folders of their own, which find the card."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.systems import Caller
from tests.support.asking import http_status
from tests.support.processes import Process, System

SERVICES = ("generator", "recorder", "replayer", "api")
PATIENCE_S = 1800.0
"""For loading, compiling, a request in a queue, a run of an engine by itself."""
_LOOKS_A_SECOND = 20
"""At /ready: more of them would take time from what is starting."""
_PASSED_ON = ("CUDA_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "PYTORCH_", "TRITON_", "LD_LIBRARY_PATH", "CC", "CXX")
"""How the environment's variables begin that torch finds a card, its libraries and a compiler by."""
_THREADS = "OMP_NUM_THREADS"


class Failed(Exception):
    """Something could not be measured; the message says why."""


class CardSystem(System):
    """A system whose processes see the card, and have as many threads as they do outside of tests."""

    def __init__(self, folder: Path, threads_of_tests: bool, **settings: str) -> None:
        super().__init__(folder, **settings)
        self._threads_of_tests = threads_of_tests

    def environment(self, **more: str) -> dict[str, str]:
        made = super().environment(**more)
        if not self._threads_of_tests:
            made.pop(_THREADS, None)
        return {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)} | made

    def ask_alone(self, requests: int, steps: int | None) -> dict[str, Any]:
        """What an engine by itself takes. Raises Failed: it could not be loaded, or run."""
        command = [sys.executable, "-m", "benchmarks.gpu.alone", str(requests), str(steps or 0)]
        process = self.run("alone", command)
        if process.wait(PATIENCE_S):
            raise Failed(_last_line(process))
        told: dict[str, Any] = json.loads(process.out.splitlines()[-1])
        return told

    def start_all(self) -> float:
        """Start every process at once, as honcho does; seconds until /ready. Raises Failed: it will never be."""
        started = time.perf_counter()
        for name in SERVICES:
            self.start(name, wait=False)
        for look in itertools.count(1):
            status = http_status(f"{self.url}/ready")
            if status == http.client.OK:
                break
            if time.perf_counter() - started > PATIENCE_S:
                raise Failed(f"it was not ready within {PATIENCE_S:g} s")
            self._check(ask=status is not None and look % _LOOKS_A_SECOND == 0)
            time.sleep(1 / _LOOKS_A_SECOND)
        return time.perf_counter() - started

    def _check(self, ask: bool) -> None:
        """Raise Failed where there is nothing to wait for any more. ``ask``: the API, too."""
        for process in self.processes:
            if process.name in SERVICES and process.exit_code is not None:
                raise Failed(f"{process.name} ended: {_last_line(process)}")
        if ask:
            generator = json.loads(Patient(self).get("/health"))["processes"]["generator"]
            if generator["state"] == "failed":
                raise Failed(str(generator["detail"]))


class Patient(Caller):
    """A client that waits as long as a model takes."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self._connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=PATIENCE_S)


@contextmanager
def card_system(
    model: Path, device: str, caches: Path, settings: Mapping[str, str], threads_of_tests: bool
) -> Iterator[CardSystem]:
    """A system with nothing started yet. ``caches``: of hashes, and of what is compiled; as on a machine that has run
    this model before, they are there at the next start."""
    with tempfile.TemporaryDirectory(prefix="pfg-", dir="/tmp") as folder:
        system = CardSystem(
            Path(folder),
            threads_of_tests,
            PARAFOVEA_MODEL=os.fspath(model),
            PARAFOVEA_DEVICE=device,
            PARAFOVEA_WARM_UP="yes",
            PARAFOVEA_GENERATION_TIMEOUT_S=str(PATIENCE_S),
            XDG_CACHE_HOME=os.fspath(caches),
            TORCHINDUCTOR_CACHE_DIR=os.fspath(caches / "inductor"),
            TRITON_CACHE_DIR=os.fspath(caches / "triton"),
            CUDA_CACHE_PATH=os.fspath(caches / "cuda"),
            **settings,
        )
        try:
            yield system
            with suppress(AssertionError):  # it does not end in time: what was measured stands all the same
                system.stop_all()
        finally:
            system.kill_all()


def _last_line(process: Process) -> str:
    lines = [line for line in process.err.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {process.exit_code}"
