"""What is watched while fuzzers run: the answers of ``/health``, memory, descriptors, logs, and whether all live."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import psutil  # type: ignore[import-untyped]

from tests.attack.http_line import Answers, request
from tests.support.processes import Process

EVERY_S = 0.05
PATIENCE_S = 60.0
"""A ``/health`` that takes longer counts as not answered."""
SAMPLED_EVERY_S = 0.5
_TRACEBACK = re.compile(r"^Traceback .*(?:\n[ \t].*|\n)*\n?(\S.*)", re.MULTILINE)
_ERROR = re.compile(r"^\S+ \S+ \S+ +(?:ERROR|CRITICAL) +(.*)", re.MULTILINE)


@dataclass
class Asked:
    """How ``/health`` answered: when (Unix seconds) and after how many seconds."""

    times: list[tuple[float, float]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


def probe(host: str, port: int, pipe: Connection) -> None:
    """In a process of its own: ask ``/health`` again and again on one connection, until the pipe says stop; then send
    an :class:`Asked`."""
    asked, link, question = Asked(), None, request("GET", "/health").data
    try:
        while not pipe.poll(EVERY_S):
            began, problem = time.monotonic(), ""
            while time.monotonic() - began < PATIENCE_S:
                try:
                    if link is None:
                        link = socket.create_connection((host, port), timeout=PATIENCE_S)
                        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    link.sendall(question)
                    status = _status(link)
                except OSError as error:
                    # An idle connection may be ended to make room for another, as HTTP allows: a client asks again.
                    problem = f"{type(error).__name__}: {error}"
                    if link is not None:
                        link.close()
                    link = None
                    continue
                asked.times.append((time.time(), time.monotonic() - began))
                asked.statuses[status] = asked.statuses.get(status, 0) + 1
                break
            else:
                asked.unanswered.append(problem)
        pipe.send(asked)
    except (BrokenPipeError, EOFError):
        return  # the bench has ended


def _status(link: socket.socket) -> int:
    answers = Answers()
    while (answer := answers.next(False)) is None:
        data = link.recv(1 << 16)
        if not data:
            raise ConnectionResetError("closed before an answer")
        answers.feed(data)
    return answer.status


@dataclass
class Use:
    """Memory (bytes, with its children's) and descriptors of a process: at the start, at most, and last."""

    start_bytes: int = 0
    peak_bytes: int = 0
    last_bytes: int = 0
    start_descriptors: int = 0
    peak_descriptors: int = 0
    last_descriptors: int = 0

    @property
    def growth(self) -> float:
        """Last memory by first."""
        return self.last_bytes / max(1, self.start_bytes)


class Watch:
    """Samples the processes in a thread."""

    def __init__(self, processes: list[Process]) -> None:
        self.uses = {process.name: Use() for process in processes}
        self._processes = processes
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Take the first sample, which the others are held against, and go on."""
        for process in self._processes:
            use = self.uses[process.name]
            use.start_bytes, use.start_descriptors = _used(process)
        self._thread.start()

    def sample(self) -> None:
        """Take one now."""
        for process in self._processes:
            use = self.uses[process.name]
            use.last_bytes, use.last_descriptors = _used(process)
            use.peak_bytes = max(use.peak_bytes, use.last_bytes)
            use.peak_descriptors = max(use.peak_descriptors, use.last_descriptors)

    def ended(self) -> list[str]:
        """Processes that have ended."""
        return [f"{each.name} (exit code {each.exit_code})" for each in self._processes if each.exit_code is not None]

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(SAMPLED_EVERY_S):
            self.sample()


def _used(process: Process) -> tuple[int, int]:
    resident = descriptors = 0
    with suppress(psutil.Error):
        main = psutil.Process(process.pid)
        for each in (main, *main.children(recursive=True)):
            with suppress(psutil.Error):
                resident += each.memory_info().rss
        descriptors = main.num_fds()
    return resident, descriptors


class Logs:
    """Reads what the processes say, for tracebacks and errors; of each kind the first is kept, and counted."""

    def __init__(self, processes: list[Process]) -> None:
        self._read = {process.name: 0 for process in processes}
        self._paths = {process.name: process.err_path for process in processes}
        self.tracebacks: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def look(self, during: str) -> None:
        """Read on; what is bad is noted, with what ran at that time."""
        for name, path in self._paths.items():
            with path.open("rb") as file:
                file.seek(self._read[name])
                data = file.read()
            # A line that is being written is left for the next time.
            data = data[: data.rfind(b"\n") + 1]
            self._read[name] += len(data)
            self._note(name, data.decode("utf-8", "replace"), during)

    def _note(self, name: str, text: str, during: str) -> None:
        for match in _TRACEBACK.finditer(text):
            kind = f"{name}: {match[1][:200]}"
            self.counts["tracebacks"] += 1
            self.tracebacks.setdefault(
                kind, f"{name}, during {during}:\n{text[max(0, match.start() - 300) : match.end()]}"
            )
        for match in _ERROR.finditer(text):
            self.counts["errors"] += 1
            self.errors.setdefault(f"{name}: {match[1][:60]}", f"{name}, during {during}:\n{match[0][:1000]}")
