"""JSON Schemas of what others read and write: bus headers, and ``metadata.json``. Made from the types, never by hand.

``python -m cli.schemas FOLDER`` writes them, a file each. ``docs/schema/`` has them; a test holds it to the code.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.bus.call import Call
from shared.bus.message import Envelope
from shared.bus.messages import PUBLISHED
from shared.bus.requests import displays, gaze, generator, preparing, recorder, replayer
from shared.errors import BY_CODE
from shared.frame import Frame
from shared.session.format.layout import FRAME_PATTERN, MAX_INDEX
from shared.session.format.metadata import FORMAT, OF_THE_HEAD

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def calls() -> list[Call[Any, Any]]:
    """Every kind of request, by channel."""
    modules = (generator, preparing, recorder, replayer, gaze, displays)
    return [value for module in modules for value in vars(module).values() if isinstance(value, Call)]


def schemas() -> dict[str, Schema]:
    """Every schema, by the name of its file."""
    found = {f"bus/{name}": _header(cls, name) for name, cls in PUBLISHED.items()}
    for call in calls():
        found[f"bus/{call.channel}.{call.name}"] = _header(call.asked, call.name)
        found[f"bus/{call.channel}.{call.name}.ok"] = _header(call.answer, f"{call.name}.ok")
    found["bus/error"] = error()
    found["entry"] = entry()
    found["metadata"] = metadata()
    return {f"{name}.json": {"$schema": DIALECT, **schema} for name, schema in found.items()}


def entry() -> Schema:
    """One frame in ``metadata.json``: what is known of a frame, and where its files are. All but index and file may be
    null or absent, since another hand may have written it."""
    schema = _of(Frame)
    known = {name: value for name, value in schema["properties"].items() if name not in OF_THE_HEAD}
    own: Schema = {
        "index": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_INDEX,
            "description": "Position in the order of recording, from 0; also in the file's name.",
        },
        "filename": {"type": "string", "pattern": FRAME_PATTERN},
        "input_file": {
            "type": "string",
            "description": "Where the input's bytes lie in the session: under inputs/, or an earlier frame.",
        },
    }
    optional = {name: _or_null(value) for name, value in {**known, "input_file": own.pop("input_file")}.items()}
    return {
        **schema,
        "title": "Entry",
        "description": inspect.cleandoc(entry.__doc__ or ""),
        "properties": {**own, **optional},
        "required": ["index", "filename"],
        "additionalProperties": True,
    }


def metadata() -> Schema:
    """A session's ``metadata.json``. Keys that are not named here stay as they are."""
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "title": "Metadata",
        "description": inspect.cleandoc(metadata.__doc__ or ""),
        "type": "object",
        "properties": {
            "session_id": {"type": "string"},
            "created_at": {"type": "number", "description": "Unix seconds."},
            "format": {"const": FORMAT},
            "sequence": {"type": "array", "items": {"$ref": "entry.json"}},
            "open": {"type": "boolean", "description": "It is being recorded, or its recorder died."},
            "open_as": {"type": "string", "description": "Name of its folder when it was opened, where that differed."},
            "interrupted": {"type": "boolean", "description": "Its recorder died once while it was open."},
            "lost": {**texts, "description": "Ids of frames that were made and never reached the disk."},
            "missing": {**texts, "description": "Files of entries that were gone at the last repair."},
        },
        "required": ["session_id", "created_at", "format", "sequence"],
        "additionalProperties": True,
    }


def error() -> Schema:
    """The answer to a request that could not be done; ``fields`` says of each field of the request what is wrong."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    envelope = _of(Envelope)
    return {
        "title": "error",
        "description": inspect.cleandoc(error.__doc__ or ""),
        "type": "object",
        "properties": {
            "type": {"const": "error"},
            **envelope["properties"],
            "id": _or_null(
                {**envelope["properties"]["id"], "description": "Of the request; null of an unreadable one."}
            ),
            "code": {"enum": sorted(BY_CODE)},
            "detail": {"type": "string"},
            "fields": _or_null(texts),
        },
        "required": ["type", *envelope["properties"], "code", "detail"],
        "additionalProperties": True,
    }


def _header(cls: type[BaseModel], name: str) -> Schema:
    """A header of the bus: the envelope's keys and the message's own. Readers pass over keys they do not know."""
    own, envelope = _of(cls), _of(Envelope)
    return {
        **own,
        "title": name,
        "properties": {"type": {"const": name}, **envelope["properties"], **own.get("properties", {})},
        "required": ["type", *envelope["properties"], *own.get("required", [])],
        "additionalProperties": True,
    }


def _of(cls: type[BaseModel]) -> Schema:
    """A type's schema, with what its source says of each field."""
    schema = cls.model_json_schema()
    schema.pop("title", None)
    schema["description"] = inspect.cleandoc(cls.__doc__ or "")
    told = _told(cls)
    for name, value in schema.get("properties", {}).items():
        value.pop("title", None)
        value.pop("default", None)
        if name in told:
            value["description"] = told[name]
    return schema


def _or_null(schema: Mapping[str, Any]) -> Schema:
    told = {"description": schema["description"]} if "description" in schema else {}
    kinds = schema.get("anyOf") or [{key: value for key, value in schema.items() if key != "description"}]
    return {"anyOf": [*(kind for kind in kinds if kind != {"type": "null"}), {"type": "null"}], **told}


def _told(cls: type) -> dict[str, str]:
    """The texts below the fields of a class and of those that it is made of."""
    found: dict[str, str] = {}
    for part in reversed([each for each in cls.__mro__ if issubclass(each, BaseModel) and each is not BaseModel]):
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(node, ast.ClassDef)
        found |= _below(node.body)
    return found


def _below(body: Iterable[ast.stmt]) -> dict[str, str]:
    name: str | None = None
    found: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name is not None:
            found[name] = " ".join(str(node.value.value).split())
        name = node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else None
    return found


def write(folder: Path) -> None:
    """Write every schema below a folder, and remove what is none any more."""
    made = schemas()
    for path in folder.rglob("*.json"):
        if str(path.relative_to(folder)) not in made:
            path.unlink()
    for name, schema in made.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
