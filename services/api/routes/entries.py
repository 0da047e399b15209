"""What a page needs of a session beside its metadata as a whole: some entries, a frame's input, a thumbnail."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.api.edge.heads import has_tag
from services.api.http import query
from services.api.http.errors import JsonResponse
from services.api.http.headers import NO_STORE
from services.api.routes.page import sample_path
from services.api.service import Api
from services.api.work.thumbnails import Thumbnailer
from services.api.work.timelines import Timelines
from shared.errors import FrameMissing, NotFound
from shared.session.format.layout import image_extension
from shared.session.format.plain import located
from shared.session.reading.reader import SessionReader
from shared.session.reading.timeline import round_s

MAX_ENTRIES = 500
"""Of one answer: a frame's entry has about 1.5 kB."""

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


class EntryRoutes:
    """Handles the routes."""

    def __init__(self, api: Api, thumbnailer: Thumbnailer) -> None:
        self._api = api
        self._thumbnailer = thumbnailer
        self._timelines = Timelines()

    async def entries(self, request: Request) -> Response:
        """Some entries by their position, and how many there are."""
        session_id = request.path_params["session_id"]
        first = query.whole(request, "from") if query.text(request, "from") is not None else 0
        count = query.whole(request, "count") if query.text(request, "count") is not None else MAX_ENTRIES

        def read(reader: SessionReader) -> dict[str, Any]:
            offsets_s = self._timelines.of(reader).offsets
            shown = islice(reader.shown_from(first), min(count, MAX_ENTRIES)) if first < reader.count else ()
            until = first + min(count, MAX_ENTRIES)
            answer = {
                "session_id": session_id,
                "created_at": reader.created_at,
                "total": reader.count,
                "from": first,
                "offsets_s": offsets_s[first:until].tolist(),
                "round_s": round_s(offsets_s),
                "entries": [entry if problem is None else {**entry, "damaged": problem} for entry, problem in shown],
            }
            return answer if reader.problem is None else {**answer, "damaged": reader.problem}

        return JsonResponse(await self._api.sessions.read(session_id, read), headers=NO_STORE)

    async def input(self, request: Request) -> Response:
        """The picture that a frame was made from, as it came."""
        session_id, index = request.path_params["session_id"], self._index(request)

        def read(reader: SessionReader) -> tuple[bytes, str]:
            path = reader.input_path(_entry(reader, index))
            if path is None:
                raise FrameMissing(f"The session {session_id!r} does not hold the input of its frame {index}.")
            try:
                data = reader.input_bytes(path)
                return data, _MEDIA_TYPES[image_extension(data)]
            except (OSError, ValueError) as error:
                raise FrameMissing(f"{path.name} of session {session_id} cannot be read: {error}") from None

        data, media_type = await self._api.sessions.read(session_id, read)
        return Response(data, 200, {"Cache-Control": "no-cache"}, media_type)

    async def thumbnail(self, request: Request) -> Response:
        """A frame, small."""
        session_id, index = request.path_params["session_id"], self._index(request)
        path = await self._api.sessions.read(session_id, lambda reader: _path(reader, index))
        return await self._small(request, path)

    async def sample_thumbnail(self, request: Request) -> Response:
        """A photograph of ``examples/``, small."""
        return await self._small(request, await asyncio.to_thread(_sample, request.path_params["name"]))

    async def _small(self, request: Request, source: Path) -> Response:
        data, etag = await self._thumbnailer.get(source)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if has_tag(request.headers, etag):
            return Response(None, 304, headers)
        return Response(data, 200, headers, "image/webp")

    def _index(self, request: Request) -> int:
        return query.parse_whole("index", request.path_params["index"])


def _path(reader: SessionReader, index: int) -> Path:
    """Where a frame lies; of one whose entry cannot be understood, by the name of its file."""
    position = reader.position_of(index)
    name = reader.file_of(index) if position is None else None
    path = reader.frame_path(_entry(reader, index)) if name is None else reader.folder / name
    try:
        return Path(located(reader.folder, path.name))
    except OSError as error:
        raise FrameMissing(f"{path.name} of session {reader.session_id} cannot be read: {error.strerror}") from None


def _sample(name: str) -> Path:
    return sample_path(name).resolve()  # an installation may consist of links


def _entry(reader: SessionReader, index: int) -> dict[str, Any]:
    position = reader.position_of(index)
    if position is None:
        raise NotFound(f"The session {reader.session_id!r} has no frame {index}; it has {reader.count} frames.")
    return reader.entry(position)
