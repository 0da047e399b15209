"""Prompts, health, and this document."""

from __future__ import annotations

from services.api.openapi.parts import (
    RECORDER,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    array_of,
    headers_of,
    json_of,
    object_of,
    operation,
    or_null,
    query,
)
from shared import errors


def rest() -> Json:
    ready_failures = (
        *(errors.QueueFull, errors.GeneratorLoading, errors.GeneratorUnavailable, RECORDER),
        *(errors.RecordingBacklogFull, errors.InsufficientStorage),
    )
    lists = {"type": "object", "additionalProperties": array_of(TEXT)}
    prompts = object_of(
        default=array_of(TEXT),
        sectors=lists,
        next={"type": "object", "additionalProperties": WHOLE},
        error=or_null(TEXT),
    )
    health = object_of(
        status={"enum": ["ok", "starting", "degraded"]},
        version=TEXT,
        reasons=array_of(TEXT),
        processes={"type": "object", "additionalProperties": {"type": "object"}},
    )
    known = object_of(
        name=TEXT,
        plural=TEXT,
        synonyms=array_of(TEXT),
        nearest=array_of(TEXT),
        colours=array_of(TEXT),
        place={"enum": ["sky", "ground", "any"]},
        styles=array_of(TEXT),
    )
    vocabulary = object_of(
        detail=TEXT,
        model={"type": "object"},
        objects=or_null(array_of(known)),
        colours=lists,
        sizes=lists,
        numbers={"type": "object", "additionalProperties": WHOLE},
        most=or_null(WHOLE),
        styles=array_of(TEXT),
        fallback=or_null(TEXT),
    )
    page = {"description": "A page for people.", "content": {"text/html": {"schema": TEXT}}}
    return {
        "/vocabulary": {
            "get": operation(
                "What the model can be asked for",
                {"200": json_of("Its objects; `null` for a model that takes any text.", vocabulary)},
                *(errors.GeneratorLoading, errors.GeneratorUnavailable),
            )
        },
        "/prompts": {"get": operation("The sector prompts", {"200": json_of("The lists in use.", prompts)})},
        "/reset": {
            "post": operation(
                "Read the sector prompts anew, and begin each list at its first",
                {"200": json_of("Done.", object_of(status={"const": "reset"}))},
            )
        },
        "/health": {
            "get": operation("How everything is; always 200", {"200": json_of("Each process's state.", health)})
        },
        "/ready": {
            "get": operation(
                "Whether a `/generate` would be accepted",
                {"200": json_of("It would.", object_of(status={"const": "ready"}))},
                *ready_failures,
            )
        },
        "/ws": {
            "get": _websocket(
                "What passes on the bus, as it passes, over a WebSocket",
                query("frames", "false: without pictures; default: true", TRUTH),
            )
        },
        "/gaze": {
            "get": _websocket(
                "Points of a gaze, from whoever sends them to all who listen, over a WebSocket",
                query("listen", "whether to be sent points; default: true until a message is sent", TRUTH),
            )
        },
        "/openapi.json": {"get": operation("This document", {"200": json_of("OpenAPI 3.1.", {"type": "object"})})},
        "/docs": {"get": operation("This document, to read", {"200": page})},
    }


def _websocket(summary: str, parameter: Json) -> Json:
    described = operation(
        summary,
        {"101": {"description": "From here on it is a WebSocket."}},
        errors.UpgradeRequired,
        parameters=(parameter,),
    )
    described["responses"]["426"]["headers"] = headers_of("Upgrade", required=("Upgrade",))
    return described
