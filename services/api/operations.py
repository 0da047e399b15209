"""The table of all operations, each declared above its handler in ``routes/``, and the OpenAPI 3.1 document of it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from services.api.http.body import MAX_BODY_BYTES
from services.api.http.headers import HEADERS
from services.api.http.operation import WEBSOCKET, Answer, Asked, Operation
from services.api.routes import (
    archives,
    compare,
    docs_page,
    entries,
    generate,
    health,
    model,
    page,
    prepare,
    prompts,
    replay,
    reruns,
    session_trials,
    sessions,
    trial,
    websockets,
)
from shared import errors
from shared.errors import ParafoveaError
from shared.version import VERSION

_MODULES = (
    *(generate, prepare, trial, sessions, session_trials, archives, replay, compare, reruns),
    *(model, prompts, health, websockets, docs_page, page, entries),
)
"""In the order of the document."""

OPERATIONS = {
    (each.method, each.path): each
    for module in _MODULES
    for each in vars(module).values()
    if isinstance(each, Operation)
}

CHANGING_READS = frozenset(each.path for each in OPERATIONS.values() if each.method == "GET" and each.changes)
"""Paths, none with parameters, whose GET changes something."""

Json = dict[str, Any]

_INTRODUCTION = (
    "Changes the part of a picture that its viewer is not looking at, records every change, and replays it exactly. "
    f"A body has at most {MAX_BODY_BYTES // 1024 // 1024} MiB, an image 64 x 64 to 4096 x 4096 pixels. Every error is "
    'JSON: `{"error": code, "detail": what to do}`. Live events: connect a WebSocket to `/ws`; JSON text messages, '
    "and behind a `frame` or `replay.frame` message one binary message with its PNG."
)
_ERROR: Json = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "for `invalid_request`: what is wrong with which field",
        },
    },
    "required": ["error", "detail"],
}
_TOKEN = {"type": "http", "scheme": "bearer", "description": "Needed where the server's PARAFOVEA_API_TOKEN is set."}
_EVERYWHERE = (errors.Unauthorized, errors.Forbidden, errors.InvalidRequest, errors.InternalError)


def build(root_path: str = "") -> Json:
    """The document, for a server whose paths begin behind a prefix."""
    paths: Json = {}
    for operation in OPERATIONS.values():
        if operation.method != WEBSOCKET:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    servers: Json = {"servers": [{"url": root_path}]} if root_path else {}
    return {
        "openapi": "3.1.0",
        **servers,
        "info": {"title": "Parafovea", "version": VERSION, "description": _INTRODUCTION},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}, "securitySchemes": {"token": _TOKEN}},
        "security": [{}, {"token": []}],
    }


def _described(operation: Operation) -> Json:
    answers = {str(answer.status): _answer(answer) for answer in operation.answers}
    found: Json = {"summary": operation.summary, "responses": {**answers, **_failures(operation.errors)}}
    if named := _parameters(operation.asked, operation.path):
        found["parameters"] = named
    if operation.bodies:
        content = {media_type: {"schema": _body(kind)} for media_type, kind in operation.bodies.items()}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _parameters(asked: type[Asked], path: str) -> list[Json]:
    schema = asked.model_json_schema()
    for described in schema["properties"].values():
        described.pop("default", None)  # its description says it
    return [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in path else "query",
            "description": described.pop("description"),
            "required": name in schema.get("required", ()),
            "schema": _plain(next(iter(described.get("anyOf", [described]))), {}),  # null: it is not given
        }
        for name, described in schema["properties"].items()
    ]


def _answer(answer: Answer) -> Json:
    found: Json = {"description": answer.description}
    if answer.content:
        found["content"] = {
            media_type: {"schema": {} if kind is None else _json(kind)} for media_type, kind in answer.content.items()
        }
    if answer.headers:
        found["headers"] = _headers(answer.headers, answer.always)
    return found


def _json(kind: Any) -> Any:
    made = TypeAdapter(kind).json_schema()
    return _plain(made, made.pop("$defs", {}), is_answer=True)


def _headers(names: tuple[str, ...], always: tuple[str, ...] = ()) -> Json:
    return {
        name: {"description": HEADERS[name][0], "schema": HEADERS[name][1], "required": name in always}
        for name in names
    }


def _failures(kinds: tuple[type[ParafoveaError], ...]) -> Json:
    """One answer a status, with all its error codes."""
    by_status: dict[int, list[type[ParafoveaError]]] = {}
    for kind in dict.fromkeys(kinds + _EVERYWHERE):
        by_status.setdefault(kind.status, []).append(kind)
    found: Json = {}
    for status, members in sorted(by_status.items()):
        codes = [member.code for member in members]
        schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"error": {"enum": codes}}}]}
        answer = {"description": " or ".join(f"`{code}`" for code in codes)}
        found[str(status)] = {**answer, "content": {"application/json": {"schema": schema}}}
        if any(member.retry_after_s is not None for member in members):
            found[str(status)]["headers"] = _headers(("Retry-After",))
        if errors.UpgradeRequired in members:
            found[str(status)]["headers"] = _headers(("Upgrade",), ("Upgrade",))
    return found


def _body(kind: type[BaseModel] | type[bytes]) -> Json:
    """The schema of a body, required fields first."""
    made = TypeAdapter(kind).json_schema()
    schema: Json = _plain(made, made.pop("$defs", {}))
    needed = schema.get("required", ())
    if "properties" in schema:
        schema["properties"] = dict(sorted(schema["properties"].items(), key=lambda item: item[0] not in needed))
    return schema


def _plain(node: Any, named: Json, *, is_answer: bool = False) -> Any:
    """A schema of pydantic's with references resolved, and without noise."""

    def plain(inner: Any) -> Any:
        return _plain(inner, named, is_answer=is_answer)

    if isinstance(node, list):
        return [plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return plain(named[node["$ref"].rpartition("/")[2]])
    found = {
        key: {name: plain(each) for name, each in value.items()} if key == "properties" else plain(value)
        for key, value in node.items()
        if key != "title" and (key, value) not in (("default", None), ("additionalProperties", True))
    }
    if "properties" in found:
        found.pop("description", None)  # of the class: for who reads the code
    if is_answer and ("const" in found or "enum" in found):
        found.pop("type", None)
    return found
