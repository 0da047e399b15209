"""The routes of sessions: begin, end, list, read, remove."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.api.edge.heads import has_tag
from services.api.http import query
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE, etag_of
from services.api.http.ranges import partial
from services.api.service import Api
from shared.errors import FrameCorrupt, InvalidSessionId, NotFound, RecorderUnavailable, SessionNotFound
from shared.frame import SessionStamp
from shared.session.format import ids
from shared.session.format.pictures import is_whole
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import details, list_sessions
from shared.session.reading.snapshot import Snapshot, take


class SessionRoutes:
    """Handles the routes."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root: Path = api.settings.sessions_dir

    async def start(self, request: Request) -> Response:
        """Begin a session."""
        session_id = query.text(request, "session_id")
        resume = query.truth(request, "resume")
        if session_id is not None:
            ids.validate(session_id)
        elif resume:
            raise InvalidSessionId("resume=true needs the session_id of the session to go on with")
        started = await self._api.recording.start(session_id, resume=resume)
        return JsonResponse({"session_id": started.session_id, "status": "recording"}, headers=NO_STORE)

    async def stop(self, request: Request) -> Response:
        """End the active session."""
        stopped = await self._api.recording.stop()
        pending = max(stopped.pending, self._api.fates.pending.count(stopped.session_id))
        answer = {
            "session_id": stopped.session_id,
            "status": "stopped",
            "recorded": stopped.recorded,
            "pending": pending,
        }
        return JsonResponse(answer, headers=NO_STORE)

    async def status(self, request: Request) -> Response:
        """The active session, and how far its recording is; by the recorder's last word where it does not answer."""
        recording = self._api.recording
        try:
            await recording.refresh()
        except RecorderUnavailable:
            if not recording.learnt:
                raise
        if recording.active is None:
            stopped = recording.status.stopped if recording.status else None
            none = {"session_id": None, "recorded": 0, "pending": 0, "stopped": stopped}
            return JsonResponse(none, headers=NO_STORE)
        return JsonResponse(recording.state_of(recording.active.session_id).model_dump(), headers=NO_STORE)

    async def list(self, request: Request) -> Response:
        """All sessions, oldest first."""
        with_details = query.truth(request, "details")
        active = self._api.recording.active
        return JsonResponse(
            {"sessions": await asyncio.to_thread(_listed, self._root, active, with_details=with_details)},
            headers=NO_STORE,
        )

    async def metadata(self, request: Request) -> Response:
        """A session's ``metadata.json``, as it is at this moment."""
        session_id = request.path_params["session_id"]
        taken = await self._api.sessions.read(session_id, take)
        headers = {"Content-Length": str(taken.size), "Cache-Control": "no-cache"}
        if request.method == "HEAD":
            taken.close()
            return Response(None, 200, headers, "application/json")
        return StreamingResponse(_chunks(taken), 200, headers, "application/json")

    async def frame(self, request: Request) -> Response:
        """One image, by the index of its entry."""
        session_id = request.path_params["session_id"]
        index = query.parse_whole("index", request.path_params["index"])

        def read(reader: SessionReader) -> tuple[str | None, bytes | None]:
            position = reader.position_of(index)
            if position is None:
                return None, _without_entry(reader, index)
            entry = reader.entry(position)
            etag = etag_of(entry.get("sha256"))
            if etag and has_tag(request.headers, etag):
                return etag, None
            return etag, reader.frame_bytes(entry)

        etag, data = await self._api.sessions.read(session_id, read)
        headers = {"Cache-Control": "no-cache", "Accept-Ranges": "bytes"}
        if etag:
            headers["ETag"] = etag
        if data is None:
            return Response(None, 304, headers)
        return partial(request, data, headers, "image/png")

    async def delete(self, request: Request) -> Response:
        """Remove a session."""
        session_id = request.path_params["session_id"]
        try:
            ids.validate(session_id)
        except InvalidSessionId:
            raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None
        await self._api.sessions.forget(session_id)
        await self._api.recording.delete(session_id)
        return JsonResponse({"session_id": session_id, "status": "deleted"}, headers=NO_STORE)


def _without_entry(reader: SessionReader, index: int) -> bytes:
    """A frame whose entry cannot be understood, by the name of its file. Nothing proves its bytes but their own sums.

    Raises:
        NotFound, FrameMissing, FrameCorrupt: why not.
    """
    name = reader.file_of(index)
    if name is None:
        raise NotFound(f"The session {reader.session_id!r} has no frame {index}; it has {reader.count} frames.")
    data = reader.file_bytes(name)
    if not is_whole(data):
        raise FrameCorrupt(f"{name} of session {reader.session_id} is not a whole PNG, and no entry tells what it was.")
    return data


def _listed(root: Path, active: SessionStamp | None, *, with_details: bool) -> list[Any]:
    found = list_sessions(root)
    if not with_details:
        return [summary.session_id for summary in found]
    listed: list[Any] = []
    for summary in found:
        try:
            of_one = details(root, summary)
        except SessionNotFound:
            continue  # removed since it was listed
        listed.append(
            {
                "id": of_one.session_id,
                "created_at": of_one.created_at,
                "frames": of_one.frames,
                "bytes": of_one.bytes,
                "active": active is not None and active.session_id == of_one.session_id,
            }
        )
    return listed


async def _chunks(taken: Snapshot) -> AsyncIterator[bytes]:
    chunks = taken.chunks()
    try:
        while (data := await asyncio.to_thread(next, chunks, None)) is not None:
            yield data
    finally:
        await asyncio.to_thread(chunks.close)  # type: ignore[attr-defined]
