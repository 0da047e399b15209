"""The headers of answers: how text of any script goes into one, how much of it, and what of a file is answered.

By default nginx answers 502 if the head of an answer has more than 4 KiB. So text from a user, a model or a recording
is cut; the whole of it is in the frame's entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

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
    "X-Image-Sha256": ("the SHA-256 of the picture", _TEXT),
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

ALWAYS_GENERATED = ("X-Sector", "X-Prompt", "X-Seed", "X-Frame-Id", "X-Generation-Ms", "X-Recorded")
GENERATED = (*(name for name in EXPOSED if name != "X-Index"), "Cache-Control")
REPLAYED = (*(name for name in EXPOSED if name not in ("X-Generation-Ms", "X-Recorded")), "Cache-Control")

NO_STORE = {"Cache-Control": "no-store"}
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Of what its address names by its hash."""

TEXTS_BYTES = 2400
"""Of X-Prompt, X-Object and X-Fallback together: a prompt of 2000 ASCII characters and short notes."""
OBJECT_BYTES = 300
FALLBACK_BYTES = 600
WORD_BYTES = 64
"""Of a value that is one word, unless an imported recording says otherwise."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})\Z")


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


def etag_of(sha256: object) -> str | None:
    """The ETag of a recorded file, or None if its entry has no valid hash."""
    return f'"{sha256}"' if isinstance(sha256, str) and _SHA256.match(sha256) else None


def generated_headers(frame: Frame, recorded: str) -> dict[str, str]:
    """The headers of an answer to ``/generate``."""
    headers = {
        "X-Sector": frame.target_sector,
        **_texts(frame.prompt, frame.notes),
        "X-Seed": str(frame.seed),
        "X-Frame-Id": frame.frame_id,
        "X-Generation-Ms": f"{frame.generation_ms:.0f}",
        "X-Recorded": recorded,
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


def cached(request: Request, data: bytes, headers: Mapping[str, str], etag: str, media_type: str) -> Response:
    """The file; 304 if the client has it already."""
    headers = {**headers, "ETag": etag, "Cache-Control": "no-cache"}
    if has_tag(request.headers, etag):
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type)


def partial(request: Request, data: bytes, headers: Mapping[str, str], media_type: str) -> Response:
    """The one range asked for; or the whole, as the RFC permits, for several, a malformed one or one beyond the end."""
    span = parse_range(request.headers.get("range", ""), len(data))
    condition = request.headers.get("if-range")
    if span is None or (condition is not None and condition != headers.get("ETag")):
        return Response(data, 200, dict(headers), media_type)
    start, stop = span
    content_range = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return Response(data[start:stop], 206, {**headers, **content_range}, media_type)


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """First byte and one past the last; None unless the header asks for a single range inside the data."""
    match = _RANGE.match(value.strip().lower())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(0, size - length), size) if length and size else None
    start = int(match[1])
    stop = min(int(match[2]) + 1, size) if match[2] else size
    return (start, stop) if start < stop else None


def has_tag(headers: Headers, etag: str) -> bool:
    """Whether ``If-None-Match`` names an entity tag (RFC 9110, 13.1.2): in a list, as a weak one, or by ``*``."""
    given = [tag.strip().removeprefix("W/") for tag in listed(headers, "if-none-match").split(",")]
    return "*" in given or etag in given
