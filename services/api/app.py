"""The ASGI application: routes, error handlers, and the gate in front of them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from services.api.edge.auth import TokenCheck
from services.api.edge.cors import CorsPolicy, is_loopback
from services.api.edge.gate import Gate
from services.api.http.checks import route
from services.api.http.errors import HANDLERS
from services.api.http.methods import Methods
from services.api.operations import CHANGING_READS, OPERATIONS, is_public
from services.api.service import Api
from shared.process.runner import Refused
from shared.session.format.ids import RESERVED


class SessionIdConvertor(StringConvertor):
    """One part of a path that is none of the API's own words: ``GET /session/start`` is a wrong method on a route, not
    a session of that name."""

    regex = "(?!(?:" + "|".join(sorted(RESERVED)) + ")(?:/|$))[^/]+"


register_url_convertor("session", SessionIdConvertor())


def create_app(api: Api) -> ASGIApp:
    """The whole application, for a server.

    Raises:
        Refused: the root path hides paths of the API.
    """
    app = Starlette(routes=routes(api), exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # a redirect has an empty body, and curl does not follow it
    app.state.uploads = api.uploads
    settings = api.settings
    policy = CorsPolicy(
        settings.cors_origins,
        listens_beyond_loopback=not is_loopback(settings.host),
        has_token=settings.api_token is not None,
    )
    first_parts = {part.path.split("/")[1] for part in app.router.routes if isinstance(part, Route | WebSocketRoute)}
    if settings.root_path and settings.root_path.split("/")[1] in first_parts:
        raise Refused(
            f"PARAFOVEA_ROOT_PATH: {settings.root_path} begins with a word of the API's own paths; choose another"
        )
    methods = Methods(app.router.routes, CHANGING_READS)
    return Gate(app, policy, TokenCheck(settings.api_token), methods, is_public, settings.root_path)


def routes(api: Api) -> list[BaseRoute]:
    """The routes of all operations. No two match one path, as no session's id is one of the API's own words."""
    return [route(operation, api) for operation in OPERATIONS.values()]
