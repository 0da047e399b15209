"""The OpenAPI 3.1 document, built from the request's model and the tables below. A test holds it against the routes."""

from __future__ import annotations

from functools import cache
from typing import Any

from services.api.body import MAX_BODY_BYTES
from services.api.compare import MAX_PAIRS
from services.api.replay import MAX_CURSOR_CHARS, MAX_SPEED, MIN_SPEED
from services.api.reruns import RerunBody
from services.api.schemas import GenerateRequest
from shared import errors
from shared.errors import ParafoveaError

Json = dict[str, Any]

VERSION = "1.0.0"

_INTRODUCTION = (
    "Changes the part of a picture that its viewer is not looking at, records every change, and replays it exactly. "
    f"A body has at most {MAX_BODY_BYTES // 1024 // 1024} MiB, an image 64 x 64 to 4096 x 4096 pixels. Every error is "
    'JSON: `{"error": code, "detail": what to do}`. Live events: connect a WebSocket to `/ws`; JSON text messages, '
    "and behind a `frame` or `replay.frame` message one binary message with its PNG."
)

_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer"}
_NUMBER: Json = {"type": "number"}
_TRUTH: Json = {"type": "boolean"}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


_HEADERS: dict[str, tuple[str, Json]] = {
    "X-Sector": ("the target sector", _TEXT),
    "X-Prompt": ("the prompt; where X-Prompt-Encoding is given, percent-encoded UTF-8", _TEXT),
    "X-Prompt-Encoding": ("`percent`, where the prompt is not printable ASCII", {"const": "percent"}),
    "X-Seed": ("the seed, given or drawn", _WHOLE),
    "X-Frame-Id": ("the frame's id", _TEXT),
    "X-Generation-Ms": ("milliseconds on the model", _NUMBER),
    "X-Focus-Sector": ("where the viewer looked, when known", _TEXT),
    "X-Session": ("the session it belongs to, if any", _TEXT),
    "X-Recorded": ("`disk`, `pending`, or `no` (no session is active)", {"enum": ["disk", "pending", "no"]}),
    "X-Object": ("what the model made of the prompt, where it says so", _TEXT),
    "X-Object-Encoding": ("`percent`, where X-Object is not printable ASCII", {"const": "percent"}),
    "X-Fallback": ("why the model took something else than was asked for, where it did", _TEXT),
    "X-Fallback-Encoding": ("`percent`, where X-Fallback is not printable ASCII", {"const": "percent"}),
    "X-Index": ("the frame's index in its session", _WHOLE),
    "ETag": ("the SHA-256 of the file, in quotes", _TEXT),
    "Accept-Ranges": ("`bytes`", _TEXT),
    "Content-Range": ("which bytes these are, and of how many", _TEXT),
    "Retry-After": ("seconds after which another try makes sense", _WHOLE),
    "Cache-Control": ("`no-store` or `no-cache`", _TEXT),
}
_ALWAYS = ("X-Sector", "X-Prompt", "X-Seed", "X-Frame-Id", "X-Generation-Ms", "X-Recorded")


def _headers(*names: str, required: tuple[str, ...] = ()) -> Json:
    return {
        name: {"description": _HEADERS[name][0], "schema": _HEADERS[name][1], "required": name in required}
        for name in names
    }


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _png(description: str, headers: Json) -> Json:
    return {"description": description, "headers": headers, "content": {"image/png": {"schema": {}}}}


def _failures(*kinds: type[ParafoveaError]) -> Json:
    """One response a status, that names each code it may carry."""
    by_status: dict[int, list[type[ParafoveaError]]] = {}
    everywhere: tuple[type[ParafoveaError], ...] = (errors.Unauthorized, errors.InternalError)
    for kind in dict.fromkeys(kinds + everywhere):
        by_status.setdefault(kind.status, []).append(kind)
    found: Json = {}
    for status, members in sorted(by_status.items()):
        codes = [member.code for member in members]
        schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"error": {"enum": codes}}}]}
        found[str(status)] = _json(" or ".join(f"`{code}`" for code in codes), schema)
        if any(member.retry_after_s is not None for member in members):
            found[str(status)]["headers"] = _headers("Retry-After")
    return found


def _query(name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    return {"name": name, "in": "query", "description": description, "required": required, "schema": schema}


def _in_path(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "description": description, "required": True, "schema": schema}


_SESSION_ID = _in_path("session_id", "the session", {"type": "string", "minLength": 1})
_CURSOR = _query(
    "cursor",
    "a cursor of the client's own; default: the one named `default`",
    {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR_CHARS},
)
_RECORDER = errors.RecorderUnavailable
_REPLAYER = errors.ReplayerUnavailable
_CURSOR_STATE = _object(
    cursor=_TEXT,
    session_id=_or_null(_TEXT),
    status=_TEXT,
    position=_WHOLE,
    total_generations=_WHOLE,
    speed=_or_null(_NUMBER),
    loop=_TRUTH,
)
_SUMMARY = _object(id=_TEXT, created_at=_NUMBER, frames=_or_null(_WHOLE), bytes=_WHOLE, active=_TRUTH)
_ENTRY = _object(
    index=_WHOLE, filename=_TEXT, target_sector=_TEXT, focus_sector=_or_null(_TEXT), prompt=_TEXT, timestamp=_NUMBER
)


def _operation(
    summary: str, answers: Json, *failures: type[ParafoveaError], parameters: tuple[Json, ...] = (), **more: Any
) -> Json:
    found: Json = {"summary": summary, "responses": {**answers, **_failures(*failures)}, **more}
    if parameters:
        found["parameters"] = list(parameters)
    return found


def _fields() -> Json:
    schema = GenerateRequest.model_json_schema()
    properties: Json = schema["properties"]
    for described in properties.values():
        described.pop("title", None)
        described.pop("default", None)
    return properties


def _generate() -> Json:
    image = {"type": "string", "description": "PNG, JPEG or WebP; plain base64, or a data URL"}
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "PNG, JPEG or WebP"}
    as_json = {
        "type": "object",
        "properties": {"image_base64": image, **_fields()},
        "required": ["image_base64"],
        "additionalProperties": False,
    }
    as_form = {**as_json, "properties": {"image": file, **_fields()}, "required": ["image"]}
    headers = _headers(
        *_ALWAYS,
        *("X-Prompt-Encoding", "X-Focus-Sector", "X-Session", "X-Object", "X-Object-Encoding"),
        *("X-Fallback", "X-Fallback-Encoding", "Cache-Control"),
        required=_ALWAYS,
    )
    return _operation(
        "Change one sector of an image",
        {"200": _png("The whole image; outside the target sector every pixel is the input's.", headers)},
        *(errors.InvalidJson, errors.PayloadTooLarge, errors.UnsupportedMediaType),
        *(errors.InvalidRequest, errors.UnreadableImage, errors.SessionNotActive, errors.Superseded),
        *(errors.Cancelled, errors.QueueFull, errors.GeneratorLoading, errors.GeneratorUnavailable, _RECORDER),
        *(errors.RecordingBacklogFull, errors.GenerationFailed, errors.GenerationTimeout, errors.InsufficientStorage),
        requestBody={
            "required": True,
            "content": {"application/json": {"schema": as_json}, "multipart/form-data": {"schema": as_form}},
        },
    )


def _sessions() -> Json:
    started = _object(session_id=_TEXT, status={"const": "recording"})
    stopped = _object(session_id=_TEXT, status={"const": "stopped"}, recorded=_WHOLE, pending=_WHOLE)
    metadata = _object(session_id=_TEXT, created_at=_NUMBER, sequence=_array(_ENTRY))
    frame_headers = ("ETag", "Accept-Ranges", "Cache-Control")
    return {
        "/session/start": {
            "post": _operation(
                "Begin a session; the active one ends",
                {"200": _json("Recording.", started)},
                *(errors.InvalidRequest, errors.InvalidSessionId, errors.SessionExists, errors.SessionBusy),
                *(errors.SessionNotFound, _RECORDER, errors.InsufficientStorage),
                parameters=(
                    _query("session_id", "its id; default: `session_<unix seconds>`", _TEXT),
                    _query("resume", "go on with a session that exists", _TRUTH),
                ),
            )
        },
        "/session/stop": {
            "post": _operation(
                "End the active session", {"200": _json("Stopped.", stopped)}, errors.SessionNotActive, _RECORDER
            )
        },
        "/session/status": {
            "get": _operation(
                "The active session",
                {
                    "200": _json(
                        "`session_id` is null where none is active.",
                        _object(session_id=_or_null(_TEXT), recorded=_WHOLE, pending=_WHOLE),
                    )
                },
                _RECORDER,
            )
        },
        "/session/list": {
            "get": _operation(
                "All sessions, oldest first",
                {
                    "200": _json(
                        "Ids, or with `details` objects.",
                        _object(sessions={"anyOf": [_array(_TEXT), _array(_SUMMARY)]}),
                    )
                },
                errors.InvalidRequest,
                parameters=(_query("details", "more than ids", _TRUTH),),
            )
        },
        "/session/{session_id}": {
            "get": _operation(
                "A session's metadata, complete up to the last acknowledged frame",
                {"200": _json("`metadata.json`.", metadata)},
                *(errors.SessionNotFound, _RECORDER),
                parameters=(_SESSION_ID,),
            ),
            "delete": _operation(
                "Remove a session",
                {"200": _json("Removed.", _object(session_id=_TEXT, status={"const": "deleted"}))},
                *(errors.SessionNotFound, errors.SessionBusy, _RECORDER),
                parameters=(_SESSION_ID,),
            ),
        },
        "/session/{session_id}/frames/{index}": {
            "get": _operation(
                "One recorded image",
                {
                    "200": _png("The file.", _headers(*frame_headers)),
                    "206": _png("The range asked for.", _headers(*frame_headers, "Content-Range")),
                    "304": {"description": "The client has it already (`If-None-Match`)."},
                },
                *(errors.SessionNotFound, errors.NotFound, errors.FrameMissing, errors.FrameCorrupt),
                *(errors.InvalidRequest, _RECORDER),
                parameters=(_SESSION_ID, _in_path("index", "of its entry", {"type": "integer", "minimum": 0})),
            )
        },
    }


def _replay() -> Json:
    headers = _headers(
        *("X-Sector", "X-Prompt", "X-Prompt-Encoding", "X-Index", "X-Session", "X-Focus-Sector", "X-Seed"),
        *("X-Frame-Id", "Cache-Control"),
    )
    shown = _png("The frame; or JSON, at the end.", headers)
    complete = _object(status={"const": "complete"}, image={"type": "null"})
    shown["content"]["application/json"] = {"schema": complete}
    step_failures = (errors.InvalidRequest, errors.NotReplaying, errors.FrameMissing, errors.FrameCorrupt, _REPLAYER)
    state = {"200": _json("Where the cursor is.", _CURSOR_STATE)}
    return {
        "/session/replay/{session_id}": {
            "post": _operation(
                "Put a cursor before the first frame of a session",
                {
                    "200": _json(
                        "Replaying.", _object(session_id=_TEXT, status={"const": "replaying"}, total_generations=_WHOLE)
                    )
                },
                *(errors.InvalidRequest, errors.SessionNotFound, _RECORDER, _REPLAYER),
                parameters=(_SESSION_ID, _CURSOR),
            )
        },
        "/session/replay/next": {
            "get": _operation("The next frame", {"200": shown}, *step_failures, parameters=(_CURSOR,))
        },
        "/session/replay/previous": {
            "get": _operation("The frame before", {"200": shown}, *step_failures, parameters=(_CURSOR,))
        },
        "/session/replay/seek": {
            "post": _operation(
                "Go to a frame: `next` gives it",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, _REPLAYER),
                parameters=(
                    _query("index", "of the frame", {"type": "integer", "minimum": 0}, required=True),
                    _CURSOR,
                ),
            )
        },
        "/session/replay/play": {
            "post": _operation(
                "Show the session's frames on the bus at their recorded times, from the cursor's place on",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, errors.SessionNotFound, _RECORDER, _REPLAYER),
                parameters=(
                    _query(
                        "speed",
                        "recorded seconds in a second; default: as before, 1 at first",
                        {"type": "number", "minimum": MIN_SPEED, "maximum": MAX_SPEED},
                    ),
                    _query("loop", "begin again behind the last frame; default: as before, false at first", _TRUTH),
                    _CURSOR,
                ),
            )
        },
        "/session/replay/pause": {
            "post": _operation(
                "Stand still; `play` goes on from there",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, errors.SessionNotFound, _RECORDER, _REPLAYER),
                parameters=(_CURSOR,),
            )
        },
        "/session/replay/status": {
            "get": _operation("Where a cursor is", state, errors.InvalidRequest, _REPLAYER, parameters=(_CURSOR,))
        },
        "/session/replay/stop": {
            "post": _operation(
                "Take a cursor off its session",
                {"200": _json("Stopped.", _object(status={"const": "stopped"}))},
                *(errors.InvalidRequest, _REPLAYER),
                parameters=(_CURSOR,),
            )
        },
    }


def _archives() -> Json:
    archive = {"description": "A tar archive, compressed with gzip.", "content": {"application/gzip": {"schema": {}}}}
    imported = _object(
        session_id=_TEXT,
        status={"const": "imported"},
        frames=_WHOLE,
        bytes=_WHOLE,
        renamed_from=_or_null(_TEXT),
    )
    return {
        "/session/{session_id}/export": {
            "get": _operation(
                "A session as one archive, as far as it is recorded at this moment",
                {"200": archive},
                *(errors.SessionNotFound, errors.FrameMissing, _RECORDER),
                parameters=(_SESSION_ID,),
            )
        },
        "/session/import": {
            "post": _operation(
                "Take a session in: an export, or a tar of a session's folder. Of one that is refused nothing stays",
                {"200": _json("It is there.", imported)},
                *(errors.InvalidArchive, errors.InvalidSessionId, errors.SessionExists, errors.InvalidRequest),
                *(errors.PayloadTooLarge, errors.UnsupportedMediaType, errors.InsufficientStorage, _RECORDER),
                errors.GeneratorUnavailable,
                parameters=(_query("session_id", "the id it is to have; default: the one it has", _TEXT),),
                requestBody={
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                },
            )
        },
    }


def _reproduction() -> Json:
    figures = {
        f"{part}{name}": _or_null(schema)
        for part in ("", "sector_")
        for name, schema in (("differing_pixels", _WHOLE), ("psnr_db", _NUMBER), ("ssim", _NUMBER))
    }
    pair = _object(index=_WHOLE, identical=_or_null(_TRUTH), problem=_or_null(_TEXT), **figures)
    compared = _object(
        a=_TEXT,
        b=_TEXT,
        status={"enum": ["complete", "running"]},
        first=_WHOLE,
        total=_or_null(_WHOLE),
        summary=_or_null({"type": "object"}),
        frames=_array(pair),
    )
    states = ("queued", "running", "waiting", "complete", "cancelled", "failed", "interrupted")
    state = _object(
        session_id=_TEXT,
        parent=_TEXT,
        status={"enum": list(states)},
        done=_WHOLE,
        total=_WHOLE,
        skipped=_array(_object(index=_WHOLE, reason=_TEXT)),
        reason=_or_null(_TEXT),
        changed={"type": "object"},
    )
    asked = RerunBody.model_json_schema()
    for described in asked["properties"].values():
        described.pop("title", None)
    unknown = (errors.SessionNotFound, errors.NotFound, _REPLAYER)
    return {
        "/session/compare": {
            "get": _operation(
                "Two sessions frame by frame: PSNR and SSIM, over the picture and inside the target sector",
                {
                    "200": _json("All figures.", compared),
                    "202": _json("Those that are worked out so far; ask again.", compared),
                },
                *(errors.SessionNotFound, errors.InvalidRequest, _RECORDER),
                parameters=(
                    _query("a", "a session", {"type": "string", "minLength": 1}, required=True),
                    _query("b", "another", {"type": "string", "minLength": 1}, required=True),
                    _query("first", "begin at this pair", {"type": "integer", "minimum": 0}),
                    _query("count", "how many pairs", {"type": "integer", "minimum": 1, "maximum": MAX_PAIRS}),
                ),
            )
        },
        "/session/{session_id}/rerun": {
            "post": _operation(
                "Make a session again with something changed, into a new session",
                {"202": _json("It is begun.", state)},
                *(errors.InvalidJson, errors.InvalidRequest, errors.SessionNotFound, errors.SessionExists),
                *(errors.InvalidSessionId, errors.SessionBusy, errors.PayloadTooLarge, errors.InsufficientStorage),
                *(errors.GeneratorUnavailable, errors.GeneratorLoading, _RECORDER, _REPLAYER),
                parameters=(_SESSION_ID,),
                requestBody={"required": True, "content": {"application/json": {"schema": asked}}},
            ),
            "get": _operation(
                "How the re-run into this session stands",
                {"200": _json("Its state.", state)},
                *unknown,
                parameters=(_SESSION_ID,),
            ),
            "delete": _operation(
                "Give the re-run into this session up; it can be resumed",
                {"200": _json("Its state.", state)},
                *unknown,
                parameters=(_SESSION_ID,),
            ),
        },
    }


def _rest() -> Json:
    ready_failures = (
        *(errors.QueueFull, errors.GeneratorLoading, errors.GeneratorUnavailable, _RECORDER),
        *(errors.RecordingBacklogFull, errors.InsufficientStorage),
    )
    lists = {"type": "object", "additionalProperties": _array(_TEXT)}
    prompts = _object(
        default=_array(_TEXT),
        sectors=lists,
        next={"type": "object", "additionalProperties": _WHOLE},
        error=_or_null(_TEXT),
    )
    health = _object(
        status={"enum": ["ok", "starting", "degraded"]},
        reasons=_array(_TEXT),
        processes={"type": "object", "additionalProperties": {"type": "object"}},
    )
    page = {"description": "A page for people.", "content": {"text/html": {"schema": _TEXT}}}
    return {
        "/prompts": {"get": _operation("The sector prompts", {"200": _json("The lists in use.", prompts)})},
        "/reset": {
            "post": _operation(
                "Read the sector prompts anew, and begin each list at its first",
                {"200": _json("Done.", _object(status={"const": "reset"}))},
            )
        },
        "/health": {
            "get": _operation("How everything is; always 200", {"200": _json("Each process's state.", health)})
        },
        "/ready": {
            "get": _operation(
                "Whether a `/generate` would be accepted",
                {"200": _json("It would.", _object(status={"const": "ready"}))},
                *ready_failures,
            )
        },
        "/openapi.json": {"get": _operation("This document", {"200": _json("OpenAPI 3.1.", {"type": "object"})})},
        "/docs": {"get": _operation("This document, to read", {"200": page})},
    }


def _page() -> Json:
    """What the page is made of and lives on."""
    html = {"description": "A page for people.", "content": {"text/html": {"schema": _TEXT}}}
    anything = {"description": "The file.", "content": {"*/*": {"schema": {}}}}
    webp: Json = {"description": "At most 320 pixels on a side.", "content": {"image/webp": {"schema": {}}}}
    webp["headers"] = _headers("ETag", "Cache-Control")
    picture = {
        "description": "The file.",
        "content": {f"image/{kind}": {"schema": {}} for kind in ("png", "jpeg", "webp")},
    }
    known = {"304": {"description": "The client has it already (`If-None-Match`)."}}
    samples = _json("To begin with.", _object(samples=_array(_object(name=_TEXT, file=_TEXT, title=_TEXT))))
    entries = _object(
        session_id=_TEXT, created_at=_or_null(_NUMBER), total=_WHOLE, entries=_array(_ENTRY), **{"from": _WHOLE}
    )
    of_frame = (_SESSION_ID, _in_path("index", "of its entry", {"type": "integer", "minimum": 0}))
    no_frame = (errors.SessionNotFound, errors.NotFound, errors.FrameMissing, errors.InvalidRequest, _RECORDER)
    whole = {"type": "integer", "minimum": 0}
    file_name = _in_path("name", "of the file, as `/samples` tells it", _TEXT)
    return {
        "/": {"get": _operation("The page", {"200": html, **known})},
        "/web/{path}": {
            "get": _operation(
                "A file of the page",
                {"200": anything, **known},
                errors.NotFound,
                parameters=(_in_path("path", "below `/web/`", _TEXT),),
            )
        },
        "/samples": {"get": _operation("The photographs to begin with", {"200": samples})},
        "/samples/{name}": {
            "get": _operation("One photograph", {"200": anything, **known}, errors.NotFound, parameters=(file_name,))
        },
        "/samples/{name}/thumbnail": {
            "get": _operation(
                "A photograph, small",
                {"200": webp, **known},
                *(errors.NotFound, errors.FrameMissing, errors.FrameCorrupt),
                parameters=(file_name,),
            )
        },
        "/session/{session_id}/entries": {
            "get": _operation(
                "Some entries of a session, by their position",
                {"200": _json("At most 500, and how many there are in all.", entries)},
                *(errors.SessionNotFound, errors.InvalidRequest, _RECORDER),
                parameters=(
                    _SESSION_ID,
                    _query("from", "position of the first, from 0 (default)", whole),
                    _query("count", "how many; default and limit: 500", whole),
                ),
            )
        },
        "/session/{session_id}/frames/{index}/input": {
            "get": _operation("What a frame was made from", {"200": picture}, *no_frame, parameters=of_frame)
        },
        "/session/{session_id}/frames/{index}/thumbnail": {
            "get": _operation(
                "A frame, small", {"200": webp, **known}, *no_frame, errors.FrameCorrupt, parameters=of_frame
            )
        },
    }


@cache
def build() -> Json:
    """The document."""
    error = _object(error=_TEXT, detail=_TEXT)
    error["properties"]["fields"] = {
        "type": "object",
        "additionalProperties": _TEXT,
        "description": "for `invalid_request`: what is wrong with which field",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parafovea", "version": VERSION, "description": _INTRODUCTION},
        "paths": {
            "/generate": {"post": _generate()},
            **_sessions(),
            **_archives(),
            **_replay(),
            **_reproduction(),
            **_rest(),
            **_page(),
        },
        "components": {
            "schemas": {"Error": error},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where the server's PARAFOVEA_API_TOKEN is set.",
                }
            },
        },
        "security": [{}, {"token": []}],
    }
