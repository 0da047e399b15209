"""The headers of answers: how text of any script goes into one, and how much of it.

By default nginx answers 502 if the head of an answer has more than 4 KiB. So text from a user, a model or a recording
is cut; the whole of it is in the frame's entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers

from shared.bus.requests.preparing import PreparedAnswer
from shared.frame import Frame

Described = tuple[str, dict[str, Any]]
"""A header's description, and the schema of its value."""

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_WHOLE: dict[str, Any] = {"type": "integer"}


def _of_text(name: str, description: str, what: str, whole: str = "") -> dict[str, Described]:
    return {
        name: (description, _TEXT),
        f"{name}-Encoding": (f"`percent`, where {what} is not printable ASCII", {"const": "percent"}),
        f"{name}-Truncated": (f"`true`, where {name} is only the beginning{whole}", {"const": "true"}),
    }


IMAGE_SHA256 = "X-Image-Sha256"
"""Of an answer with a picture."""

_OURS: dict[str, Described] = {
    "X-Sector": ("the target sector", _TEXT),
    **_of_text(
        "X-Prompt",
        "the prompt; where X-Prompt-Encoding is given, percent-encoded UTF-8",
        "the prompt",
        "; the frame's entry has it all",
    ),
    "X-Seed": ("the seed, given or drawn", _WHOLE),
    "X-Frame-Id": ("the frame's id", _TEXT),
    "X-Generation-Ms": ("milliseconds on the model", _NUMBER),
    "X-Focus-Sector": ("where the viewer looked, when known", _TEXT),
    "X-Session": ("the session it belongs to, if any", _TEXT),
    "X-Recorded": ("`disk`, `pending`, or `no` (no session is active)", {"enum": ["disk", "pending", "no"]}),
    "X-Index": ("the frame's index in its session", _WHOLE),
    **_of_text("X-Object", "the object that the prompt was understood as; absent where nothing was drawn", "X-Object"),
    **_of_text(
        "X-Fallback",
        "what of the request was not done, and what was drawn instead; absent where all was done",
        "X-Fallback",
    ),
}
_OTHERS: dict[str, Described] = {
    "ETag": ("the SHA-256 of the file, in quotes", _TEXT),
    "Retry-After": ("seconds after which another try makes sense", _WHOLE),
    "Content-Range": ("which bytes these are, and of how many", _TEXT),
    "Accept-Ranges": ("`bytes`", _TEXT),
    IMAGE_SHA256: ("the SHA-256 of the picture", _TEXT),
    "X-Region": ("left,top,right,bottom of the sector in the picture that it goes onto, in pixels", _TEXT),
    "X-On": ("the SHA-256 of the picture that the sector goes onto", _TEXT),
}

EXPOSED = tuple(_OURS)
"""Our headers, for a page's script to read."""
ALSO_EXPOSED = tuple(_OTHERS)

HEADERS: dict[str, Described] = {
    **_OURS,
    **_OTHERS,
    "Upgrade": ("`websocket`", {"const": "websocket"}),
    "Cache-Control": ("`no-store` or `no-cache`; of what never changes, how long it may be kept", _TEXT),
}
"""All headers of answers that the OpenAPI document describes."""

ALWAYS_GENERATED = (
    *("X-Sector", "X-Prompt", "X-Seed", "X-Frame-Id", "X-Generation-Ms", "X-Recorded"),
    IMAGE_SHA256,
)
_WITH_PICTURE = (IMAGE_SHA256, "Cache-Control")
GENERATED = (*(name for name in EXPOSED if name != "X-Index"), *_WITH_PICTURE)
REPLAYED = (*(name for name in EXPOSED if name not in ("X-Generation-Ms", "X-Recorded")), *_WITH_PICTURE)
ALWAYS_READY = ("X-Sector", "X-Prompt", "X-Seed", "X-Region", IMAGE_SHA256)
READY = (
    *(*ALWAYS_READY, "X-Prompt-Encoding", "X-Prompt-Truncated"),
    *("X-On", "X-Generation-Ms", "Cache-Control"),
)

NO_STORE = {"Cache-Control": "no-store"}
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Of what its address names by its hash."""

TEXTS_BYTES = 2400
"""Of X-Prompt, X-Object and X-Fallback together: a prompt of 2000 ASCII characters and short notes."""
OBJECT_BYTES = 300
FALLBACK_BYTES = 600
WORD_BYTES = 64
"""Of a value that is one word, unless an imported recording says otherwise."""


def text_headers(name: str, value: str, limit_bytes: int = TEXTS_BYTES) -> dict[str, str]:
    """A header with any text in it.

    Printable ASCII goes as it is. Anything else (and outer spaces, which HTTP drops) is percent-encoded UTF-8, with
    ``<name>-Encoding: percent``; ``decodeURIComponent`` decodes it. What is longer than ``limit_bytes`` is cut between
    two characters, with ``<name>-Truncated: true``.
    """
    if value.isascii() and value.isprintable() and value == value.strip():
        headers = {name: value[:limit_bytes].rstrip()}
        is_cut = len(value) > limit_bytes
    else:
        encoded, is_cut = _percent(value, limit_bytes)
        headers = {name: encoded, f"{name}-Encoding": "percent"}
    if is_cut:
        headers[f"{name}-Truncated"] = "true"
    return headers


def _percent(value: str, limit_bytes: int) -> tuple[str, bool]:
    """As much of a text, percent-encoded, as fits, and whether it was cut."""
    parts: list[str] = []
    room = limit_bytes
    for character in value:
        part = quote(character, safe="", errors="replace")  # half of a surrogate pair has no UTF-8
        room -= len(part)
        if room < 0:
            return "".join(parts), True
        parts.append(part)
    return "".join(parts), False


def ready_headers(answer: PreparedAnswer, sha256: str) -> dict[str, str]:
    """The headers of an answer with the sector of a preparation, whose hash is ``sha256``."""
    headers = {
        "X-Sector": answer.target_sector,
        **text_headers("X-Prompt", answer.prompt),
        "X-Seed": str(answer.seed),
        "X-Region": ",".join(map(str, answer.region or ())),
        IMAGE_SHA256: sha256,
        **NO_STORE,
    }
    if answer.picture_sha256 is not None:
        headers["X-On"] = answer.picture_sha256
    if answer.generation_ms is not None:
        headers["X-Generation-Ms"] = f"{answer.generation_ms:.0f}"
    return headers


def generated_headers(frame: Frame, recorded: str) -> dict[str, str]:
    """The headers of an answer with a frame that was just made."""
    headers = {
        "X-Sector": frame.target_sector,
        **_texts(frame.prompt, frame.notes),
        "X-Seed": str(frame.seed),
        "X-Frame-Id": frame.frame_id,
        "X-Generation-Ms": f"{frame.generation_ms:.0f}",
        "X-Recorded": recorded,
        IMAGE_SHA256: frame.sha256,
        **NO_STORE,
    }
    if frame.focus_sector is not None:
        headers["X-Focus-Sector"] = frame.focus_sector
    if frame.session_id is not None:
        headers["X-Session"] = frame.session_id
    return headers


def replayed_headers(entry: Mapping[str, Any], session_id: str) -> dict[str, str]:
    """The headers of an answer with a recorded frame."""
    headers = {
        **text_headers("X-Sector", str(entry.get("target_sector")), WORD_BYTES),
        **_texts(str(entry.get("prompt") or ""), entry.get("notes")),
        **text_headers("X-Index", str(entry.get("index")), WORD_BYTES),
        "X-Session": session_id,
        **NO_STORE,
    }
    for name, key in (("X-Focus-Sector", "focus_sector"), ("X-Seed", "seed"), ("X-Frame-Id", "frame_id")):
        if entry.get(key) is not None:
            headers.update(text_headers(name, str(entry[key]), WORD_BYTES))
    return headers


def _texts(prompt: str, notes: object) -> dict[str, str]:
    """A frame's prompt, and ``object`` and ``fallback`` of its notes (in an imported session anything), cut to fit."""
    found: dict[str, str] = {}
    room = TEXTS_BYTES
    for name, key, limit_bytes in (("X-Object", "object", OBJECT_BYTES), ("X-Fallback", "fallback", FALLBACK_BYTES)):
        value = notes.get(key) if isinstance(notes, Mapping) else None
        if isinstance(value, str):
            found.update(text_headers(name, value.encode("utf-8", "replace").decode(), limit_bytes))
            room -= len(found[name])
    return {**text_headers("X-Prompt", prompt, room), **found}


def listed(headers: Headers, name: str) -> str:
    """The values of a header that may come in several lines, as one list; empty without any."""
    return ", ".join(headers.getlist(name))
