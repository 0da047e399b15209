"""What the stand-ins say: messages of the bus written out by hand, as ``docs/bus.md`` has them."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.golden.pictures import png
from tests.golden.raw_json import Number

REVISION = "ab" * 32
EPOCH = "00000000000000e1"
CREATED_AT = Number("1800000000.125")
MODEL = {"id": "golden/stand-in", "revision": REVISION, "kind": "edit", "pipeline": "P", "scheduler": "S"}


def number(value: float) -> Number:
    return Number(repr(value))


def status(**changes: Any) -> dict[str, Any]:
    """The generator's heartbeat."""
    return {
        "type": "status",
        "epoch": EPOCH,
        "state": "ready",
        "detail": None,
        "last_seq": number(-1),
        "sessions": [],
        "making": {},
        "queue": number(0),
        "background": number(0),
        "waiting": [],
        "running": None,
        "backlog_bytes": number(0),
        "backlog_limit_bytes": number(1000),
        "model": MODEL,
        "device": "cpu",
        "dtype": "float32",
        **changes,
    }


def frame(
    seq: int, source: bytes, *, session_id: str | None = "golden", **changes: Any
) -> tuple[dict[str, Any], bytes]:
    """A frame's fields and its PNG."""
    fields: dict[str, Any] = {
        "frame_id": f"{EPOCH}-{seq}",
        "epoch": EPOCH,
        "seq": number(seq),
        "session_id": session_id,
        "session_created_at": CREATED_AT if session_id else None,
        "record_seq": number(seq) if session_id else None,
        "request_id": f"{seq:032x}",
        "client_id": None,
        "target_sector": "BR",
        "focus_sector": "TL",
        "focus_x": None,
        "focus_y": None,
        "grid_size": number(3),
        "region": [number(each) for each in (42, 42, 64, 64)],
        "prompt": f"a red rose\n{seq}",
        "negative_prompt": None,
        "seed": number(7 + seq),
        "steps": number(1),
        "guidance_scale": number(2.5),
        "strength": None,
        "requested": {"steps": number(1)},
        "origin": None,
        "width": number(64),
        "height": number(64),
        "input_sha256": hashlib.sha256(source).hexdigest(),
        "input_format": "png",
        "model": MODEL,
        "device": "cpu",
        "dtype": "float32",
        "versions": {"golden": "1"},
        "environment": {},
        "notes": {"object": "rose", "fallback": "left out: 'ü'"},
        "queued_ms": number(0.5),
        "generation_ms": number(12.0),
        "timestamp": number(1800000001.5 + seq),
        **changes,
    }
    data = png(value=10 + seq, text={key: value for key, value in fields.items() if not isinstance(value, Number)})
    return {**fields, "sha256": hashlib.sha256(data).hexdigest()}, data


def recorder_status(**changes: Any) -> dict[str, Any]:
    """The recorder's answer to ``status``."""
    return {
        "epoch": "00000000000000e2",
        "active": None,
        "stopped": None,
        "sessions": [],
        "free_bytes": number(10**12),
        "error": None,
        "lost": {},
        "recorded": [],
        **changes,
    }


def cursor(**changes: Any) -> dict[str, Any]:
    """Where a cursor of the replayer stands."""
    return {
        "cursor": "default",
        "state": "replaying",
        "session_id": "golden",
        "position": number(0),
        "total": number(2),
        "speed": None,
        "loop": False,
        **changes,
    }


def rerun(**changes: Any) -> dict[str, Any]:
    """How a re-run stands."""
    return {
        "session_id": "again",
        "parent": "golden",
        "state": "complete",
        "done": number(2),
        "total": number(2),
        "skipped": [{"index": number(1), "reason": "its input is gone"}],
        "reason": None,
        "changed": {"seed_offset": number(1)},
        **changes,
    }


def refusal(code: str) -> dict[str, Any]:
    """An error of the bus."""
    return {"code": code, "detail": f"because of {code}", "fields": {"prompt": "why"} if "invalid" in code else None}


CODES = (
    "cancelled",
    "forbidden",
    "generation_failed",
    "generation_timeout",
    "generator_loading",
    "generator_unavailable",
    "internal_error",
    "invalid_request",
    "malformed_message",
    "queue_full",
    "recording_backlog_full",
    "superseded",
    "too_many_requests",
    "unknown_type",
    "unreadable_image",
    "unsupported_version",
    "a_word_of_a_newer_version",
)
RECORDER_CODES = (
    "insufficient_storage",
    "invalid_session_id",
    "recorder_unavailable",
    "session_busy",
    "session_exists",
)
REPLAYER_CODES = ("frame_corrupt", "frame_missing", "not_replaying", "session_damaged", "session_not_found")
