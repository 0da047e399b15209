"""Range requests (RFC 9110, 14) over bytes that are in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})\Z")


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
