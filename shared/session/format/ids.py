"""Session ids: which are valid, which are free, and the one a session gets when nobody names it."""

from __future__ import annotations

import os
import re
from itertools import chain, count
from pathlib import Path

from shared.errors import InvalidSessionId, SessionExists

MAX_LENGTH = 128

_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")

RESERVED: frozenset[str] = frozenset(
    ["list", "start", "stop", "status", "replay", "next", "previous", "seek", "play", "pause", "compare", "import"]
)
"""Words that stand after ``/session/`` in a path of the API."""

_DEVICES: frozenset[str] = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
"""Names that Windows keeps for devices, with any extension: a session must be able to be copied there."""


def validate(session_id: str) -> str:
    """The id itself, when a session may have it. Raises InvalidSessionId with a sentence that says which rule it
    breaks."""
    if not session_id:
        raise InvalidSessionId("the session id is empty; leave session_id out to get one made")
    if len(session_id) > MAX_LENGTH:
        raise InvalidSessionId(f"a session id has at most {MAX_LENGTH} characters; this one has {len(session_id)}")
    if not _PATTERN.match(session_id):
        raise InvalidSessionId(
            f"a session id consists of A-Z a-z 0-9 . _ - and begins with a letter or digit; {session_id!r} does not"
        )
    if session_id.endswith("."):
        raise InvalidSessionId(f"a session id does not end in a dot; {session_id!r} does")
    if session_id in RESERVED:
        raise InvalidSessionId(f"{session_id!r} is a word of the API's own paths; choose another id")
    if session_id.split(".", 1)[0].lower() in _DEVICES:
        raise InvalidSessionId(f"{session_id!r} is a device name on Windows; choose another id")
    return session_id


def claim(root: Path, session_id: str) -> str:
    """The id itself, when a new session under ``root`` may have it. Raises InvalidSessionId where it breaks a rule, or
    equals an existing one but for case, and SessionExists where a session (or any file) has it."""
    validate(session_id)
    taken = _names(root)
    if session_id in taken:
        raise SessionExists(f"session {session_id!r} exists; choose another id")
    for name in taken:
        if name.lower() == session_id.lower():
            differs = f"{session_id!r} differs from the existing session {name!r} only in case"
            raise InvalidSessionId(f"{differs}; choose another id")
    return session_id


def automatic(root: Path, now_s: float) -> str:
    """``session_<unix seconds>``, with ``_2``, ``_3`` behind it when that is taken under ``root``."""
    taken = {name.lower() for name in _names(root)}
    plain = f"session_{int(now_s)}"
    numbered = (f"{plain}_{number}" for number in count(2))
    return next(name for name in chain([plain], numbered) if name not in taken)


def _names(root: Path) -> list[str]:
    try:
        return os.listdir(root)
    except FileNotFoundError:
        return []
