"""Archives, comparison and re-runs."""

from __future__ import annotations

from services.api.edge.pace import RequestTimeout
from services.api.edge.uploads import ServerBusy
from services.api.openapi.parts import (
    NUMBER,
    RECORDER,
    REPLAYER,
    SESSION_ID,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    array_of,
    json_of,
    object_of,
    operation,
    or_null,
    query,
)
from services.api.routes.compare import MAX_PAIRS
from services.api.routes.reruns import RerunBody
from shared import errors


def archives() -> Json:
    archive = {"description": "A tar archive, compressed with gzip.", "content": {"application/gzip": {"schema": {}}}}
    imported = object_of(
        session_id=TEXT,
        status={"const": "imported"},
        frames=WHOLE,
        bytes=WHOLE,
        renamed_from=or_null(TEXT),
    )
    return {
        "/session/{session_id}/export": {
            "get": operation(
                "A session as one archive, as far as it is recorded at this moment",
                {"200": archive},
                *(errors.SessionNotFound, errors.FrameMissing, errors.SessionDamaged),
                parameters=(SESSION_ID,),
            )
        },
        "/session/import": {
            "post": operation(
                "Take a session in: an export, or a tar of a session's folder. Of one that is refused nothing stays",
                {"200": json_of("It is there.", imported)},
                *(errors.InvalidArchive, errors.InvalidSessionId, errors.SessionExists, errors.InvalidRequest),
                *(
                    errors.PayloadTooLarge,
                    RequestTimeout,
                    ServerBusy,
                    errors.UnsupportedMediaType,
                    errors.InsufficientStorage,
                    RECORDER,
                ),
                errors.GeneratorUnavailable,
                parameters=(query("session_id", "the id it is to have; default: the one it has", TEXT),),
                requestBody={
                    "required": True,
                    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
                },
            )
        },
    }


def reproduction() -> Json:
    figures = {
        f"{part}{name}": or_null(schema)
        for part in ("", "sector_")
        for name, schema in (("differing_pixels", WHOLE), ("psnr_db", NUMBER), ("ssim", NUMBER))
    }
    pair = object_of(index=WHOLE, identical=or_null(TRUTH), problem=or_null(TEXT), **figures)
    compared = object_of(
        a=TEXT,
        b=TEXT,
        status={"enum": ["complete", "running"]},
        first=WHOLE,
        total=or_null(WHOLE),
        summary=or_null({"type": "object"}),
        frames=array_of(pair),
    )
    states = ("queued", "running", "waiting", "complete", "cancelled", "failed", "interrupted")
    state = object_of(
        session_id=TEXT,
        parent=TEXT,
        status={"enum": list(states)},
        done=WHOLE,
        total=WHOLE,
        skipped=array_of(object_of(index=WHOLE, reason=TEXT)),
        reason=or_null(TEXT),
        changed={"type": "object"},
    )
    asked = RerunBody.model_json_schema()
    for described in asked["properties"].values():
        described.pop("title", None)
    unknown = (errors.SessionNotFound, errors.SessionDamaged, errors.NotFound, REPLAYER)
    return {
        "/session/compare": {
            "get": operation(
                "Two sessions frame by frame: PSNR and SSIM, over the picture and inside the target sector",
                {
                    "200": json_of("All figures.", compared),
                    "202": json_of("Those that are worked out so far; ask again.", compared),
                },
                *(errors.SessionNotFound, errors.SessionDamaged, errors.InvalidRequest),
                parameters=(
                    query("a", "a session", {"type": "string", "minLength": 1}, required=True),
                    query("b", "another", {"type": "string", "minLength": 1}, required=True),
                    query("first", "begin at this pair", {"type": "integer", "minimum": 0}),
                    query("count", "how many pairs", {"type": "integer", "minimum": 1, "maximum": MAX_PAIRS}),
                ),
            )
        },
        "/session/{session_id}/rerun": {
            "post": operation(
                "Make a session again with something changed, into a new session",
                {"202": json_of("It is begun.", state)},
                *(errors.InvalidJson, errors.InvalidRequest, errors.SessionNotFound, errors.SessionExists),
                *(
                    errors.InvalidSessionId,
                    errors.SessionBusy,
                    errors.PayloadTooLarge,
                    RequestTimeout,
                    errors.InsufficientStorage,
                ),
                *(errors.SessionDamaged, errors.GeneratorUnavailable, errors.GeneratorLoading, RECORDER, REPLAYER),
                RequestTimeout,
                parameters=(SESSION_ID,),
                requestBody={"required": True, "content": {"application/json": {"schema": asked}}},
            ),
            "get": operation(
                "How the re-run into this session stands",
                {"200": json_of("Its state.", state)},
                *unknown,
                parameters=(SESSION_ID,),
            ),
            "delete": operation(
                "Give the re-run into this session up; it can be resumed",
                {"200": json_of("Its state.", state)},
                *unknown,
                parameters=(SESSION_ID,),
            ),
        },
    }
