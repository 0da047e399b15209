"""Who may call: pages by their origins and by the names this server answers to, programs by the token."""

from __future__ import annotations

import hmac
import re
from ipaddress import ip_address
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

from services.api.http.query import MAX_PARAMETERS
from shared.errors import Forbidden, Unauthorized

_LOCAL_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z")
_REFERER = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/?#@\\\s]+)(?=[/?#]|\Z)")
_HOST = re.compile(r"(\[[0-9a-f:.%a-z]+\]|[^:\[\]/@]+)(:[0-9]{1,5})?\Z")

MAX_ORIGIN_CHARS = 300
"""A host name has at most 253; a longer origin must not make our answer's headers long."""


class CorsPolicy:
    """Origins whose pages may call.

    Args:
        origins: as configured; none means localhost, 127.0.0.1 and [::1] on any port. ``null`` stands for a page
            opened from a file, ``*`` for all.
        any_name: answer to every name: on a network we can't know ours, or callers authenticate by other means.
    """

    def __init__(self, origins: tuple[str, ...], *, any_name: bool) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._any_name = any_name
        self._names = frozenset(_name_of(origin.partition("://")[2]) for origin in self._origins)

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may call and read the answer."""
        if len(origin) > MAX_ORIGIN_CHARS:
            return False
        if not self._origins:
            return _LOCAL_ORIGIN.match(origin.lower()) is not None
        return "*" in self._origins or origin.lower() in self._origins

    def check_host(self, host: str | None) -> None:
        """Raises Forbidden for a name that is not this machine's.

        A page elsewhere can point its own name at 127.0.0.1 and then call us as its own server (DNS rebinding); it
        cannot do so with an address or with 'localhost'. A browser always sends the name: who sends none is no page.
        """
        if host is None or self._any_name:
            return
        name = _name_of(host)
        is_ours = name in self._names or name == "localhost" or name.endswith(".localhost")
        if not is_ours and not _is_address(name):
            raise Forbidden(
                f"This server does not answer to the name {name[:100]!r}; use http://localhost, or set "
                "PARAFOVEA_CORS_ORIGINS to the origin that you use."
            )

    def check_change(self, origin: str | None, host: str, site: str | None = None) -> None:
        """Raises Forbidden for a change that a foreign page asks for.

        A browser sends 'simple' POSTs without a preflight, and an ``<img>``, a link or a download without the origin.

        Args:
            origin: the header ``Origin``, which decides alone if it is there.
            host: the header ``Host``.
            site: the header ``Sec-Fetch-Site``, which no page can set. ``none``: the address was typed.
        """
        if origin is None:
            if site == "cross-site" and "*" not in self._origins:
                raise Forbidden(
                    "A page of another site may not have this done; open the address itself, or use fetch() in a page "
                    "whose origin is in PARAFOVEA_CORS_ORIGINS."
                )
            return
        is_own = host != "" and origin.lower().partition("://")[2] == host.lower()  # its name was checked before
        if is_own or self.allows(origin):
            return
        raise Forbidden(
            f"Pages of {origin[:100]!r} may not call this server; add the origin to PARAFOVEA_CORS_ORIGINS."
        )

    def embedding(self, headers: Headers) -> str:
        """The value of ``Cross-Origin-Resource-Policy``: which pages may show the answer, as an ``<img>`` does.

        Such a request has no ``Origin``, only a ``Referer``, which no page can forge. Without it, only pages of this
        machine may, all of whose ports may call. An ``<img crossorigin>`` does have an ``Origin``.
        """
        if "*" in self._origins:
            return "cross-origin"
        referer = _REFERER.match(headers.get("referer", ""))
        page = headers.get("origin") or (referer[1] if referer else None)
        if page is None:
            if "null" in self._origins:  # a page from a file has no Referer
                return "cross-origin"
            own_machine = not self._origins and self.allows(f"http://{headers.get('host', '')}")
            return "same-site" if own_machine else "same-origin"
        return "cross-origin" if self.allows(page) else "same-origin"


class TokenCheck:
    """Compares tokens, if there is one, in constant time: the delay of an answer says nothing about it."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token is not None else None

    @property
    def required(self) -> bool:
        return self._token is not None

    def check(self, scope: Scope) -> None:
        """Raises Unauthorized if a request has no token, or a wrong one."""
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


def _name_of(host: str) -> str:
    """The name in ``name:port``; the whole text if it is malformed."""
    match = _HOST.match(host.lower())
    return match[1] if match else host.lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
