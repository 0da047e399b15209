"""Replay: put a cursor on a session, step, play. The replayer holds the cursors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from services.api.http.errors import JsonResponse
from services.api.http.files import hash_of, of_picture, valid_sha256
from services.api.http.headers import NO_STORE, REPLAYED, replayed_headers
from services.api.http.operation import Answer, Asked, get, post
from services.api.http.query import Cursor, Flag, Index, SessionId, Speed
from services.api.service import Api
from shared.bus.call import AskedT, Call
from shared.bus.messages import ReplayStatus
from shared.bus.requests import replayer as requests
from shared.bus.requests.replayer import CursorRequest, Play, ReplayedFrame, Seek, StartReplay

_FAILURES = "invalid_request session_not_found session_damaged replayer_unavailable"
_WHERE = "Where the cursor is."


class CursorQuery(Asked):
    cursor: Cursor = "default"


class ReplayQuery(Asked):
    session_id: SessionId
    cursor: Cursor = "default"


class SeekQuery(Asked):
    index: Index = Field(description="of the frame")
    cursor: Cursor = "default"


class PlayQuery(Asked):
    speed: Speed | None = Field(None, description="recorded seconds in a second; default: as before, 1 at first")
    loop: Flag | None = Field(None, description="begin again behind the last frame; default: as before, false at first")
    cursor: Cursor = "default"


@dataclass
class Replaying:
    session_id: str
    status: Literal["replaying"]
    total_generations: int


@dataclass
class Position:
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
class ReplayStopped:
    status: Literal["stopped"]


_SHOWN = Answer("The frame; or JSON, at the end.", {"image/png": None, "application/json": Complete}, headers=REPLAYED)


@post("/session/replay/{session_id}", "Replaying.", _FAILURES)
async def start(api: Api, asked: ReplayQuery) -> Replaying:
    """Put a cursor before the first frame of a session."""
    wanted = StartReplay(session_id=asked.session_id, cursor=asked.cursor)
    state = await api.replayer.ask(requests.START, wanted)
    return Replaying(state.session_id or asked.session_id, "replaying", state.total)


@get("/session/replay/next", _SHOWN, "not_replaying", _FAILURES, "frame_missing frame_corrupt", changes=True)
async def following(api: Api, asked: CursorQuery) -> Response:
    """The next frame."""
    return await _step(api, requests.NEXT, asked)


@get("/session/replay/previous", _SHOWN, "not_replaying", _FAILURES, "frame_missing frame_corrupt", changes=True)
async def previous(api: Api, asked: CursorQuery) -> Response:
    """The frame before."""
    return await _step(api, requests.PREVIOUS, asked)


@post("/session/replay/seek", _WHERE, "not_replaying", _FAILURES)
async def seek(api: Api, asked: SeekQuery) -> Position:
    """Go to a frame: ``next`` gives it."""
    return await _state(api, requests.SEEK, Seek(index=asked.index, cursor=asked.cursor))


@post("/session/replay/play", _WHERE, "not_replaying", _FAILURES)
async def play(api: Api, asked: PlayQuery) -> Position:
    """Show the session's frames on the bus at their recorded times, from the cursor's place on."""
    return await _state(api, requests.PLAY, Play(speed=asked.speed, loop=asked.loop, cursor=asked.cursor))


@post("/session/replay/pause", _WHERE, "not_replaying", _FAILURES)
async def pause(api: Api, asked: CursorQuery) -> Position:
    """Stand still; ``play`` goes on from there."""
    return await _state(api, requests.PAUSE, CursorRequest(cursor=asked.cursor))


@get("/session/replay/status", _WHERE, _FAILURES)
async def status(api: Api, asked: CursorQuery) -> Position:
    """Where a cursor is."""
    return await _state(api, requests.STATUS, CursorRequest(cursor=asked.cursor))


@post("/session/replay/stop", "Stopped.", "invalid_request replayer_unavailable")
async def stop(api: Api, asked: CursorQuery) -> ReplayStopped:
    """Take a cursor off its session."""
    await api.replayer.ask(requests.STOP, CursorRequest(cursor=asked.cursor))
    return ReplayStopped("stopped")


async def _step(api: Api, call: Call[CursorRequest, ReplayedFrame], asked: CursorQuery) -> Response:
    shown = await api.replayer.step(call, CursorRequest(cursor=asked.cursor))
    if shown is None:
        return JsonResponse({"status": "complete", "image": None}, headers=NO_STORE)
    entry = shown.answer.entry or {}
    # Who read the file has compared it with its entry's hash, where there is one.
    sha256 = valid_sha256(entry.get("sha256")) or await hash_of(shown.image)
    headers = {**replayed_headers(entry, shown.answer.session_id), **of_picture(sha256)}
    return Response(shown.image, 200, headers, "image/png")


async def _state(api: Api, call: Call[AskedT, ReplayStatus], wanted: AskedT) -> Position:
    state = await api.replayer.ask(call, wanted)
    return Position(state.cursor, state.session_id, state.state, state.position, state.total, state.speed, state.loop)
