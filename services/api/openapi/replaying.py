"""Replay: put a cursor on a session, step, play."""

from __future__ import annotations

from services.api.openapi.parts import (
    CURSOR,
    CURSOR_STATE,
    REPLAYER,
    SESSION_ID,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    headers_of,
    json_of,
    object_of,
    operation,
    png_of,
    query,
)
from shared import errors
from shared.fields import MAX_SPEED, MIN_SPEED


def replay() -> Json:
    headers = headers_of(
        *("X-Sector", "X-Prompt", "X-Prompt-Encoding", "X-Prompt-Truncated", "X-Index", "X-Session"),
        *("X-Focus-Sector", "X-Seed", "X-Frame-Id", "X-Object", "X-Object-Encoding", "X-Object-Truncated"),
        *("X-Fallback", "X-Fallback-Encoding", "X-Fallback-Truncated", "Cache-Control"),
    )
    shown = png_of("The frame; or JSON, at the end.", headers)
    complete = object_of(status={"const": "complete"}, image={"type": "null"})
    shown["content"]["application/json"] = {"schema": complete}
    step_failures = (
        *(errors.InvalidRequest, errors.NotReplaying, errors.FrameMissing, errors.FrameCorrupt),
        *(errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
    )
    state = {"200": json_of("Where the cursor is.", CURSOR_STATE)}
    return {
        "/session/replay/{session_id}": {
            "post": operation(
                "Put a cursor before the first frame of a session",
                {
                    "200": json_of(
                        "Replaying.", object_of(session_id=TEXT, status={"const": "replaying"}, total_generations=WHOLE)
                    )
                },
                *(errors.InvalidRequest, errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
                parameters=(SESSION_ID, CURSOR),
            )
        },
        "/session/replay/next": {
            "get": operation("The next frame", {"200": shown}, *step_failures, parameters=(CURSOR,))
        },
        "/session/replay/previous": {
            "get": operation("The frame before", {"200": shown}, *step_failures, parameters=(CURSOR,))
        },
        "/session/replay/seek": {
            "post": operation(
                "Go to a frame: `next` gives it",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
                parameters=(
                    query("index", "of the frame", {"type": "integer", "minimum": 0}, required=True),
                    CURSOR,
                ),
            )
        },
        "/session/replay/play": {
            "post": operation(
                "Show the session's frames on the bus at their recorded times, from the cursor's place on",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
                parameters=(
                    query(
                        "speed",
                        "recorded seconds in a second; default: as before, 1 at first",
                        {"type": "number", "minimum": MIN_SPEED, "maximum": MAX_SPEED},
                    ),
                    query("loop", "begin again behind the last frame; default: as before, false at first", TRUTH),
                    CURSOR,
                ),
            )
        },
        "/session/replay/pause": {
            "post": operation(
                "Stand still; `play` goes on from there",
                state,
                *(errors.InvalidRequest, errors.NotReplaying, errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
                parameters=(CURSOR,),
            )
        },
        "/session/replay/status": {
            "get": operation(
                "Where a cursor is",
                state,
                *(errors.InvalidRequest, errors.SessionNotFound, errors.SessionDamaged, REPLAYER),
                parameters=(CURSOR,),
            )
        },
        "/session/replay/stop": {
            "post": operation(
                "Take a cursor off its session",
                {"200": json_of("Stopped.", object_of(status={"const": "stopped"}))},
                *(errors.InvalidRequest, REPLAYER),
                parameters=(CURSOR,),
            )
        },
    }
