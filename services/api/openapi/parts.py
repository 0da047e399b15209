"""What descriptions of operations are put together from."""

from __future__ import annotations

from typing import Any

from shared import errors
from shared.errors import ParafoveaError
from shared.fields import MAX_CURSOR_CHARS, NO_CONTROLS

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
TRUTH: Json = {"type": "boolean"}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def array_of(items: Json) -> Json:
    return {"type": "array", "items": items}


HEADERS: dict[str, tuple[str, Json]] = {
    "X-Sector": ("the target sector", TEXT),
    "X-Prompt": ("the prompt; where X-Prompt-Encoding is given, percent-encoded UTF-8", TEXT),
    "X-Prompt-Encoding": ("`percent`, where the prompt is not printable ASCII", {"const": "percent"}),
    "X-Prompt-Truncated": (
        "`true`, where X-Prompt is only the beginning; the frame's entry has it all",
        {"const": "true"},
    ),
    "X-Seed": ("the seed, given or drawn", WHOLE),
    "X-Frame-Id": ("the frame's id", TEXT),
    "X-Generation-Ms": ("milliseconds on the model", NUMBER),
    "X-Focus-Sector": ("where the viewer looked, when known", TEXT),
    "X-Session": ("the session it belongs to, if any", TEXT),
    "X-Recorded": ("`disk`, `pending`, or `no` (no session is active)", {"enum": ["disk", "pending", "no"]}),
    "X-Object": ("the object that the prompt was understood as; absent where nothing was drawn", TEXT),
    "X-Object-Encoding": ("`percent`, where X-Object is not printable ASCII", {"const": "percent"}),
    "X-Object-Truncated": ("`true`, where X-Object is only the beginning", {"const": "true"}),
    "X-Fallback": ("what of the request was not done, and what was drawn instead; absent where all was done", TEXT),
    "X-Fallback-Encoding": ("`percent`, where X-Fallback is not printable ASCII", {"const": "percent"}),
    "X-Fallback-Truncated": ("`true`, where X-Fallback is only the beginning", {"const": "true"}),
    "X-Index": ("the frame's index in its session", WHOLE),
    "ETag": ("the SHA-256 of the file, in quotes", TEXT),
    "Accept-Ranges": ("`bytes`", TEXT),
    "Content-Range": ("which bytes these are, and of how many", TEXT),
    "Retry-After": ("seconds after which another try makes sense", WHOLE),
    "Upgrade": ("`websocket`", {"const": "websocket"}),
    "Cache-Control": ("`no-store` or `no-cache`", TEXT),
}
ALWAYS = ("X-Sector", "X-Prompt", "X-Seed", "X-Frame-Id", "X-Generation-Ms", "X-Recorded")


def headers_of(*names: str, required: tuple[str, ...] = ()) -> Json:
    return {
        name: {"description": HEADERS[name][0], "schema": HEADERS[name][1], "required": name in required}
        for name in names
    }


def json_of(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def png_of(description: str, headers: Json) -> Json:
    return {"description": description, "headers": headers, "content": {"image/png": {"schema": {}}}}


def failures_of(*kinds: type[ParafoveaError]) -> Json:
    """One response a status, that names each code it may carry."""
    by_status: dict[int, list[type[ParafoveaError]]] = {}
    everywhere = (errors.Unauthorized, errors.Forbidden, errors.InvalidRequest, errors.InternalError)
    for kind in dict.fromkeys(kinds + everywhere):
        by_status.setdefault(kind.status, []).append(kind)
    found: Json = {}
    for status, members in sorted(by_status.items()):
        codes = [member.code for member in members]
        schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"error": {"enum": codes}}}]}
        found[str(status)] = json_of(" or ".join(f"`{code}`" for code in codes), schema)
        if any(member.retry_after_s is not None for member in members):
            found[str(status)]["headers"] = headers_of("Retry-After")
    return found


def query(name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    return {"name": name, "in": "query", "description": description, "required": required, "schema": schema}


def in_path(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "description": description, "required": True, "schema": schema}


SESSION_ID = in_path("session_id", "the session", {"type": "string", "minLength": 1})
CURSOR = query(
    "cursor",
    "a cursor of the client's own; default: the one named `default`",
    {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR_CHARS, "pattern": NO_CONTROLS},
)
RECORDER = errors.RecorderUnavailable
REPLAYER = errors.ReplayerUnavailable
CURSOR_STATE = object_of(
    cursor=TEXT,
    session_id=or_null(TEXT),
    status=TEXT,
    position=WHOLE,
    total_generations=WHOLE,
    speed=or_null(NUMBER),
    loop=TRUTH,
)
SUMMARY = object_of(id=TEXT, created_at=NUMBER, frames=or_null(WHOLE), bytes=WHOLE, active=TRUTH)
ENTRY = object_of(
    index=WHOLE, filename=TEXT, target_sector=TEXT, focus_sector=or_null(TEXT), prompt=TEXT, timestamp=NUMBER
)


def operation(
    summary: str, answers: Json, *failures: type[ParafoveaError], parameters: tuple[Json, ...] = (), **more: Any
) -> Json:
    found: Json = {"summary": summary, "responses": {**answers, **failures_of(*failures)}, **more}
    if parameters:
        found["parameters"] = list(parameters)
    return found
