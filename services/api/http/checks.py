"""Whether a request says only what its operation reads, in the place where it reads it. Every route is made here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.api.edge.auth import MAX_PARAMETERS
from services.api.edge.heads import listed
from services.api.http.body import Whole, received
from services.api.http.errors import error_response
from services.api.http.forms import parse_form
from services.api.http.json_body import without_mark
from services.api.http.schemas import MAX_NAME_CHARS, MAX_NAMED, invalid
from services.api.operations import OPERATIONS, TOKEN, WEBSOCKET, Operation
from shared.errors import InvalidRequest, ParafoveaError, UnsupportedMediaType
from shared.json_loads import loads

_MAX_READ_BYTES = 64 * 1024
"""Of a body that nobody wants, to name what it says; a larger one is read by nobody."""
_NOTHING: tuple[object, ...] = ({}, [], None)
"""What clients send as the JSON of nothing: ``{}``; ``[]`` (R's and PHP's empty list); ``null``."""


def route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """The route of an operation of the table, which refuses what the operation does not read.

    Raises:
        KeyError: the table has no such operation.
    """
    operation = OPERATIONS[method, _plain(path)]

    async def checked(request: Request) -> Response:
        check_query(operation, request)
        if _has_body(request):
            _check_encoding(request)
            if operation.body == "none":
                body = Whole(_MAX_READ_BYTES)
                async with received(request, body):
                    _check_nothing(operation, body, request.headers.get("content-type", ""))
        return await endpoint(request)

    return Route(path, checked, methods=[method])


def websocket_route(path: str, endpoint: Callable[[WebSocket], Awaitable[None]]) -> WebSocketRoute:
    """The route of a WebSocket; an error before it is accepted is the answer to its handshake."""
    operation = OPERATIONS[WEBSOCKET, path]

    async def checked(websocket: WebSocket) -> None:
        try:
            check_query(operation, websocket)
            await endpoint(websocket)
        except ParafoveaError as error:
            await websocket.send_denial_response(error_response(error))
        except WebSocketDisconnect:
            return  # gone before it was told anything

    return WebSocketRoute(path, checked)


def check_query(operation: Operation, connection: HTTPConnection) -> None:
    """Refuse parameters that the operation does not have, and those that are given more than once.

    Raises:
        InvalidRequest: naming each of them.
    """
    if connection.scope["query_string"].count(b"&") >= MAX_PARAMETERS:
        raise InvalidRequest(f"The address has more than {MAX_PARAMETERS} parameters.")
    given = Counter(name for name, _ in connection.query_params.multi_items())
    problems: dict[str, str] = {}
    for name, times in given.items():
        if len(problems) == MAX_NAMED:
            break
        if name != TOKEN and name not in operation.query:
            problems[name] = _unknown(operation, name)
        elif times > 1:
            problems[name] = "it is given more than once"
    _refuse(problems)


def _unknown(operation: Operation, name: str) -> str:
    if operation.body.startswith("json"):
        return "this operation reads its fields from the body, and nothing from the address"
    if not operation.query:
        return "this operation has no parameters"
    close = get_close_matches(name[:MAX_NAME_CHARS], operation.query, n=1)
    known = f"did you mean {close[0]}?" if close else f"there are {', '.join(operation.query)}"
    return f"there is no such parameter; {known}"


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _check_encoding(request: Request) -> None:
    encoding = listed(request.headers, "content-encoding")
    if any(each.strip().lower() not in ("", "identity") for each in encoding.split(",")):
        raise UnsupportedMediaType(
            f"The body has the Content-Encoding {encoding[:100]!r}; send it as it is, without a Content-Encoding."
        )


def _check_nothing(operation: Operation, body: Whole, content_type: str) -> None:
    """Refuse a body that says something to an operation that takes none.

    Raises:
        InvalidRequest: naming what it says, unless it is large.
    """
    if body.is_blank:
        return
    names = _names_in(body.finish(), content_type) if body.length_bytes <= _MAX_READ_BYTES else None
    if names is None:
        raise invalid({"body": "this operation takes no body; leave it out"})
    problems = {}
    for name in islice(names, MAX_NAMED):
        is_known = name in operation.query
        problems[name] = f"it goes into the address: ?{name}=" if is_known else _unknown(operation, name)
    _refuse(problems)


def _names_in(body: bytes, content_type: str) -> Iterable[str] | None:
    """The names of what a body says, as far as it can be told; none where it says nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            fields, files = parse_form(body, content_type)
        except InvalidRequest:
            return None
        return [*fields, *files]
    try:
        value: Any = loads(without_mark(body))
    except orjson.JSONDecodeError:
        if kind == "application/x-www-form-urlencoded":
            return [name for name, _ in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)] or None
        return None
    if value in _NOTHING:
        return ()
    return list(value) if isinstance(value, dict) else None


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise invalid(problems)


def _plain(path: str) -> str:
    """``/session/{session_id:session}`` as the table and the documents write it."""
    return re.sub(r":[a-z]+\}", "}", path)
