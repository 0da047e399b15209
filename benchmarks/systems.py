"""Parafovea as the benchmarks run it: real processes, with an engine that sleeps at the engine's seam."""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pictures import photograph
from tests.support.processes import REPOSITORY, Process, System

__all__ = ["Answered", "Caller", "generate_body", "photograph", "sleeping_system", "slept_file", "start_generator"]

SLEEP_MS = 300

SERVE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import benchmarks; del sys.path[0]; "
    "from benchmarks.engines.serving import serve; serve()"
)
"""The engines are this checkout's, the generator that of the checkout in PYTHONPATH."""


@contextmanager
def sleeping_system(
    sleep_ms: float = SLEEP_MS, kind: str = "sleeping", checkout: Path = REPOSITORY, **settings: str
) -> Iterator[System]:
    """Generator (with an engine of benchmarks/engines), recorder, replayer and API of a checkout, all ready."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder), PYTHONPATH=str(checkout), **settings)
        try:
            start_generator(system, sleep_ms, kind)
            for name in ("recorder", "replayer", "api"):
                system.start(name)
            yield system
        finally:
            system.stop_all()
            system.kill_all()


def start_generator(system: System, sleep_ms: float = SLEEP_MS, kind: str = "sleeping") -> Process:
    """A generator whose engine sleeps instead of drawing."""
    arguments = [str(REPOSITORY), kind, str(sleep_ms), os.fspath(slept_file(system))]
    return system.run("generator", [sys.executable, "-c", SERVE, *arguments], wait=True)


def slept_file(system: System) -> Path:
    """Where the engine says how long it slept."""
    return system.folder / "slept"


def generate_body(image: bytes, **fields: object) -> bytes:
    """The JSON of a ``/generate`` request."""
    body = {"image_base64": base64.b64encode(image).decode(), "focus_sector": "TL", "prompt": "a bee", **fields}
    return json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Answered:
    """What ``/generate`` answered."""

    generation_ms: float
    recorded: str
    png: bytes


class Caller:
    """One HTTP connection that is kept open, as a browser keeps it."""

    def __init__(self, system: System) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=60)

    def generate(self, body: bytes) -> Answered:
        """Post one request and read the picture."""
        self._connection.request("POST", "/generate", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        png = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {png[:300]!r}")
        return Answered(float(response.headers["X-Generation-Ms"]), response.headers["X-Recorded"], png)

    def get(self, path: str) -> bytes:
        """Body of a GET."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        return response.read()

    def post(self, path: str) -> dict[str, object]:
        """JSON answer to a POST without a body."""
        self._connection.request("POST", path, b"")
        response = self._connection.getresponse()
        answer: dict[str, object] = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{path}: {answer}")
        return answer
