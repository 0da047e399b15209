"""Answers with a file in memory: conditional requests and ranges (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.headers import listed

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})\Z")


def cached(request: Request, data: bytes, headers: Mapping[str, str], etag: str, media_type: str) -> Response:
    """The file; 304 if the client has it already."""
    headers = {**headers, "ETag": etag, "Cache-Control": "no-cache"}
    if has_tag(request.headers, etag):
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type)


def partial(request: Request, data: bytes, headers: Mapping[str, str], media_type: str) -> Response:
    """The whole, or the one range that the client asked for.

    Several ranges, a malformed one, or one beyond the end are answered with the whole, as the RFC permits.
    """
    span = parse(request.headers.get("range", ""), len(data))
    condition = request.headers.get("if-range")
    if span is None or (condition is not None and condition != headers.get("ETag")):
        return Response(data, 200, dict(headers), media_type)
    start, stop = span
    content_range = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return Response(data[start:stop], 206, {**headers, **content_range}, media_type)


def parse(value: str, size: int) -> tuple[int, int] | None:
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
