"""The page at ``/``, and what it lives on."""

from __future__ import annotations

from services.api.openapi.parts import (
    ENTRY,
    NUMBER,
    SESSION_ID,
    TEXT,
    WHOLE,
    Json,
    array_of,
    headers_of,
    in_path,
    json_of,
    object_of,
    operation,
    or_null,
    query,
)
from shared import errors

DAMAGED = (
    "An entry that cannot be understood says why, with the place, under `damaged`, and what the name of its file "
    "tells; so does the answer, where the rest of the metadata cannot be."
)


def page() -> Json:
    """What the page is made of and lives on."""
    html = {"description": "A page for people.", "content": {"text/html": {"schema": TEXT}}}
    anything = {"description": "The file.", "content": {"*/*": {"schema": {}}}}
    webp: Json = {"description": "At most 320 pixels on a side.", "content": {"image/webp": {"schema": {}}}}
    webp["headers"] = headers_of("ETag", "Cache-Control")
    picture = {
        "description": "The file.",
        "content": {f"image/{kind}": {"schema": {}} for kind in ("png", "jpeg", "webp")},
    }
    known = {"304": {"description": "The client has it already (`If-None-Match`)."}}
    samples = json_of("To begin with.", object_of(samples=array_of(object_of(name=TEXT, file=TEXT, title=TEXT))))
    entries = object_of(
        session_id=TEXT, created_at=or_null(NUMBER), total=WHOLE, entries=array_of(ENTRY), **{"from": WHOLE}
    )
    of_frame = (SESSION_ID, in_path("index", "of its entry", {"type": "integer", "minimum": 0}))
    no_frame = (
        errors.SessionNotFound,
        errors.NotFound,
        errors.FrameMissing,
        errors.InvalidRequest,
        errors.SessionDamaged,
    )
    whole = {"type": "integer", "minimum": 0}
    file_name = in_path("name", "of the file, as `/samples` tells it", TEXT)
    return {
        "/": {"get": operation("The page", {"200": html, **known})},
        "/web/{path}": {
            "get": operation(
                "A file of the page",
                {"200": anything, **known},
                errors.NotFound,
                parameters=(in_path("path", "below `/web/`", TEXT),),
            )
        },
        "/samples": {"get": operation("The photographs to begin with", {"200": samples})},
        "/samples/{name}": {
            "get": operation("One photograph", {"200": anything, **known}, errors.NotFound, parameters=(file_name,))
        },
        "/samples/{name}/thumbnail": {
            "get": operation(
                "A photograph, small",
                {"200": webp, **known},
                *(errors.NotFound, errors.FrameMissing, errors.FrameCorrupt),
                parameters=(file_name,),
            )
        },
        "/session/{session_id}/entries": {
            "get": operation(
                "Some entries of a session, by their position",
                {"200": json_of(f"At most 500, and how many there are in all. {DAMAGED}", entries)},
                *(errors.SessionNotFound, errors.InvalidRequest, errors.SessionDamaged),
                parameters=(
                    SESSION_ID,
                    query("from", "position of the first, from 0 (default)", whole),
                    query("count", "how many; default and limit: 500", whole),
                ),
            )
        },
        "/session/{session_id}/frames/{index}/input": {
            "get": operation("What a frame was made from", {"200": picture}, *no_frame, parameters=of_frame)
        },
        "/session/{session_id}/frames/{index}/thumbnail": {
            "get": operation(
                "A frame, small", {"200": webp, **known}, *no_frame, errors.FrameCorrupt, parameters=of_frame
            )
        },
    }
