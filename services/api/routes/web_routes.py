"""The routes that the page is made of and lives on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.websockets import WebSocket

from services.api.http.checks import route, websocket_route
from services.api.routes.entries import EntryRoutes
from services.api.routes.gaze import GazeRelay
from services.api.routes.page import PUBLIC_PREFIX, PageRoutes
from services.api.service import Api
from shared.errors import UpgradeRequired


def web_routes(api: Api) -> list[BaseRoute]:
    """All of them; ``session`` is the convertor of session ids."""
    page, entries, gaze = PageRoutes(api.threads), EntryRoutes(api, api.thumbnailer), GazeRelay()

    async def serve_gaze(websocket: WebSocket) -> None:  # a bound method would be taken for an ASGI application
        await gaze.serve(websocket)

    return [
        route("GET", "/", page.index),
        route("GET", PUBLIC_PREFIX + "{path:path}", page.file),
        route("GET", "/samples", page.samples),
        route("GET", "/samples/{name}", page.sample),
        route("GET", "/samples/{name}/thumbnail", entries.sample_thumbnail),
        route("GET", "/session/{session_id:session}/entries", entries.entries),
        route("GET", "/session/{session_id:session}/frames/{index}/input", entries.input),
        route("GET", "/session/{session_id:session}/frames/{index}/thumbnail", entries.thumbnail),
        route("GET", "/gaze", upgrade_required),
        websocket_route("/gaze", serve_gaze),
    ]


async def upgrade_required(request: Request) -> Response:
    """The answer to a plain request for a WebSocket's path."""
    raise UpgradeRequired(
        "This path is a WebSocket's; connect one to it. A proxy has to pass the headers Upgrade and Connection on."
    )
