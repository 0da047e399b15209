"""``POST /generate``."""

from __future__ import annotations

from services.api.edge.pace import RequestTimeout
from services.api.edge.uploads import ServerBusy
from services.api.http.schemas import GenerateRequest
from services.api.openapi.parts import ALWAYS, RECORDER, Json, headers_of, operation, png_of
from shared import errors


def _fields() -> Json:
    schema = GenerateRequest.model_json_schema()
    properties: Json = schema["properties"]
    for described in properties.values():
        described.pop("title", None)
        described.pop("default", None)
    return properties


def generate() -> Json:
    image = {"type": "string", "description": "PNG, JPEG or WebP; plain base64, or a data URL"}
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "PNG, JPEG or WebP"}
    as_json = {
        "type": "object",
        "properties": {"image_base64": image, **_fields()},
        "required": ["image_base64"],
        "additionalProperties": False,
    }
    as_form = {**as_json, "properties": {"image": file, **_fields()}, "required": ["image"]}
    headers = headers_of(
        *ALWAYS,
        *("X-Prompt-Encoding", "X-Prompt-Truncated", "X-Focus-Sector", "X-Session"),
        *("X-Object", "X-Object-Encoding", "X-Object-Truncated"),
        *("X-Fallback", "X-Fallback-Encoding", "X-Fallback-Truncated", "Cache-Control"),
        required=ALWAYS,
    )
    return operation(
        "Change one sector of an image",
        {"200": png_of("The whole image; outside the target sector every pixel is the input's.", headers)},
        *(errors.InvalidJson, errors.PayloadTooLarge, errors.UnsupportedMediaType),
        *(errors.InvalidRequest, errors.UnreadableImage, errors.SessionNotActive, errors.Superseded),
        *(errors.Cancelled, errors.QueueFull, errors.GeneratorLoading, errors.GeneratorUnavailable, RECORDER),
        *(errors.RecordingBacklogFull, errors.GenerationFailed, errors.GenerationTimeout, errors.InsufficientStorage),
        *(RequestTimeout, ServerBusy),
        requestBody={
            "required": True,
            "content": {"application/json": {"schema": as_json}, "multipart/form-data": {"schema": as_form}},
        },
    )
