"""What a page needs of a session beside its metadata: some entries, a frame's input, thumbnails."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.api.http.files import cached, hash_of, of_picture
from services.api.http.headers import IMAGE_SHA256
from services.api.http.operation import KNOWN, Answer, get, json
from services.api.http.query import FramePath, Index, SessionPath
from services.api.routes.page import SamplePath, sample_path
from services.api.routes.sessions import NO_SUCH_FRAME, Entry, no_such_frame
from services.api.service import Api
from shared.errors import FrameMissing
from shared.session.format.entries import Entry as RecordedEntry
from shared.session.format.layout import image_extension
from shared.session.format.plain import located
from shared.session.reading.reader import SessionReader
from shared.session.reading.timeline import Timeline, round_s, times

MAX_ENTRIES = 500
"""In one answer: an entry has about 1.5 kB."""

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
_TIMELINES: WeakKeyDictionary[SessionReader, tuple[Any, Timeline]] = WeakKeyDictionary()
"""Of open sessions, as far as they were read; with the head that was read."""
_SMALL = Answer(
    "At most 320 pixels on a side.",
    {"image/webp": None},
    headers=("ETag", "Cache-Control", IMAGE_SHA256),
    always=(IMAGE_SHA256,),
)


class EntriesQuery(SessionPath):
    first: Index = Field(0, alias="from", description="position of the first, from 0 (default)")
    count: Index = Field(MAX_ENTRIES, description="how many; default and limit: 500")


@dataclass
class Entries:
    session_id: str
    created_at: float | None
    total: int
    entries: list[Entry]
    offsets_s: list[float]
    round_s: float
    first: Annotated[int, Field(alias="from")]


@get("/samples/{name}/thumbnail", _SMALL, KNOWN, "not_found frame_missing frame_corrupt")
async def sample_thumbnail(api: Api, asked: SamplePath, request: Request) -> Response:
    """A photograph, small."""
    source = await asyncio.to_thread(lambda: sample_path(asked.name).resolve())  # an installation may consist of links
    return await _small(api, request, source)


@get(
    "/session/{session_id}/entries",
    json(
        Entries,
        "At most 500, and how many there are in all. `offsets_s`: when each of them comes in a replay, in seconds "
        "since the first of the session; `round_s`: when the first comes again. An entry that cannot be understood "
        "says why, with the place, under `damaged`, and what the name of its file tells; so does the answer, where "
        "the rest of the metadata cannot be.",
    ),
    "session_not_found invalid_request session_damaged",
)
async def entries(api: Api, asked: EntriesQuery) -> dict[str, Any]:
    """Some entries of a session, by their position."""
    first, until = asked.first, asked.first + min(asked.count, MAX_ENTRIES)

    def read(reader: SessionReader) -> dict[str, Any]:
        offsets_s = _timeline(reader).offsets
        shown = islice(reader.shown_from(first), until - first) if first < reader.count else ()
        answer = {
            "session_id": asked.session_id,
            "created_at": reader.created_at,
            "total": reader.count,
            "from": first,
            "offsets_s": offsets_s[first:until].tolist(),
            "round_s": round_s(offsets_s),
            "entries": [
                each.fields if problem is None else {**each.fields, "damaged": problem} for each, problem in shown
            ],
        }
        return answer if reader.problem is None else {**answer, "damaged": reader.problem}

    return await api.sessions.read(asked.session_id, read)


@get(
    "/session/{session_id}/frames/{index}/input",
    Answer(
        "The file.",
        dict.fromkeys(("image/png", "image/jpeg", "image/webp")),
        headers=(IMAGE_SHA256, "Cache-Control"),
        always=(IMAGE_SHA256, "Cache-Control"),
    ),
    NO_SUCH_FRAME,
)
async def frame_input(api: Api, asked: FramePath) -> Response:
    """What a frame was made from."""

    def read(reader: SessionReader) -> tuple[bytes, str, str]:
        path = reader.input_path(_entry(reader, asked.index))
        if path is None:
            raise FrameMissing(f"The session {asked.session_id!r} does not hold the input of its frame {asked.index}.")
        try:
            data = reader.input_bytes(path)
            return data, _MEDIA_TYPES[image_extension(data)], hashlib.sha256(data).hexdigest()
        except (OSError, ValueError) as error:
            raise FrameMissing(f"{path.name} of session {asked.session_id} cannot be read: {error}") from None

    data, media_type, sha256 = await api.sessions.read(asked.session_id, read)
    return Response(data, 200, {"Cache-Control": "no-cache", **of_picture(sha256)}, media_type)


@get("/session/{session_id}/frames/{index}/thumbnail", _SMALL, KNOWN, NO_SUCH_FRAME, "frame_corrupt")
async def thumbnail(api: Api, asked: FramePath, request: Request) -> Response:
    """A frame, small."""
    return await _small(api, request, await api.sessions.read(asked.session_id, lambda it: _path(it, asked.index)))


def _timeline(reader: SessionReader) -> Timeline:
    """When the frames of a session come in a replay. Used by one thread at a time for a session, like its reader."""
    head, timeline = _TIMELINES.get(reader, (None, Timeline()))
    # A reader whose file was replaced has a new head.
    if head is not reader.head or len(timeline.offsets) > reader.count:
        timeline = Timeline()
    timeline.extend(times(reader, len(timeline.offsets)))
    _TIMELINES[reader] = (reader.head, timeline)
    return timeline


async def _small(api: Api, request: Request, source: Path) -> Response:
    data, etag = await api.thumbnailer.get(source)
    return cached(request, data, of_picture(await hash_of(data)), etag, "image/webp")


def _path(reader: SessionReader, index: int) -> Path:
    """Where a frame lies: by its entry, or by its file name if that is unreadable."""
    position = reader.position_of(index)
    name = reader.file_of(index) if position is None else None
    path = reader.frame_path(_entry(reader, index)) if name is None else reader.folder / name
    try:
        return Path(located(reader.folder, path.name))
    except OSError as error:
        raise FrameMissing(f"{path.name} of session {reader.session_id} cannot be read: {error.strerror}") from None


def _entry(reader: SessionReader, index: int) -> RecordedEntry:
    position = reader.position_of(index)
    if position is None:
        raise no_such_frame(reader, index)
    return reader.entry(position)
