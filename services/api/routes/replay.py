"""Replay: put a cursor on a session, step, play. The replayer holds the cursors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE, REPLAYED, replayed_headers
from services.api.http.operation import Answer, Asked, get, post
from services.api.http.query import Cursor, Index, SessionId, Speed, Truth
from services.api.service import Api
from shared.bus.envelope import Reply
from shared.bus.requests import CursorRequest, CursorState, Play, ReplayedFrame, Seek, StartReplay
from shared.bus.rpc import read

ANSWER_S = 10.0
START_S = 60.0
"""A session of 100,000 frames takes its time to open, and longer where another hand has laid it out."""

_FAILURES = "invalid_request session_not_found session_damaged replayer_unavailable"
_WHERE = "Where the cursor is."


class OfCursor(Asked):
    cursor: Cursor = "default"


class OfReplay(Asked):
    session_id: SessionId
    cursor: Cursor = "default"


class SeekTo(Asked):
    index: Index = Field(description="of the frame")
    cursor: Cursor = "default"


class PlayAt(Asked):
    speed: Speed | None = Field(None, description="recorded seconds in a second; default: as before, 1 at first")
    loop: Truth | None = Field(
        None, description="begin again behind the last frame; default: as before, false at first"
    )
    cursor: Cursor = "default"


@dataclass
class Replaying:
    session_id: str
    status: Literal["replaying"]
    total_generations: int


@dataclass
class State:
    cursor: str
    session_id: str | None
    status: str
    position: int
    total_generations: int
    speed: float | None
    loop: bool


@dataclass
class Complete:
    status: Literal["complete"]
    image: None


@dataclass
class Stopped:
    status: Literal["stopped"]


_SHOWN = Answer("The frame; or JSON, at the end.", {"image/png": None, "application/json": Complete}, headers=REPLAYED)


@post("/session/replay/{session_id}", "Replaying.", _FAILURES)
async def start(api: Api, asked: OfReplay) -> Replaying:
    """Put a cursor before the first frame of a session."""
    wanted = StartReplay(session_id=asked.session_id, cursor=asked.cursor)
    state = read(CursorState, await _ask(api, "start", wanted, START_S))
    return Replaying(state.session_id or asked.session_id, "replaying", state.total)


@get("/session/replay/next", _SHOWN, "not_replaying", _FAILURES, "frame_missing frame_corrupt", changes=True)
async def following(api: Api, asked: OfCursor) -> Response:
    """The next frame."""
    return await _step(api, "next", asked)


@get("/session/replay/previous", _SHOWN, "not_replaying", _FAILURES, "frame_missing frame_corrupt", changes=True)
async def previous(api: Api, asked: OfCursor) -> Response:
    """The frame before."""
    return await _step(api, "previous", asked)


@post("/session/replay/seek", _WHERE, "not_replaying", _FAILURES)
async def seek(api: Api, asked: SeekTo) -> State:
    """Go to a frame: ``next`` gives it."""
    return await _state(api, "seek", Seek(index=asked.index, cursor=asked.cursor))


@post("/session/replay/play", _WHERE, "not_replaying", _FAILURES)
async def play(api: Api, asked: PlayAt) -> State:
    """Show the session's frames on the bus at their recorded times, from the cursor's place on."""
    return await _state(api, "play", Play(speed=asked.speed, loop=asked.loop, cursor=asked.cursor))


@post("/session/replay/pause", _WHERE, "not_replaying", _FAILURES)
async def pause(api: Api, asked: OfCursor) -> State:
    """Stand still; ``play`` goes on from there."""
    return await _state(api, "pause", CursorRequest(cursor=asked.cursor))


@get("/session/replay/status", _WHERE, _FAILURES)
async def status(api: Api, asked: OfCursor) -> State:
    """Where a cursor is."""
    return await _state(api, "status", CursorRequest(cursor=asked.cursor))


@post("/session/replay/stop", "Stopped.", "invalid_request replayer_unavailable")
async def stop(api: Api, asked: OfCursor) -> Stopped:
    """Take a cursor off its session."""
    await _ask(api, "stop", CursorRequest(cursor=asked.cursor))
    return Stopped("stopped")


async def _step(api: Api, which: str, asked: OfCursor) -> Response:
    reply = await _ask(api, which, CursorRequest(cursor=asked.cursor))
    shown = read(ReplayedFrame, reply)
    if shown.complete or shown.entry is None:
        return JsonResponse({"status": "complete", "image": None}, headers=NO_STORE)
    return Response(reply.payload, 200, replayed_headers(shown.entry, shown.session_id), "image/png")


async def _state(api: Api, message_type: str, wanted: CursorRequest) -> State:
    state = read(CursorState, await _ask(api, message_type, wanted))
    return State(state.cursor, state.session_id, state.state, state.position, state.total, state.speed, state.loop)


async def _ask(api: Api, message_type: str, body: CursorRequest, timeout_s: float = ANSWER_S) -> Reply:
    return await api.replayer.ask(message_type, body.model_dump(), timeout_s=timeout_s)
