"""Refuses request heads that two programs could read in two ways (RFC 9112, 3.2 and 6.3).

Of two ``Host`` headers a proxy may check one and the server obey the other. What the parser refuses itself (a
``Content-Length`` beside a ``Transfer-Encoding``, a folded line, a bare line feed) does not get here.
"""

from __future__ import annotations

import re

from shared.errors import ParafoveaError

SINGLE = frozenset(
    b"access-control-request-method access-control-request-private-network authorization content-length content-type "
    b"host if-range origin range referer sec-fetch-site transfer-encoding".split()
)
"""Headers that we rely on and that may come once. Of other headers several lines are one
list (RFC 9110, 5.3): :func:`services.api.http.headers.listed`."""

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_HOST = re.compile(rb"(\[[0-9A-Za-z:.%_~-]+\]|[0-9A-Za-z._~%!$&'()*+;=-]*)(:[0-9]{0,5})?\Z")


class BadRequest(ParafoveaError):
    """Not a valid HTTP request. Never on the bus."""

    code, status = "invalid_request", 400


def check(version: str, target: bytes, headers: list[tuple[bytes, bytes]], *, is_websocket: bool) -> bytes:
    """The path and query that a request is for. Raises BadRequest if something is ambiguous.

    ``version`` is HTTP's, such as ``1.1``; ``target`` stands in the first line. The names of ``headers`` are in lower
    case; if only the target names a host, it is added.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in SINGLE:
            raise BadRequest(f"The request has two headers {name.decode().title()}; send one.")
        found[name] = value
    coding = found.get(b"transfer-encoding")
    if coding is not None and (version == "1.0" or coding.lower() != b"chunked"):
        raise BadRequest("The only Transfer-Encoding that this server knows is 'chunked', in HTTP/1.1.")
    if is_websocket and (coding is not None or found.get(b"content-length", b"0") != b"0"):
        raise BadRequest("The handshake of a WebSocket has no body; leave it out.")
    host = found.get(b"host")
    if host is None and version != "1.0":
        raise BadRequest("The request has no header Host, which HTTP/1.1 needs; use an ordinary HTTP client.")
    absolute = _ABSOLUTE.match(target)
    if absolute:
        if host is None:
            host = absolute[1]
            headers.append((b"host", host))
        elif host.lower() != absolute[1].lower():
            raise BadRequest("The request's first line and its header Host name two servers; send the same in both.")
        target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    elif target != b"*" and not target.startswith(b"/"):
        raise BadRequest("The address in the request's first line begins with neither '/' nor 'http://'.")
    if host is not None and not _HOST.match(host):
        raise BadRequest("The request's header Host is no name and port; use an ordinary HTTP client.")
    return target
