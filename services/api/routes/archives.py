"""The routes that take sessions out and in: one archive, streamed both ways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.api.edge.pace import Pace, RequestTimeout
from services.api.http import query
from services.api.http.errors import JsonResponse, error_response
from services.api.http.headers import NO_STORE
from services.api.service import Api
from services.api.work.commands import Command
from services.api.work.slots import ImportSlots
from shared.errors import ParafoveaError, PayloadTooLarge, RecorderUnavailable, UnsupportedMediaType
from shared.json_loads import loads
from shared.session.format import ids
from shared.session.transfer.compression import GB, MAX_ARCHIVE_BYTES
from shared.session.transfer.export import Export
from shared.session.transfer.staging import sweep
from shared.system.disk import Disk

log = logging.getLogger(__name__)

PAUSE_S = 300.0
"""Of an archive that comes: whoever makes it while it is sent may look at very many files first."""
DRAIN_BYTES = 256 * 1024 * 1024
"""Of a refused archive so much more is read, so that the sender gets to see why."""
_PIECE_BYTES = 1 << 20


class ArchiveRoutes:
    """Handles the routes."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root: Path = api.settings.sessions_dir
        self._slots = ImportSlots()

    async def export(self, request: Request) -> Response:
        """A session as a ``.tar.gz``: what was recorded up to this moment."""
        session_id = request.path_params["session_id"]
        outgoing = await asyncio.to_thread(Export, self._root, session_id)
        headers = {"Content-Disposition": f'attachment; filename="{session_id}.tar.gz"', **NO_STORE}
        if request.method == "HEAD":
            outgoing.close()
            return Response(None, 200, headers, "application/gzip")
        return StreamingResponse(_chunks(outgoing), 200, headers, "application/gzip")

    async def take_in(self, request: Request) -> Response:
        """A session from an archive, which is proved while it comes, by a process of its own."""
        session_id = query.text(request, "session_id")
        if session_id is not None:
            await asyncio.to_thread(ids.claim, self._root, session_id)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type.startswith("multipart/"):
            raise UnsupportedMediaType(
                "send the archive itself as the body (with curl: --data-binary @session.tar.gz), not a form"
            )
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > MAX_ARCHIVE_BYTES:
            raise PayloadTooLarge(f"the archive is longer than {MAX_ARCHIVE_BYTES / GB:g} GB")
        self._api.check_open()
        body = Pace(request, PAUSE_S)
        try:
            async with self._slots.hold(body):
                imported = await self._import(body, session_id)
        except RequestTimeout:
            raise
        except ParafoveaError as error:
            asks_first = request.headers.get("expect", "").lower() == "100-continue" and not body.received_bytes
            # Outside of the slot: it may come slowly.
            if asks_first or not await _drain(body):
                return error_response(error, {"Connection": "close"})
            raise
        answer = {
            "session_id": imported["session_id"],
            "status": "imported",
            "frames": imported["frames"],
            "bytes": imported["bytes"],
            "renamed_from": imported["renamed_from"],
        }
        return JsonResponse(answer, headers=NO_STORE)

    async def _import(self, body: Pace, session_id: str | None) -> dict[str, Any]:
        settings = self._api.settings
        wanted = [] if session_id is None else ["--as", session_id]
        command = await asyncio.to_thread(lambda: Command(settings, "import", "-", "--json", *wanted, takes_input=True))
        try:
            await self._feed(body, command)
            imported: dict[str, Any] = loads(await asyncio.to_thread(command.finish))
            return imported
        finally:
            await asyncio.shield(asyncio.to_thread(self._end, command))

    def _end(self, command: Command) -> None:
        """End an import that may be under way. It removes what it began, unless it is ended in the midst of that."""
        command.stop()
        try:
            sweep(Disk(), self._root)
        except OSError as error:
            log.warning("what an import left behind stays until the next one: %s", error)

    async def _feed(self, body: Pace, command: Command) -> None:
        """Hand the body on as it comes, in pieces: the pipe is what holds a fast sender back."""
        piece = bytearray()
        while not body.ended:
            if self._api.closing.is_set():
                raise RecorderUnavailable("The server is stopping; import again when it is back.")
            piece += await body.next()
            if len(piece) >= _PIECE_BYTES or body.ended:
                if not await asyncio.to_thread(command.write, bytes(piece)):
                    return
                piece.clear()


async def _drain(body: Pace) -> bool:
    """Read the rest, up to a limit, and forget it: False where it stopped coming."""
    until = body.received_bytes + DRAIN_BYTES
    body.shorten()
    try:
        while not body.ended and body.received_bytes < until:
            await body.next()
    except RequestTimeout:  # the error that it was refused with says more
        return False
    return True


async def _chunks(outgoing: Export) -> AsyncIterator[bytes]:
    chunks = outgoing.chunks()
    try:
        while (data := await asyncio.to_thread(next, chunks, None)) is not None:
            yield data
    finally:
        await asyncio.to_thread(outgoing.close)
