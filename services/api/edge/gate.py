"""What every request passes before a route sees it: its path, who calls, and whether it may.

An ASGI layer around everything, so that each answer, an error too, has the headers that a browser needs. Starlette's
``CORSMiddleware`` does less: it answers the preflight of a foreign page with 400 in plain text, echoes headers of any
length, has one list of methods for all paths, no embedding policy, and lets requests pass that change something.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from services.api.edge.access import CorsPolicy, TokenCheck
from services.api.http.errors import error_response
from services.api.http.headers import ALSO_EXPOSED, EXPOSED, listed
from shared.errors import InvalidRequest, MethodNotAllowed, NotFound, ParafoveaError

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""In the order in which they are listed."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
PREFLIGHT_S = 600
MAX_ECHO_CHARS = 1000
"""Of what an answer's headers echo from the request."""
_KEPT_ENCODED = {ord(c): f"%{ord(c):02X}" for c in [*map(chr, range(0x20)), "/", "\x7f"]}


class Gate:
    """Wraps the application, which knows nothing of prefixes.

    Args:
        changing_reads: paths whose GET changes something.
        root_path: the prefix that a proxy puts before every path, or empty. The proxy may leave it on or take it off.
    """

    def __init__(
        self, app: Starlette, policy: CorsPolicy, tokens: TokenCheck, changing_reads: Collection[str], root_path: str
    ) -> None:
        self._app = app
        self._policy = policy
        self._tokens = tokens
        self._changing_reads = changing_reads
        self._root_path = root_path
        routes = (route for route in app.router.routes if isinstance(route, Route))
        self._routes = [(route.path_regex, route.methods or set()) for route in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin is not None and self._policy.allows(origin)
        embedding = self._policy.embedding(headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin, Referer")
                answer["Cross-Origin-Resource-Policy"] = embedding
                answer["X-Content-Type-Options"] = "nosniff"
                answer["Referrer-Policy"] = "no-referrer"
                if allowed and origin is not None:
                    answer["Access-Control-Allow-Origin"] = origin
                    answer["Access-Control-Expose-Headers"] = ", ".join(EXPOSED + ALSO_EXPOSED)
            await send(message)

        method, path = scope["method"], decoded_path(scope)
        is_bare_root = self._root_path != "" and path == self._root_path
        path = "/" if is_bare_root else self._below_root(path)
        methods = self._methods_of(path)
        answer: ASGIApp = self._app
        try:
            if method == "OPTIONS":
                answer = _options(headers, methods, allowed=allowed)
            elif is_bare_root and method in SAFE_METHODS:
                # The page's own addresses are relative: they hold only with the slash.
                answer = _with_slash(scope, self._root_path)
            else:
                is_change = method not in SAFE_METHODS or path in self._changing_reads
                self._check(scope, headers, path, is_change=is_change)
                if self._tokens.required and not _is_public(path):
                    embedding = "cross-origin"  # whoever has the token says where its pictures stand
                if methods and method not in methods:
                    named = ", ".join(methods)
                    error = MethodNotAllowed(f"{path[:200]!r} does not take {method}; it takes {named}.")
                    answer = error_response(error, {"Allow": named})
        except ParafoveaError as error:
            answer = error_response(error)
        await answer({**scope, "path": path}, receive, send_with_headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._below_root(decoded_path(scope))
        try:
            # A browser lets any page open a WebSocket to anywhere, and read from it.
            self._check(scope, Headers(scope=scope), path, is_change=True)
        except ParafoveaError as error:
            await WebSocket(scope, receive, send).send_denial_response(error_response(error))
            return
        is_accepted = False

        async def send_or_deny(message: Message) -> None:
            nonlocal is_accepted
            if message["type"] == "websocket.close" and not is_accepted:
                # The router's way to say that no route leads here; left alone it is an answer with an empty body.
                error = NotFound("There is no WebSocket at this path; there are /ws, /gaze and /display.")
                await error_response(error)(scope, receive, send)
                return
            is_accepted = is_accepted or message["type"] == "websocket.accept"
            await send(message)

        await self._app({**scope, "path": path}, receive, send_or_deny)

    def _check(self, scope: Scope, headers: Headers, path: str, *, is_change: bool) -> None:
        host = headers.get("host")
        self._policy.check_host(host)
        if is_change:
            self._policy.check_change(headers.get("origin"), host or "", headers.get("sec-fetch-site"))
        if not (scope["type"] == "http" and _is_public(path)):
            self._tokens.check(scope)

    def _methods_of(self, path: str) -> tuple[str, ...]:
        """The methods of a path, over all routes that it matches, with ``OPTIONS``; none if there is no such path."""
        if path == "*":  # the server as a whole: RFC 9110, 9.3.7
            return METHODS
        found = {method for regex, methods in self._routes if regex.match(path) for method in methods}
        return tuple(method for method in METHODS if method in found or method == "OPTIONS") if found else ()

    def _below_root(self, path: str) -> str:
        return path.removeprefix(self._root_path) if path.startswith(self._root_path + "/") else path


def _is_public(path: str) -> bool:
    """Whether a path needs no token, as it is part of the page, which asks for the token."""
    return path == "/" or path.startswith("/web/")


def _options(headers: Headers, methods: tuple[str, ...], *, allowed: bool) -> Response:
    """The answer to a browser's preflight, or to anybody who asks what can be done.

    To a preflight all methods are allowed on all paths, those too that are not there: else a page's script would not
    get to see why its request fails.
    """
    is_preflight = "access-control-request-method" in headers
    if not methods and not is_preflight:
        raise NotFound("There is nothing at this path; /openapi.json lists what there is.")
    answer = {"Allow": ", ".join(methods)} if methods else {}
    if allowed and is_preflight:
        answer["Access-Control-Allow-Methods"] = ", ".join(METHODS)
        wanted = listed(headers, "access-control-request-headers")
        answer["Access-Control-Allow-Headers"] = (
            wanted if 0 < len(wanted) <= MAX_ECHO_CHARS else "Authorization, Content-Type"
        )
        answer["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        if headers.get("access-control-request-private-network") == "true":
            answer["Access-Control-Allow-Private-Network"] = "true"
    return Response(None, 204, answer)


def _with_slash(scope: Scope, root_path: str) -> Response:
    query = scope["query_string"].decode("latin-1")
    if len(query) > MAX_ECHO_CHARS:
        raise InvalidRequest(f"The address has more than {MAX_ECHO_CHARS} characters behind its '?'.")
    return Response(None, 307, {"Location": f"{root_path}/" + (f"?{query}" if query else "")})


def decoded_path(scope: Scope) -> str:
    """The path, decoded; an encoded slash or control character stays encoded, so that it is part of a name.

    Decoded, ``/session/a%2F..%2Fb`` would be another route, and ``/session/list%0A`` would match one.
    """
    raw = scope.get("raw_path")
    if not raw:
        return str(scope["path"])
    decoded = (unquote(part, errors="replace") for part in raw.decode("latin-1").split("/"))
    return "/".join(part.translate(_KEPT_ENCODED) for part in decoded)
