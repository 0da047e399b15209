"""Export and import of sessions: one archive, streamed both ways."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.api.http.body import announced_bytes, asks_first
from services.api.http.errors import error_response
from services.api.http.headers import NO_STORE
from services.api.http.operation import Answer, Asked, get, json, post
from services.api.http.pace import Pace, RequestTimeout
from services.api.http.query import SessionPath
from services.api.routes.sessions import in_threads
from services.api.service import Api
from services.api.work.processes import Child
from shared.errors import ParafoveaError, PayloadTooLarge, RecorderUnavailable, UnsupportedMediaType
from shared.session.format import ids
from shared.session.transfer.compression import GB, MAX_ARCHIVE_BYTES
from shared.session.transfer.export import Export
from shared.session.transfer.staging import sweep
from shared.system.disk import Disk

log = logging.getLogger(__name__)

PAUSE_S = 300.0
"""In an import: whoever makes the archive while sending it may have to read very many files first."""
DRAIN_BYTES = 256 * 1024 * 1024
"""So much more of a refused archive is read, so that the sender gets to see why."""
PIECE_BYTES = 1 << 20


class ImportQuery(Asked):
    session_id: str | None = Field(None, description="the id it is to have; default: the one it has")


@dataclass
class ImportAnswer:
    session_id: str
    status: Literal["imported"]
    frames: int
    bytes: int
    renamed_from: str | None


@get(
    "/session/{session_id}/export",
    Answer("A tar archive, compressed with gzip.", {"application/gzip": None}),
    "session_not_found frame_missing session_damaged",
)
async def export(api: Api, asked: SessionPath, request: Request) -> Response:
    """A session as one archive, as far as it is recorded at this moment."""
    outgoing = await asyncio.to_thread(Export, api.settings.sessions_dir, asked.session_id)
    headers = {"Content-Disposition": f'attachment; filename="{asked.session_id}.tar.gz"', **NO_STORE}
    if request.method == "HEAD":
        outgoing.close()
        return Response(None, 200, headers, "application/gzip")
    return StreamingResponse(in_threads(outgoing.chunks(), outgoing.close), 200, headers, "application/gzip")


@post(
    "/session/import",
    json(ImportAnswer, "It is there."),
    "invalid_archive invalid_session_id session_exists invalid_request payload_too_large request_timeout server_busy",
    "unsupported_media_type insufficient_storage recorder_unavailable generator_unavailable",
    bodies={"application/octet-stream": bytes},
)
async def import_archive(api: Api, asked: ImportQuery, request: Request) -> ImportAnswer | Response:
    """Take a session in: an export, or a tar of a session's folder. Of one that is refused nothing stays.

    It is proved while it comes, by a process of its own.
    """
    if asked.session_id is not None:
        await asyncio.to_thread(ids.claim, api.settings.sessions_dir, asked.session_id)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith("multipart/"):
        raise UnsupportedMediaType(
            "send the archive itself as the body (with curl: --data-binary @session.tar.gz), not a form"
        )
    if announced_bytes(request) > MAX_ARCHIVE_BYTES:
        raise PayloadTooLarge(f"the archive is longer than {MAX_ARCHIVE_BYTES / GB:g} GB")
    api.check_open()
    body = Pace(request, PAUSE_S)
    try:
        async with api.imports.hold(body):
            imported = await _import(api, body, asked.session_id)
    except RequestTimeout:
        raise
    except ParafoveaError as error:
        # Outside of the slot: it may come slowly.
        if (asks_first(request) and not body.received_bytes) or not await _drain(body):
            return error_response(error, {"Connection": "close"})
        raise
    return ImportAnswer(imported.pop("session_id"), "imported", **imported)


async def _import(api: Api, body: Pace, session_id: str | None) -> dict[str, Any]:
    arguments = ["shared.session.transfer", *([] if session_id is None else [session_id])]
    child = await asyncio.to_thread(lambda: Child(*arguments, settings=api.settings, takes_input=True))
    try:
        await _feed(api, body, child)
        imported: dict[str, Any] = await asyncio.to_thread(child.result)
        return imported
    finally:
        await asyncio.shield(asyncio.to_thread(_end, api, child))


def _end(api: Api, child: Child) -> None:
    """End an import. It removes what it began; what it could not remove is removed here."""
    child.stop()
    try:
        sweep(Disk(), api.settings.sessions_dir)
    except OSError as error:
        log.warning("what an import left behind stays until the next one: %s", error)


async def _feed(api: Api, body: Pace, child: Child) -> None:
    """Pass the body on in pieces; the pipe holds a fast sender back."""
    piece = bytearray()
    while not body.ended:
        if api.closing.is_set():
            raise RecorderUnavailable("The server is stopping; import again when it is back.")
        piece += await body.next()
        if len(piece) >= PIECE_BYTES or body.ended:
            if not await asyncio.to_thread(child.write, bytes(piece)):
                return
            piece.clear()


async def _drain(body: Pace) -> bool:
    """Read the rest up to a limit, and drop it; False if it stopped coming."""
    until = body.received_bytes + DRAIN_BYTES
    body.shorten()
    try:
        while not body.ended and body.received_bytes < until:
            await body.next()
    except RequestTimeout:  # the error that it was refused with says more
        return False
    return True
