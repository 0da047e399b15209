"""The routes of replay: put a cursor on a session, and step through it. The replayer holds the cursors."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.api.http import query
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE, replayed_headers
from services.api.http.schemas import invalid
from services.api.service import Api
from shared.bus.call import AskedT, Call
from shared.bus.clients import OPEN_S
from shared.bus.requests import replayer as requests
from shared.bus.requests.replayer import CursorRequest, CursorState, Play, ReplayedFrame, Seek, StartReplay
from shared.errors import InvalidSessionId, SessionNotFound
from shared.fields import MAX_CURSOR_CHARS, MAX_SPEED, MIN_SPEED, CursorName, fits
from shared.session.format import ids

ANSWER_S = 10.0


class ReplayRoutes:
    """Handles the routes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def start(self, request: Request) -> Response:
        """Put the cursor before the first frame of a session."""
        session_id = request.path_params["session_id"]
        try:
            ids.validate(session_id)
        except InvalidSessionId:
            raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None
        wanted = StartReplay(session_id=session_id, cursor=_cursor(request))
        state = await self._ask(requests.START, wanted, OPEN_S)
        return JsonResponse(
            {"session_id": state.session_id, "status": "replaying", "total_generations": state.total}, headers=NO_STORE
        )

    async def next(self, request: Request) -> Response:
        """The next frame."""
        return await self._step(requests.NEXT, request)

    async def previous(self, request: Request) -> Response:
        """The frame before."""
        return await self._step(requests.PREVIOUS, request)

    async def seek(self, request: Request) -> Response:
        """Go to a frame: the next ``next`` gives it."""
        wanted = Seek(index=query.whole(request, "index"), cursor=_cursor(request))
        return _told(await self._ask(requests.SEEK, wanted))

    async def status(self, request: Request) -> Response:
        """Where the cursor is."""
        return _told(await self._ask(requests.STATUS, CursorRequest(cursor=_cursor(request))))

    async def play(self, request: Request) -> Response:
        """Show the session's frames on the bus at their recorded times."""
        speed = query.decimal(request, "speed")
        if speed is not None and not MIN_SPEED <= speed <= MAX_SPEED:
            raise invalid({"speed": f"it is from {MIN_SPEED} to {MAX_SPEED:g}"})
        loop = query.truth(request, "loop") if "loop" in request.query_params else None
        return _told(await self._ask(requests.PLAY, Play(speed=speed, loop=loop, cursor=_cursor(request))))

    async def pause(self, request: Request) -> Response:
        """Stand still; ``play`` goes on from there."""
        return _told(await self._ask(requests.PAUSE, CursorRequest(cursor=_cursor(request))))

    async def stop(self, request: Request) -> Response:
        """Take the cursor off its session."""
        await self._ask(requests.STOP, CursorRequest(cursor=_cursor(request)))
        return JsonResponse({"status": "stopped"}, headers=NO_STORE)

    async def _step(self, call: Call[CursorRequest, ReplayedFrame], request: Request) -> Response:
        asked = CursorRequest(cursor=_cursor(request))
        shown = await self._api.replayer.step(call, asked)
        if shown is None:
            return JsonResponse({"status": "complete", "image": None}, headers=NO_STORE)
        headers = replayed_headers(shown.answer.entry or {}, shown.answer.session_id)
        return Response(shown.image, 200, headers, "image/png")

    async def _ask(self, call: Call[AskedT, CursorState], asked: AskedT, timeout_s: float = ANSWER_S) -> CursorState:
        return await self._api.replayer.ask(call, asked, timeout_s=timeout_s)


def _cursor(request: Request) -> str:
    name = query.text(request, "cursor", max_chars=MAX_CURSOR_CHARS)
    if name is None:
        return "default"
    if not fits(CursorName, name):
        raise invalid({"cursor": "it has no control characters, such as line breaks"})
    return name


def _told(state: CursorState) -> Response:
    answer: dict[str, Any] = {
        "cursor": state.cursor,
        "session_id": state.session_id,
        "status": state.state,
        "position": state.position,
        "total_generations": state.total,
        "speed": state.speed,
        "loop": state.loop,
    }
    return JsonResponse(answer, headers=NO_STORE)
