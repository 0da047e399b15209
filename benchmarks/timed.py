"""One server under measurement, and how long it takes beside its engine."""

from __future__ import annotations

import hashlib
import http.client
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines.predicting import slept

JSON = {"Content-Type": "application/json"}


class NotMade(RuntimeError):
    """The server answered something else than a picture."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and how long it took.

    Attributes:
        beside_ms: the client's time from its first byte to the last of the answer, without the engine's sleep.
    """

    beside_ms: float
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def sha256(self) -> str:
        return self.headers.get("X-Image-Sha256") or hashlib.sha256(self.body).hexdigest()


class Server:
    """A server on 127.0.0.1, by one connection that is kept open.

    Attributes:
        name: in tables.
        last: its last picture.
    """

    def __init__(self, name: str, port: int, slept_file: Path | None = None) -> None:
        self.name = name
        self._slept = slept_file
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.last: Answer | None = None

    def generate(self, body: bytes) -> Answer:
        """Post a request and read the picture. Raises NotMade: what came instead."""
        answer = self.ask("POST", "/generate", body)
        if answer.status != 200:
            raise NotMade(f"{self.name}: {answer.status} {answer.body[:300]!r}")
        self.last = answer
        return answer

    def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Any request; once more where the server had ended a connection that lay idle."""
        try:
            return self._ask(method, path, body)
        except ConnectionError:
            self._connection.close()
            return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: bytes) -> Answer:
        # The engine's sleep is what it appended to its file meanwhile.
        before = self._times()
        started = time.perf_counter()
        self._connection.request(method, path, body, JSON if body else {})
        response = self._connection.getresponse()
        read = response.read()
        wall_s = time.perf_counter() - started
        asleep_s = sum(slept(self._slept)[before:]) if self._slept else 0.0
        return Answer((wall_s - asleep_s) * 1000, response.status, response.headers, read)

    def _times(self) -> int:
        return self._slept.stat().st_size // 8 if self._slept and self._slept.exists() else 0


def set_recording(server: Server, on: bool) -> None:
    """Start a session, or end the one that is active. Raises NotMade: it did neither."""
    active = b'"active":true' in server.ask("GET", "/session/list?details=true").body.replace(b" ", b"")
    if active != on:
        answer = server.ask("POST", "/session/start" if on else "/session/stop")
        if answer.status != 200:
            raise NotMade(f"{server.name}: {answer.status} {answer.body[:300]!r}")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles, in milliseconds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least two values."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.1f} ms ({self.low:.1f} to {self.high:.1f})"


def machine() -> str:
    """What a reader should know of the machine: cores, and how many wanted to run in the last minute."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
