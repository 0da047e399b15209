"""Sessions: begin, end, list, read, remove."""

from __future__ import annotations

from services.api.openapi.parts import (
    ENTRY,
    NUMBER,
    RECORDER,
    SESSION_ID,
    SUMMARY,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    array_of,
    headers_of,
    in_path,
    json_of,
    object_of,
    operation,
    or_null,
    png_of,
    query,
)
from shared import errors


def sessions() -> Json:
    started = object_of(session_id=TEXT, status={"const": "recording"})
    stopped = object_of(session_id=TEXT, status={"const": "stopped"}, recorded=WHOLE, pending=WHOLE)
    metadata = object_of(session_id=TEXT, created_at=NUMBER, sequence=array_of(ENTRY))
    frame_headers = ("ETag", "Accept-Ranges", "Cache-Control")
    return {
        "/session/start": {
            "post": operation(
                "Begin a session; the active one ends",
                {"200": json_of("Recording.", started)},
                *(errors.InvalidRequest, errors.InvalidSessionId, errors.SessionExists, errors.SessionBusy),
                *(errors.SessionNotFound, errors.SessionDamaged, RECORDER, errors.InsufficientStorage),
                parameters=(
                    query("session_id", "its id; default: `session_<unix seconds>`", TEXT),
                    query("resume", "go on with a session that exists", TRUTH),
                ),
            )
        },
        "/session/stop": {
            "post": operation(
                "End the active session", {"200": json_of("Stopped.", stopped)}, errors.SessionNotActive, RECORDER
            )
        },
        "/session/status": {
            "get": operation(
                "The active session",
                {
                    "200": json_of(
                        "`session_id` is null where none is active; `stopped` is then the one stopped last.",
                        object_of(session_id=or_null(TEXT), recorded=WHOLE, pending=WHOLE),
                    )
                },
                RECORDER,
            )
        },
        "/session/list": {
            "get": operation(
                "All sessions, oldest first",
                {
                    "200": json_of(
                        "Ids, or with `details` objects.",
                        object_of(sessions={"anyOf": [array_of(TEXT), array_of(SUMMARY)]}),
                    )
                },
                errors.InvalidRequest,
                parameters=(query("details", "more than ids", TRUTH),),
            )
        },
        "/session/{session_id}": {
            "get": operation(
                "A session's metadata, complete up to the last acknowledged frame",
                {"200": json_of("`metadata.json`, as JSON that any parser reads: null for `NaN`.", metadata)},
                *(errors.SessionNotFound, errors.SessionDamaged),
                parameters=(SESSION_ID,),
            ),
            "delete": operation(
                "Remove a session",
                {"200": json_of("Removed.", object_of(session_id=TEXT, status={"const": "deleted"}))},
                *(errors.SessionNotFound, errors.SessionBusy, RECORDER),
                parameters=(SESSION_ID,),
            ),
        },
        "/session/{session_id}/frames/{index}": {
            "get": operation(
                "One recorded image",
                {
                    "200": png_of("The file.", headers_of(*frame_headers)),
                    "206": png_of("The range asked for.", headers_of(*frame_headers, "Content-Range")),
                    "304": {"description": "The client has it already (`If-None-Match`)."},
                },
                *(errors.SessionNotFound, errors.NotFound, errors.FrameMissing, errors.FrameCorrupt),
                *(errors.InvalidRequest, errors.SessionDamaged),
                parameters=(SESSION_ID, in_path("index", "of its entry", {"type": "integer", "minimum": 0})),
            )
        },
    }
