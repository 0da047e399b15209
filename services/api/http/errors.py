"""Answers for errors: always JSON, with a code, a sentence, and the right status."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from services.api.http.pace import Closes
from shared.errors import InternalError, NotFound, ParafoveaError, Unauthorized, UnsupportedMediaType, UpgradeRequired

log = logging.getLogger(__name__)

_HEADERS: dict[type, dict[str, str]] = {
    Unauthorized: {"WWW-Authenticate": "Bearer"},
    UpgradeRequired: {"Upgrade": "websocket", "Connection": "Upgrade"},
    UnsupportedMediaType: {"Accept-Encoding": "identity"},  # of a request's body: RFC 9110, 12.5.3
    Closes: {"Connection": "close"},
}
"""Of the answers for some kinds of errors."""


class JsonResponse(Response):
    """JSON, by orjson."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return orjson.dumps(content)


def error_response(error: ParafoveaError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for an error."""
    response = JsonResponse(error.to_json(), error.status, dict(headers or {}))
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    for kind, named in _HEADERS.items():
        if isinstance(error, kind):
            response.headers.update(named)
    return response


async def _on_known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParafoveaError)
    return error_response(error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = repr(request.url.path[:200])
    if error.status_code == 404:
        return error_response(NotFound(f"There is nothing at {path}; /openapi.json lists what there is."))
    log.error("unexpected HTTP error %s on %s: %s", error.status_code, path, error.detail)
    return error_response(InternalError(error.detail), error.headers)


async def _on_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it


async def _on_bug(request: Request, error: Exception) -> Response:
    # Starlette raises it again behind this answer, and the server logs it with its traceback.
    return error_response(InternalError("Something went wrong inside the server; its log has the reason."))


HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    ParafoveaError: _on_known,
    HTTPException: _on_http,
    ClientDisconnect: _on_gone,
    Exception: _on_bug,
}
