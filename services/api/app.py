"""Which path leads where."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from services.api.archives import ArchiveRoutes
from services.api.auth import TokenCheck
from services.api.compare import CompareRoutes
from services.api.cors import CorsPolicy, is_loopback
from services.api.docs_page import render
from services.api.errors import HANDLERS, JsonResponse
from services.api.gate import Gate
from services.api.generate import GenerateRoute
from services.api.headers import NO_STORE
from services.api.health import HealthRoutes
from services.api.openapi import build
from services.api.replay import ReplayRoutes
from services.api.reruns import RerunRoutes
from services.api.service import Api
from services.api.sessions import SessionRoutes
from services.api.vocabulary import VocabularyRoute
from services.api.web_routes import web_routes
from shared.session.ids import RESERVED


class SessionIdConvertor(StringConvertor):
    """One part of a path, which is none of the API's own words: ``GET /session/start`` is a wrong method on a route
    that there is, not a session of that name."""

    regex = "(?!(?:" + "|".join(sorted(RESERVED)) + ")(?:/|$))[^/]+"


register_url_convertor("session", SessionIdConvertor())


def create_app(api: Api) -> ASGIApp:
    """The whole application, for a server."""
    app = Starlette(routes=routes(api), exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # a redirect has an empty body, and curl does not follow it
    settings = api.settings
    policy = CorsPolicy(
        settings.cors_origins,
        listens_beyond_loopback=not is_loopback(settings.host),
        has_token=settings.api_token is not None,
    )
    return Gate(app, policy, TokenCheck(settings.api_token))


def routes(api: Api) -> list[BaseRoute]:
    """All routes; fixed paths stand before those with a name in them."""
    sessions, replay, health = SessionRoutes(api), ReplayRoutes(api), HealthRoutes(api)
    archives, reruns = ArchiveRoutes(api), RerunRoutes(api)
    return [
        *web_routes(api),
        Route("/generate", GenerateRoute(api).post, methods=["POST"]),
        Route("/session/start", sessions.start, methods=["POST"]),
        Route("/session/stop", sessions.stop, methods=["POST"]),
        Route("/session/status", sessions.status, methods=["GET"]),
        Route("/session/list", sessions.list, methods=["GET"]),
        Route("/session/replay/next", replay.next, methods=["GET"]),
        Route("/session/replay/previous", replay.previous, methods=["GET"]),
        Route("/session/replay/status", replay.status, methods=["GET"]),
        Route("/session/replay/seek", replay.seek, methods=["POST"]),
        Route("/session/replay/play", replay.play, methods=["POST"]),
        Route("/session/replay/pause", replay.pause, methods=["POST"]),
        Route("/session/replay/stop", replay.stop, methods=["POST"]),
        Route("/session/replay/{session_id:session}", replay.start, methods=["POST"]),
        Route("/session/{session_id:session}", sessions.metadata, methods=["GET"]),
        Route("/session/{session_id:session}", sessions.delete, methods=["DELETE"]),
        Route("/session/import", archives.take_in, methods=["POST"]),
        Route("/session/compare", CompareRoutes(api).compare, methods=["GET"]),
        Route("/session/{session_id:session}/export", archives.export, methods=["GET"]),
        Route("/session/{session_id:session}/rerun", reruns.start, methods=["POST"]),
        Route("/session/{session_id:session}/rerun", reruns.status, methods=["GET"]),
        Route("/session/{session_id:session}/rerun", reruns.cancel, methods=["DELETE"]),
        Route("/session/{session_id:session}/frames/{index}", sessions.frame, methods=["GET"]),
        Route("/vocabulary", VocabularyRoute(api).get, methods=["GET"]),
        Route("/prompts", _Prompts(api).show, methods=["GET"]),
        Route("/reset", _Prompts(api).reset, methods=["POST"]),
        Route("/health", health.health, methods=["GET"]),
        Route("/ready", health.ready, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
        Route("/docs", _docs, methods=["GET"]),
        WebSocketRoute("/ws", _Live(api).serve),
    ]


class _Prompts:
    def __init__(self, api: Api) -> None:
        self._prompts = api.prompts

    async def show(self, request: Request) -> Response:
        return JsonResponse(self._prompts.to_json(), headers=NO_STORE)

    async def reset(self, request: Request) -> Response:
        self._prompts.reset()
        return JsonResponse({"status": "reset"}, headers=NO_STORE)


class _Live:
    def __init__(self, api: Api) -> None:
        self._hub = api.live

    async def serve(self, websocket: WebSocket) -> None:
        await self._hub.serve(websocket)


async def _openapi(request: Request) -> Response:
    return JsonResponse(build())


async def _docs(request: Request) -> Response:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    return Response(render(build()), 200, {"Content-Security-Policy": policy}, "text/html")
