"""The OpenAPI 3.1 document, built from the request's model and the tables beside this file. A test holds it against the
routes."""

from __future__ import annotations

from functools import cache

from services.api.http.body import MAX_BODY_BYTES
from services.api.openapi.generating import generate
from services.api.openapi.page import page
from services.api.openapi.parts import TEXT, Json, object_of
from services.api.openapi.replaying import replay
from services.api.openapi.reproducing import archives, reproduction
from services.api.openapi.rest import rest
from services.api.openapi.sessions import sessions
from shared.version import VERSION

_INTRODUCTION = (
    "Changes the part of a picture that its viewer is not looking at, records every change, and replays it exactly. "
    f"A body has at most {MAX_BODY_BYTES // 1024 // 1024} MiB, an image 64 x 64 to 4096 x 4096 pixels. Every error is "
    'JSON: `{"error": code, "detail": what to do}`. Live events: connect a WebSocket to `/ws`; JSON text messages, '
    "and behind a `frame` or `replay.frame` message one binary message with its PNG."
)


@cache
def build(root_path: str = "") -> Json:
    """The document, of a server whose paths begin behind this prefix."""
    error = object_of(error=TEXT, detail=TEXT)
    error["properties"]["fields"] = {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "for `invalid_request`: what is wrong with which field",
    }
    servers: Json = {"servers": [{"url": root_path}]} if root_path else {}
    return {
        "openapi": "3.1.0",
        **servers,
        "info": {"title": "Parafovea", "version": VERSION, "description": _INTRODUCTION},
        "paths": {
            "/generate": {"post": generate()},
            **sessions(),
            **archives(),
            **replay(),
            **reproduction(),
            **rest(),
            **page(),
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
