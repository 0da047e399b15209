"""Makes the routes, and checks that a request has only what its operation reads, and in the right place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.api.http.body import RawBody, received
from services.api.http.errors import JsonResponse, error_response
from services.api.http.forms import parse_form
from services.api.http.headers import NO_STORE, listed
from services.api.http.json_body import without_mark
from services.api.http.operation import TOKEN, WEBSOCKET, Operation
from services.api.http.query import MAX_PARAMETERS, parameters
from services.api.http.schemas import MAX_NAME_CHARS, invalid
from shared.errors import InvalidRequest, ParafoveaError, UnsupportedMediaType
from shared.json_loads import loads
from shared.refusals import MAX_NAMED
from shared.session.format.ids import RESERVED

_MAX_READ_BYTES = 64 * 1024
"""Of an unwanted body, to name the fields in it; a larger one is not parsed."""
_NOTHING: tuple[object, ...] = ({}, [], None)
"""JSON that clients send for nothing: ``{}``; ``[]`` (R's and PHP's empty list); ``null``."""


class SessionIdConvertor(StringConvertor):
    """One part of a path that is none of the API's own words: ``GET /session/start`` is a wrong method on a route, not
    a session of that name."""

    regex = "(?!(?:" + "|".join(sorted(RESERVED)) + ")(?:/|$))[^/]+"


register_url_convertor("session", SessionIdConvertor())


def route(operation: Operation, api: Any) -> BaseRoute:
    """The route of an operation, with its checks. No two match one path."""
    path = operation.path.replace("{session_id}", "{session_id:session}").replace("{path}", "{path:path}")
    if operation.method == WEBSOCKET:
        return _websocket_route(operation, path, api)

    async def checked(request: Request) -> Response:
        check_query(operation, request)
        if _has_body(request):
            _check_encoding(request)
            if not operation.bodies:
                async with received(request, lambda _: RawBody(_MAX_READ_BYTES)) as body:
                    _check_nothing(operation, body, request.headers.get("content-type", ""))
        answer = await operation.handler(**_arguments(operation, api, request))
        if isinstance(answer, Response):
            return answer
        return JsonResponse(answer, operation.answers[0].status, NO_STORE)

    return Route(path, checked, methods=[operation.method])


def _websocket_route(operation: Operation, path: str, api: Any) -> WebSocketRoute:
    """A route where an error before the WebSocket is accepted answers its handshake."""

    async def checked(websocket: WebSocket) -> None:
        try:
            check_query(operation, websocket)
            await operation.handler(**_arguments(operation, api, websocket))
        except ParafoveaError as error:
            await websocket.send_denial_response(error_response(error))
        except WebSocketDisconnect:
            return  # gone before it was answered

    return WebSocketRoute(path, checked)


def _arguments(operation: Operation, api: Any, connection: HTTPConnection) -> dict[str, Any]:
    """The arguments of an operation's handler."""
    found = {"api": api, "request": connection, "websocket": connection}
    if "asked" in operation.takes:
        found["asked"] = parameters(operation.asked, connection)
    return {name: found[name] for name in operation.takes}


def check_query(operation: Operation, connection: HTTPConnection) -> None:
    """Raises InvalidRequest, naming the parameters that the operation does not have, or that are given twice."""
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
    if problems:
        raise invalid(problems)


def _unknown(operation: Operation, name: str) -> str:
    if "application/json" in operation.bodies:
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


def _check_nothing(operation: Operation, body: RawBody, content_type: str) -> None:
    """Refuse a body with anything in it."""
    if body.is_blank:
        return
    names = _names_in(body.finish(), content_type) if body.length_bytes <= _MAX_READ_BYTES else None
    if names is None:
        raise invalid({"body": "this operation takes no body; leave it out"})
    problems = {}
    for name in islice(names, MAX_NAMED):
        is_known = name in operation.query
        problems[name] = f"it goes into the address: ?{name}=" if is_known else _unknown(operation, name)
    if problems:
        raise invalid(problems)


def _names_in(body: bytes, content_type: str) -> Iterable[str] | None:
    """The names of the fields in a body; empty if it says nothing, None if it cannot be parsed."""
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
