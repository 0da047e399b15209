"""The token that every request needs if ``PARAFOVEA_API_TOKEN`` is set."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

from services.api.http.query import MAX_PARAMETERS
from shared.errors import Unauthorized


class TokenCheck:
    """Compares in constant time, so that the delay of an answer says nothing about the token."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token is not None else None

    @property
    def required(self) -> bool:
        return self._token is not None

    def check(self, scope: Scope) -> None:
        """Check a request's token.

        Raises:
            Unauthorized: it has none, or a wrong one.
        """
        if self._token is None:
            return
        given = _given(scope)
        if given is None:
            raise Unauthorized("This server needs a token; send the header 'Authorization: Bearer <token>'.")
        if not hmac.compare_digest(given, self._token):
            raise Unauthorized("The token is wrong; it is the one in the server's PARAFOVEA_API_TOKEN.")


def _given(scope: Scope) -> bytes | None:
    scheme, _, value = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip().encode("latin-1")
    # A browser can send no header with a WebSocket, an <img> or a download.
    is_read = scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD")
    if is_read and scope["query_string"].count(b"&") < MAX_PARAMETERS:
        values: list[str] | None = parse_qs(scope["query_string"].decode("latin-1"), encoding="utf-8").get("token")
        if values:
            return values[0].encode()
    return None
