"""Which path leads where."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from services.api.edge.auth import TokenCheck
from services.api.edge.cors import CorsPolicy, is_loopback
from services.api.edge.gate import Gate
from services.api.http.checks import route, websocket_route
from services.api.http.errors import HANDLERS, JsonResponse
from services.api.http.headers import NO_STORE
from services.api.http.methods import Methods
from services.api.openapi import build
from services.api.routes.archives import ArchiveRoutes
from services.api.routes.compare import CompareRoutes
from services.api.routes.docs_page import render
from services.api.routes.generate import GenerateRoute
from services.api.routes.health import HealthRoutes
from services.api.routes.replay import ReplayRoutes
from services.api.routes.reruns import RerunRoutes
from services.api.routes.sessions import SessionRoutes
from services.api.routes.vocabulary import VocabularyRoute
from services.api.routes.web_routes import upgrade_required, web_routes
from services.api.service import Api
from shared.process.runner import Refused
from shared.session.format.ids import RESERVED


class SessionIdConvertor(StringConvertor):
    """One part of a path, which is none of the API's own words: ``GET /session/start`` is a wrong method on a route
    that there is, not a session of that name."""

    regex = "(?!(?:" + "|".join(sorted(RESERVED)) + ")(?:/|$))[^/]+"


register_url_convertor("session", SessionIdConvertor())


def create_app(api: Api) -> ASGIApp:
    """The whole application, for a server."""
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
    return Gate(app, policy, TokenCheck(settings.api_token), Methods(app.router.routes), settings.root_path)


def routes(api: Api) -> list[BaseRoute]:
    """All routes; fixed paths stand before those with a name in them."""
    sessions, replay, health = SessionRoutes(api), ReplayRoutes(api), HealthRoutes(api)
    archives, reruns = ArchiveRoutes(api), RerunRoutes(api)
    return [
        *web_routes(api),
        route("POST", "/generate", GenerateRoute(api).post),
        route("POST", "/session/start", sessions.start),
        route("POST", "/session/stop", sessions.stop),
        route("GET", "/session/status", sessions.status),
        route("GET", "/session/list", sessions.list),
        route("GET", "/session/replay/next", replay.next),
        route("GET", "/session/replay/previous", replay.previous),
        route("GET", "/session/replay/status", replay.status),
        route("POST", "/session/replay/seek", replay.seek),
        route("POST", "/session/replay/play", replay.play),
        route("POST", "/session/replay/pause", replay.pause),
        route("POST", "/session/replay/stop", replay.stop),
        route("POST", "/session/replay/{session_id:session}", replay.start),
        route("GET", "/session/{session_id:session}", sessions.metadata),
        route("DELETE", "/session/{session_id:session}", sessions.delete),
        route("POST", "/session/import", archives.take_in),
        route("GET", "/session/compare", CompareRoutes(api).compare),
        route("GET", "/session/{session_id:session}/export", archives.export),
        route("POST", "/session/{session_id:session}/rerun", reruns.start),
        route("GET", "/session/{session_id:session}/rerun", reruns.status),
        route("DELETE", "/session/{session_id:session}/rerun", reruns.cancel),
        route("GET", "/session/{session_id:session}/frames/{index}", sessions.frame),
        route("GET", "/vocabulary", VocabularyRoute(api).get),
        route("GET", "/prompts", _Prompts(api).show),
        route("POST", "/reset", _Prompts(api).reset),
        route("GET", "/health", health.health),
        route("GET", "/ready", health.ready),
        route("GET", "/openapi.json", _OpenApi(api).document),
        route("GET", "/docs", _OpenApi(api).page),
        route("GET", "/ws", upgrade_required),
        websocket_route("/ws", _Live(api).serve),
    ]


class _Prompts:
    def __init__(self, api: Api) -> None:
        self._prompts = api.prompts

    async def show(self, request: Request) -> Response:
        return JsonResponse(await self._prompts.to_json(), headers=NO_STORE)

    async def reset(self, request: Request) -> Response:
        await self._prompts.reset()
        return JsonResponse({"status": "reset"}, headers=NO_STORE)


class _Live:
    def __init__(self, api: Api) -> None:
        self._hub = api.live

    async def serve(self, websocket: WebSocket) -> None:
        await self._hub.serve(websocket)


class _OpenApi:
    def __init__(self, api: Api) -> None:
        self._root_path = api.settings.root_path

    async def document(self, request: Request) -> Response:
        return JsonResponse(build(self._root_path))

    async def page(self, request: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        return Response(render(build(self._root_path)), 200, {"Content-Security-Policy": policy}, "text/html")
