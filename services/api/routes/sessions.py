"""Sessions: start, stop, list, read, delete."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.api.http.files import has_tag, of_picture, partial, valid_sha256
from services.api.http.headers import IMAGE_SHA256
from services.api.http.operation import KNOWN, Answer, Asked, delete, get, json, post
from services.api.http.query import Flag, FramePath, SessionId, SessionPath
from services.api.service import Api
from shared.errors import FrameCorrupt, InvalidSessionId, NotFound, RecorderUnavailable, SessionNotFound
from shared.frame import SessionStamp
from shared.session.format import ids
from shared.session.format.pictures import is_whole
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import details, list_sessions
from shared.session.reading.snapshot import take


class StartQuery(Asked):
    session_id: str | None = Field(None, description="its id; default: `session_<unix seconds>`")
    resume: Flag = Field(False, description="go on with a session that exists")


@dataclass
class Started:
    session_id: str
    status: Literal["recording"]


@dataclass
class StopAnswer:
    session_id: str
    status: Literal["stopped"]
    recorded: int
    pending: int


@dataclass
class StatusAnswer:
    session_id: str | None
    recorded: int
    pending: int


@dataclass
class Summary:
    id: str
    created_at: float
    frames: int | None
    bytes: int
    active: bool


@dataclass
class Listed:
    sessions: list[str] | list[Summary]


@dataclass
class Entry:
    index: int
    filename: str
    target_sector: str
    focus_sector: str | None
    prompt: str
    timestamp: float


@dataclass
class Metadata:
    session_id: str
    created_at: float
    sequence: list[Entry]


@dataclass
class Deleted:
    session_id: str
    status: Literal["deleted"]


class ListQuery(Asked):
    details: Flag = Field(False, description="more than ids")


class ExistingSession(Asked):
    session_id: SessionId


NO_SUCH_FRAME = "session_not_found not_found frame_missing invalid_request session_damaged"
_FRAME_HEADERS = ("ETag", "Accept-Ranges", "Cache-Control", IMAGE_SHA256)


@post(
    "/session/start",
    "Recording.",
    "invalid_request invalid_session_id session_exists session_busy session_not_found session_damaged",
    "recorder_unavailable insufficient_storage",
)
async def start(api: Api, asked: StartQuery) -> Started:
    """Begin a session; the active one ends."""
    if asked.session_id is not None:
        ids.validate(asked.session_id)
    elif asked.resume:
        raise InvalidSessionId("resume=true needs the session_id of the session to go on with")
    started = await api.recorder.start(asked.session_id, resume=asked.resume)
    return Started(started.session_id, "recording")


@post("/session/stop", "Stopped.", "session_not_active recorder_unavailable")
async def stop(api: Api) -> StopAnswer:
    """End the active session."""
    stopped = await api.recorder.stop()
    pending = max(stopped.pending, api.delivery.counts()[stopped.session_id])
    return StopAnswer(stopped.session_id, "stopped", stopped.recorded, pending)


@get(
    "/session/status",
    json(StatusAnswer, "`session_id` is null where none is active; `stopped` is then the one stopped last."),
    "recorder_unavailable",
)
async def status(api: Api) -> dict[str, Any]:
    """The active session.

    And how far its recording is; by the recorder's last word where it does not answer.
    """
    recorder = api.recorder
    try:
        await recorder.refresh()
    except RecorderUnavailable:
        if not recorder.has_answered:
            raise
    if recorder.active is not None:
        return recorder.state_of(recorder.active.session_id).model_dump()
    stopped = recorder.status.stopped if recorder.status else None
    return {"session_id": None, "recorded": 0, "pending": 0, "stopped": stopped}


@get("/session/list", "Ids, or with `details` objects.", "invalid_request")
async def list_all(api: Api, asked: ListQuery) -> Listed:
    """All sessions, oldest first."""
    root, active = api.settings.sessions_dir, api.recorder.active
    if asked.details:
        return Listed(await asyncio.to_thread(_summaries, root, active))
    return Listed([summary.session_id for summary in await asyncio.to_thread(list_sessions, root)])


@get(
    "/session/{session_id}",
    json(Metadata, "`metadata.json`, as JSON that any parser reads: null for `NaN`."),
    "session_not_found session_damaged",
)
async def metadata(api: Api, asked: SessionPath, request: Request) -> Response:
    """A session's metadata, complete up to the last acknowledged frame."""
    snapshot = await api.sessions.read(asked.session_id, take)
    headers = {"Content-Length": str(snapshot.size), "Cache-Control": "no-cache"}
    if request.method == "HEAD":
        snapshot.close()
        return Response(None, 200, headers, "application/json")
    chunks = snapshot.chunks()
    return StreamingResponse(in_threads(chunks, chunks.close), 200, headers, "application/json")  # type: ignore[attr-defined]


@delete("/session/{session_id}", "Removed.", "session_not_found session_busy recorder_unavailable")
async def remove(api: Api, asked: ExistingSession) -> Deleted:
    """Remove a session."""
    await api.sessions.forget(asked.session_id)
    await api.recorder.delete(asked.session_id)
    return Deleted(asked.session_id, "deleted")


@get(
    "/session/{session_id}/frames/{index}",
    Answer("The file.", {"image/png": None}, headers=_FRAME_HEADERS, always=(IMAGE_SHA256,)),
    Answer(
        "The range asked for, of the picture that X-Image-Sha256 names.",
        {"image/png": None},
        206,
        (*_FRAME_HEADERS, "Content-Range"),
        (IMAGE_SHA256,),
    ),
    KNOWN,
    "session_not_found not_found frame_missing frame_corrupt invalid_request session_damaged",
)
async def frame(api: Api, asked: FramePath, request: Request) -> Response:
    """One recorded image."""

    def read(reader: SessionReader) -> tuple[dict[str, str], bytes | None]:
        position = reader.position_of(asked.index)
        if position is None:
            data = _without_entry(reader, asked.index)
            return of_picture(hashlib.sha256(data).hexdigest()), data
        entry = reader.entry(position)
        sha256 = valid_sha256(entry.sha256)
        if sha256 is None:
            data = reader.frame_bytes(entry)
            return of_picture(hashlib.sha256(data).hexdigest()), data
        headers = {"ETag": f'"{sha256}"', **of_picture(sha256)}
        return headers, None if has_tag(request.headers, headers["ETag"]) else reader.frame_bytes(entry)

    named, data = await api.sessions.read(asked.session_id, read)
    headers = {"Cache-Control": "no-cache", "Accept-Ranges": "bytes", **named}
    if data is None:
        return Response(None, 304, headers)
    return partial(request, data, headers, "image/png")


async def in_threads(chunks: Iterator[bytes], close: Callable[[], object]) -> AsyncIterator[bytes]:
    """Read piece by piece from a disk, which may be slow; close in the end."""
    try:
        while (data := await asyncio.to_thread(next, chunks, None)) is not None:
            yield data
    finally:
        await asyncio.to_thread(close)


def no_such_frame(reader: SessionReader, index: int) -> NotFound:
    """The error for an index that a session does not have."""
    return NotFound(f"The session {reader.session_id!r} has no frame {index}; it has {reader.count} frames.")


def _without_entry(reader: SessionReader, index: int) -> bytes:
    """A frame whose entry is unreadable, by its file name. Only the PNG's own checksums prove its bytes."""
    name = reader.file_of(index)
    if name is None:
        raise no_such_frame(reader, index)
    data = reader.file_bytes(name)
    if not is_whole(data):
        raise FrameCorrupt(f"{name} of session {reader.session_id} is not a whole PNG, and no entry tells what it was.")
    return data


def _summaries(root: Path, active: SessionStamp | None) -> list[Summary]:
    listed: list[Summary] = []
    for summary in list_sessions(root):
        try:
            found = details(root, summary)
        except SessionNotFound:
            continue  # removed since it was listed
        is_active = active is not None and active.session_id == found.session_id
        listed.append(Summary(found.session_id, found.created_at, found.frames, found.bytes, is_active))
    return listed
