"""Parafovea as the benchmarks run it: real processes, with an engine that sleeps at the engine's seam."""

from __future__ import annotations

import base64
import http.client
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.support.processes import REPOSITORY, Process, System

SLEEP_MS = 300


@contextmanager
def sleeping_system(**settings: str) -> Iterator[System]:
    """Generator (sleeping engine), recorder, replayer and API, all ready."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder), **settings)
        try:
            start_generator(system)
            for name in ("recorder", "replayer", "api"):
                system.start(name)
            yield system
        finally:
            system.stop_all()
            system.kill_all()


def start_generator(system: System, sleep_ms: int = SLEEP_MS) -> Process:
    """A generator whose engine sleeps instead of drawing."""
    command = [sys.executable, "-m", "benchmarks.sleeping_generator", str(sleep_ms)]
    return system.run("generator", command, wait=True)


def photograph(side: int) -> bytes:
    """A square JPEG of a real photograph."""
    with Image.open(REPOSITORY / "examples" / "meadow.jpg") as image:
        edge = min(image.size)
        square = image.convert("RGB").crop((0, 0, edge, edge)).resize((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    square.save(file, "jpeg", quality=92)
    return file.getvalue()


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
