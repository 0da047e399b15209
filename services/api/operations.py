"""Every operation: what its query may say, what body it takes, and whether it changes anything.

The routes are made from this table, and requests are held to it in one place: a parameter that is misspelt, or stands
where nobody reads it, is an error rather than a default that is obeyed. A test holds the OpenAPI document to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Body = Literal["none", "json", "json or form", "archive"]

WEBSOCKET = "WEBSOCKET"
"""Stands for a method where a path is one of a WebSocket."""
TOKEN = "token"
"""May stand in the query of every operation."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    Attributes:
        query: names of its parameters in the query, each to be given at most once.
        body: what it takes.
        changes: whether pages of foreign origins must not be able to have it done, a GET too.
    """

    method: str
    path: str
    query: tuple[str, ...] = ()
    body: Body = "none"
    changes: bool = False


def _reads(path: str, *query: str) -> Operation:
    return Operation("GET", path, query)


def _changes(method: str, path: str, *query: str, body: Body = "none") -> Operation:
    return Operation(method, path, query, body, changes=True)


_ALL = (
    _reads("/", "gaze"),
    _reads("/web/{path}"),
    _reads("/samples"),
    _reads("/samples/{name}"),
    _reads("/samples/{name}/thumbnail"),
    _changes("POST", "/generate", body="json or form"),
    _changes("POST", "/session/start", "session_id", "resume"),
    _changes("POST", "/session/stop"),
    _reads("/session/status"),
    _reads("/session/list", "details"),
    # They move a cursor that others may share.
    _changes("GET", "/session/replay/next", "cursor"),
    _changes("GET", "/session/replay/previous", "cursor"),
    _reads("/session/replay/status", "cursor"),
    _changes("POST", "/session/replay/seek", "index", "cursor"),
    _changes("POST", "/session/replay/play", "speed", "loop", "cursor"),
    _changes("POST", "/session/replay/pause", "cursor"),
    _changes("POST", "/session/replay/stop", "cursor"),
    _changes("POST", "/session/replay/{session_id}", "cursor"),
    _reads("/session/{session_id}"),
    _changes("DELETE", "/session/{session_id}"),
    _changes("POST", "/session/import", "session_id", body="archive"),
    # It begins minutes of work, which goes on when nobody waits for it, beside an experiment that may be running.
    _changes("GET", "/session/compare", "a", "b", "first", "count"),
    _reads("/session/{session_id}/export"),
    _reads("/session/{session_id}/entries", "from", "count"),
    _changes("POST", "/session/{session_id}/rerun", body="json"),
    _reads("/session/{session_id}/rerun"),
    _changes("DELETE", "/session/{session_id}/rerun"),
    _reads("/session/{session_id}/frames/{index}"),
    _reads("/session/{session_id}/frames/{index}/input"),
    _reads("/session/{session_id}/frames/{index}/thumbnail"),
    _reads("/vocabulary"),
    _reads("/prompts"),
    _changes("POST", "/reset"),
    _reads("/health"),
    _reads("/ready"),
    _reads("/openapi.json"),
    _reads("/docs"),
    _reads("/ws", "frames"),
    _reads("/gaze", "listen"),
    # A browser lets any page open a WebSocket to anywhere, and read from it.
    _changes(WEBSOCKET, "/ws", "frames"),
    _changes(WEBSOCKET, "/gaze", "listen"),
)

OPERATIONS = {(operation.method, operation.path): operation for operation in _ALL}

CHANGING_READS = frozenset(operation.path for operation in _ALL if operation.method == "GET" and operation.changes)
"""Paths, none with a name in it, whose GET is no plain read."""
