"""Answers with a file or a picture: which one it is, whether the client has it, and which part of it is asked for."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.headers import IMAGE_SHA256, listed

HASHED_AT_ONCE_BYTES = 256 * 1024
"""In a fraction of a millisecond."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})\Z")


def valid_sha256(value: object) -> str | None:
    """The hash that an entry has, or None if that is none."""
    return value if isinstance(value, str) and _SHA256.match(value) else None


def of_picture(sha256: str) -> dict[str, str]:
    """The header of an answer with a picture that says which one it is."""
    return {IMAGE_SHA256: sha256}


async def hash_of(data: bytes) -> str:
    """The SHA-256 of a picture; of a large one it is worked out in a thread."""
    if len(data) <= HASHED_AT_ONCE_BYTES:
        return hashlib.sha256(data).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()


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
