"""The ``X-`` headers of an answer, and how text of any script goes into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from shared.requests import Generated

EXPOSED: tuple[str, ...] = (
    "X-Sector",
    "X-Prompt",
    "X-Prompt-Encoding",
    "X-Seed",
    "X-Frame-Id",
    "X-Generation-Ms",
    "X-Focus-Sector",
    "X-Session",
    "X-Recorded",
    "X-Index",
    "X-Object",
    "X-Object-Encoding",
    "X-Fallback",
    "X-Fallback-Encoding",
)
"""All our headers, so that a page's script can read them."""

ALSO_EXPOSED: tuple[str, ...] = ("ETag", "Retry-After", "Content-Range", "Accept-Ranges")

MAX_NOTE_CHARS = 600
"""Of a note in a header; the whole of it is in the frame's entry."""

NO_STORE = {"Cache-Control": "no-store"}


def text_headers(name: str, value: str) -> dict[str, str]:
    """A header with any text in it.

    Printable ASCII goes as it is. Anything else (and outer spaces, which HTTP drops) makes it percent-encoded UTF-8,
    with ``<name>-Encoding: percent`` beside it; ``decodeURIComponent`` gives the text back.
    """
    if value.isascii() and value.isprintable() and value == value.strip():
        return {name: value}
    return {name: quote(value, safe=""), f"{name}-Encoding": "percent"}


def generated_headers(frame: Generated, recorded: str) -> dict[str, str]:
    """What the answer to ``/generate`` says of its frame."""
    headers = {
        "X-Sector": frame.target_sector,
        **text_headers("X-Prompt", frame.prompt),
        "X-Seed": str(frame.seed),
        "X-Frame-Id": frame.frame_id,
        "X-Generation-Ms": f"{frame.generation_ms:.0f}",
        "X-Recorded": recorded,
        **_note_headers(frame.notes),
        **NO_STORE,
    }
    if frame.focus_sector is not None:
        headers["X-Focus-Sector"] = frame.focus_sector
    if frame.session_id is not None:
        headers["X-Session"] = frame.session_id
    return headers


def replayed_headers(entry: Mapping[str, Any], session_id: str) -> dict[str, str]:
    """What the answer to ``/session/replay/next`` says of a recorded frame."""
    headers = {
        "X-Sector": str(entry.get("target_sector")),
        **text_headers("X-Prompt", str(entry.get("prompt") or "")),
        "X-Index": str(entry.get("index")),
        "X-Session": session_id,
        **(_note_headers(notes) if isinstance(notes := entry.get("notes"), Mapping) else {}),
        **NO_STORE,
    }
    for name, key in (("X-Focus-Sector", "focus_sector"), ("X-Seed", "seed"), ("X-Frame-Id", "frame_id")):
        if entry.get(key) is not None:
            headers.update(text_headers(name, str(entry[key])))
    return headers


def _note_headers(notes: Mapping[str, Any]) -> dict[str, str]:
    """``object`` and ``fallback`` of a frame's notes: what the model made of the prompt."""
    found: dict[str, str] = {}
    for name, key in (("X-Object", "object"), ("X-Fallback", "fallback")):
        value = notes.get(key)
        if isinstance(value, str):  # of an imported session it may be anything
            whole = value.encode("utf-8", "replace").decode()
            shown = whole if len(whole) <= MAX_NOTE_CHARS else whole[: MAX_NOTE_CHARS - 1] + "…"
            found.update(text_headers(name, shown))
    return found
