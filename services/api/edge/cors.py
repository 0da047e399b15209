"""Which pages may call: the origins they come from, and the names this server answers to."""

from __future__ import annotations

import re
from ipaddress import ip_address

from starlette.datastructures import Headers

from shared.errors import Forbidden

_LOCAL_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z")
_ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/?#@\\\s]+)(?=[/?#]|\Z)")
_HOST = re.compile(r"(\[[0-9a-f:.%a-z]+\]|[^:\[\]/@]+)(:[0-9]{1,5})?\Z")

MAX_ORIGIN_CHARS = 300
"""A host's name has at most 253. What is longer is no origin, and must not make our answer's headers long."""


class CorsPolicy:
    """Origins whose pages may call.

    Args:
        origins: as configured; none means localhost, 127.0.0.1 and [::1] on any port. ``null`` stands for a page
            opened from a file, ``*`` for all.
        listens_beyond_loopback: the operator has put the server on a network, under names that we can't know.
        has_token: callers prove themselves by other means.
    """

    def __init__(self, origins: tuple[str, ...], *, listens_beyond_loopback: bool, has_token: bool) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._any_name = listens_beyond_loopback or has_token
        self._names = frozenset(_name_of(origin.partition("://")[2]) for origin in self._origins)

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may call and read the answer."""
        if len(origin) > MAX_ORIGIN_CHARS:
            return False
        if not self._origins:
            return _LOCAL_ORIGIN.match(origin.lower()) is not None
        return "*" in self._origins or origin.lower() in self._origins

    def check_host(self, host: str | None) -> None:
        """Refuse a name that is not this machine's.

        A page elsewhere can point its own name at 127.0.0.1 and then call us as its own server (DNS rebinding). It can
        do so with no address literal and not with 'localhost'. And a browser always tells the name: who tells none (a
        load balancer's check in HTTP/1.0) is no page.

        Raises:
            Forbidden: a foreign name.
        """
        if host is None:
            return
        name = _name_of(host)
        if self._any_name or name in self._names or name == "localhost" or name.endswith(".localhost"):
            return
        if not _is_address(name):
            raise Forbidden(
                f"This server does not answer to the name {name[:100]!r}; use http://localhost, or set "
                "PARAFOVEA_CORS_ORIGINS to the origin that you use."
            )

    def check_change(self, origin: str | None, host: str, site: str | None = None) -> None:
        """Refuse a request that changes something and comes from a foreign page.

        A browser sends 'simple' POSTs without asking first, so not answering its preflight is no protection. With an
        ``<img>``, a link or a download it does not even tell the origin, only how far the page is from here.

        Args:
            origin: the header ``Origin``; where it is there it decides alone.
            host: the header ``Host``.
            site: the header ``Sec-Fetch-Site``, which no page can set. ``none``: the address was typed.

        Raises:
            Forbidden: the page's origin may not call.
        """
        if origin is None:
            if site == "cross-site" and "*" not in self._origins:
                raise Forbidden(
                    "A page of another site may not have this done; open the address itself, or use fetch() in a page "
                    "whose origin is in PARAFOVEA_CORS_ORIGINS."
                )
            return
        if self.allows(origin) or self._is_own(origin, host):
            return
        raise Forbidden(
            f"Pages of {origin[:100]!r} may not call this server; add the origin to PARAFOVEA_CORS_ORIGINS."
        )

    def embedding(self, headers: Headers) -> str:
        """The value of ``Cross-Origin-Resource-Policy``: which pages may show the answer, as an ``<img>`` does.

        Such a request has no ``Origin``; what it tells of its page is the ``Referer``, which no page can set to
        another's. A page that keeps it back is nobody that we know: without it only what lies on the same host of this
        machine may, all of whose ports may call. An ``<img crossorigin>`` does have an ``Origin``.
        """
        if "*" in self._origins:
            return "cross-origin"
        page = headers.get("origin") or _origin_of(headers.get("referer", ""))
        if page is None:
            if "null" in self._origins:  # a page from a file has no Referer
                return "cross-origin"
            own_machine = not self._origins and self.allows(f"http://{headers.get('host', '')}")
            return "same-site" if own_machine else "same-origin"
        return "cross-origin" if self.allows(page) else "same-origin"

    def _is_own(self, origin: str, host: str) -> bool:
        """A page that this server itself has served (its name has been checked before)."""
        return host != "" and origin.lower().partition("://")[2] == host.lower()


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _origin_of(address: str) -> str | None:
    """The origin of a page's address; None of what is no address."""
    match = _ADDRESS.match(address)
    return match[1] if match else None


def _name_of(host: str) -> str:
    """The name in ``name:port``; the whole text where it is malformed, which is then no known name."""
    match = _HOST.match(host.lower())
    return match[1] if match else host.lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
