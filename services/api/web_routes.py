"""The routes that the page is made of and lives on."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from services.api.entries import EntryRoutes
from services.api.gaze import GazeRelay
from services.api.page import PUBLIC_PREFIX, PageRoutes
from services.api.service import Api


def web_routes(api: Api) -> list[BaseRoute]:
    """All of them; ``session`` is the convertor of session ids."""
    page, entries, gaze = PageRoutes(api.threads), EntryRoutes(api, api.thumbnailer), GazeRelay()

    async def serve_gaze(websocket: WebSocket) -> None:  # a bound method would be taken for an ASGI application
        await gaze.serve(websocket)

    return [
        Route("/", page.index, methods=["GET"]),
        Route(PUBLIC_PREFIX + "{path:path}", page.file, methods=["GET"]),
        Route("/samples", page.samples, methods=["GET"]),
        Route("/samples/{name}", page.sample, methods=["GET"]),
        Route("/samples/{name}/thumbnail", entries.sample_thumbnail, methods=["GET"]),
        Route("/session/{session_id:session}/entries", entries.entries, methods=["GET"]),
        Route("/session/{session_id:session}/frames/{index}/input", entries.input, methods=["GET"]),
        Route("/session/{session_id:session}/frames/{index}/thumbnail", entries.thumbnail, methods=["GET"]),
        WebSocketRoute("/gaze", serve_gaze),
    ]
