"""Starting a replay and ``GET /session/{id}`` on 100,000 entries, ``GET /session/list`` with 10,000 sessions.

Each against a bare read of the same files.
"""

from __future__ import annotations

import http.client
import tempfile
from pathlib import Path

from benchmarks.appending import long_session
from benchmarks.figures import Figure, abba, seconds
from shared.session.format.layout import METADATA
from shared.session.reading.reader import open_session
from shared.session.reading.sessions import list_sessions
from tests.support.processes import System

ENTRIES = 100_000
SESSIONS = 10_000
ROUNDS = 3
LIMIT = 3


def measure() -> list[Figure]:
    """Three ratios of medians; and the two that need no process, as a user of the package sees them."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder))
        try:
            long_session(system.sessions, "long", ENTRIES)
            for number in range(SESSIONS):
                long_session(system.sessions, f"short{number}", 1)
            for name in ("recorder", "replayer", "api"):
                system.start(name)
            return _figures(system)
        finally:
            system.stop_all()
            system.kill_all()


def _figures(system: System) -> list[Figure]:
    long_file = system.sessions / "long" / METADATA
    files = [path / METADATA for path in sorted(system.sessions.iterdir()) if path.is_dir() and path.name[0] != "."]

    def bare_long() -> float:
        return seconds(long_file.read_bytes)

    def bare_list() -> float:
        return seconds(lambda: [path.read_bytes() for path in files])

    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=120)

    def ask(method: str, path: str) -> float:
        def call() -> None:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")

        return seconds(call)

    measured = {
        f"reading the start of a session of {ENTRIES} entries": (
            lambda: seconds(lambda: open_session(system.sessions, "long").close()),
            bare_long,
        ),
        f"POST /session/replay on {ENTRIES} entries": (lambda: ask("POST", "/session/replay/long"), bare_long),
        f"GET /session/{{id}} of {ENTRIES} entries": (lambda: ask("GET", "/session/long"), bare_long),
        f"listing {SESSIONS} sessions": (lambda: seconds(lambda: list_sessions(system.sessions)), bare_list),
        f"GET /session/list with {SESSIONS} sessions": (lambda: ask("GET", "/session/list"), bare_list),
    }
    figures = []
    for name, (ours, bare) in measured.items():
        ours()
        our_s, bare_s = abba(ours, bare, ROUNDS)
        detail = f"{our_s * 1000:.0f} ms against {bare_s * 1000:.0f} ms"
        figures.append(Figure(f"{name}, against a bare read", our_s / bare_s, at_most=LIMIT, detail=detail))
    return figures
