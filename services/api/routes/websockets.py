"""The paths of WebSockets: what passes on the bus, points of a gaze, and displays of a trial."""

from __future__ import annotations

from typing import NoReturn

from pydantic import Field
from starlette.websockets import WebSocket

from services.api.http.operation import Answer, Asked, get, websocket
from services.api.http.query import Flag
from services.api.service import Api
from shared.errors import UpgradeRequired

_UPGRADED = Answer("From here on it is a WebSocket.", status=101)


class ViewQuery(Asked):
    frames: Flag = Field(True, description="false: without pictures; default: true")


class GazeQuery(Asked):
    listen: Flag | None = Field(None, description="whether to be sent points; default: true until a message is sent")


@get("/ws", _UPGRADED, "upgrade_required")
async def view_without_upgrade(asked: ViewQuery) -> NoReturn:
    """What passes on the bus, as it passes, over a WebSocket."""
    _need_upgrade()


@websocket("/ws")
async def view(api: Api, asked: ViewQuery, websocket: WebSocket) -> None:
    """One viewer of the bus, until it leaves."""
    await api.live.serve(websocket, pictures=asked.frames)


@get("/gaze", _UPGRADED, "upgrade_required")
async def gaze_without_upgrade(asked: GazeQuery) -> NoReturn:
    """Points of a gaze, from whoever sends them to all who listen, over a WebSocket."""
    _need_upgrade()


@websocket("/gaze")
async def gaze(api: Api, asked: GazeQuery, websocket: WebSocket) -> None:
    """One that sends points or listens, until it leaves."""
    await api.relay.serve(websocket, asked.listen)


@get("/display", _UPGRADED, "upgrade_required")
async def display_without_upgrade() -> NoReturn:
    """A display that shows a view, and is told when to exchange its picture, over a WebSocket."""
    _need_upgrade()


@websocket("/display")
async def display(api: Api, websocket: WebSocket) -> None:
    """One that shows a view, until it leaves."""
    await api.displays.serve(websocket)


def _need_upgrade() -> NoReturn:
    raise UpgradeRequired(
        "This path is a WebSocket's; connect one to it. A proxy has to pass the headers Upgrade and Connection on."
    )
