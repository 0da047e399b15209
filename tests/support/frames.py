"""Frames for tests that need no picture worth seeing: the smallest valid PNG with the text that ours carry."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import orjson

from shared.frame import Frame, FrameFields
from shared.png_chunks import PNG_SIGNATURE, chunk, text_chunks
from shared.session.format.metadata import PNG_KEYWORD
from shared.session.writing.frames import FrameToWrite

CREATED_AT = 1736155234.5
_FAKE_PIXELS = zlib.compress(b"\0\x80")


def tiny_png(fields: dict[str, Any] | None = None, padding_bytes: int = 0) -> bytes:
    """A grey PNG of one pixel, with ``fields`` in its text and any number of bytes in a private chunk."""
    text = text_chunks({PNG_KEYWORD: orjson.dumps(fields).decode()}) if fields is not None else b""
    padding = chunk(b"prVt", bytes(padding_bytes)) if padding_bytes else b""
    return (
        PNG_SIGNATURE
        + chunk(b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0")
        + text
        + padding
        + chunk(b"IDAT", _FAKE_PIXELS)
        + chunk(b"IEND", b"")
    )


def input_image(number: int = 0) -> bytes:
    """An input image of its own for each number."""
    return tiny_png({"input": number})


def frame_fields(
    number: int,
    *,
    session_id: str = "s",
    epoch: str = "epoch-a",
    record_seq: int | None = None,
    created_at: float = CREATED_AT,
    input_sha256: str | None = None,
    sector: str = "BR",
    **more: Any,
) -> dict[str, Any]:
    """The fields that a frame's text carries, complete enough for every reader of ours."""
    return {
        "frame_id": f"frame-{epoch}-{number}",
        "epoch": epoch,
        "seq": number,
        "session_id": session_id,
        "session_created_at": created_at,
        "record_seq": number if record_seq is None else record_seq,
        "request_id": f"request-{number}",
        "target_sector": sector,
        "focus_sector": "TL",
        "grid_size": 3,
        "region": [0, 0, 1, 1],
        "prompt": f"add a small ladybug\nnumber {number} \N{LADY BEETLE}",
        "seed": number,
        "steps": 4,
        "width": 1,
        "height": 1,
        "input_sha256": input_sha256 or hashlib.sha256(input_image()).hexdigest(),
        "input_format": "png",
        "model": {"id": "m", "revision": "1", "kind": "edit", "pipeline": "P", "scheduler": "S"},
        "device": "cpu",
        "dtype": "float32",
        "versions": {},
        "queued_ms": 0.0,
        "generation_ms": 1.0,
        "timestamp": created_at + number,
        **more,
    }


def pending_frame(number: int, *, input: bytes | None = None, padding_bytes: int = 0, **fields: Any) -> FrameToWrite:
    """A frame as the recorder gets it, its input beside it."""
    source = input_image() if input is None else input
    text = whole(frame_fields(number, **{"input_sha256": hashlib.sha256(source).hexdigest(), **fields}))
    png = tiny_png(text, padding_bytes)
    return FrameToWrite(frame_of(text, png), png, source)


def whole(fields: dict[str, Any]) -> dict[str, Any]:
    """All that a frame with these fields says in its PNG."""
    return FrameFields.model_validate(fields).flat()


def frame_of(fields: dict[str, Any], png: bytes) -> Frame:
    """A frame with these fields, and the hash of its picture."""
    return Frame.model_validate({**fields, "sha256": hashlib.sha256(png).hexdigest()})
