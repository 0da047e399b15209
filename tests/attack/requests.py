"""Requests of the bus that fit, one of each type, and how they are spoiled."""

from __future__ import annotations

import json
from typing import Any

import orjson

from tests.attack import chance
from tests.attack.chance import Random
from tests.support.studio import flat_png

Fields = dict[str, Any]

FRAME: Fields = {"session_id": "fuzz_0", "epoch": "e", "record_seq": 0}
GENERATE: Fields = {
    "request_id": "r",
    "client_id": "c",
    "session": {"session_id": "fuzz_0", "created_at": 1736155234.5},
    "grid_size": 3,
    "target_sector": "BR",
    "focus_sector": "TL",
    "prompt": "x",
    "seed": 1,
    "timeout_ms": 2000.0,
}
TRIAL: Fields = {
    "view": "default",
    "policy": {"name": "random", "ask": "fixation", "dwell_ms": 0.0},
    "trigger": {"name": "at_once"},
    "prompts": {"default": ["x"], "sectors": {}},
    "catch_rate": 0.5,
    "fields": {"a": 1},
    "record": False,
    "replace": True,
}
FITTING: dict[tuple[str, str], Fields] = {
    ("generator", "generate"): GENERATE,
    ("generator", "cancel"): {"request_id": "r"},
    ("generator", "status"): {},
    ("generator", "pending"): {},
    ("generator", "fetch"): FRAME,
    ("generator", "input"): {"sha256": "0" * 64},
    ("generator", "ack"): {"frames": [FRAME]},
    ("generator", "vocabulary"): {},
    ("recorder", "status"): {"frames": [{**FRAME, "frame_id": "x"}]},
    ("recorder", "start"): {"session_id": "fuzz_0", "resume": True, "active": False, "extra": {}},
    ("recorder", "stop"): {"session_id": "fuzz_0"},
    ("recorder", "resume"): {"session_id": "fuzz_0", "created_at": 1736155234.5},
    ("recorder", "delete"): {"session_id": "fuzz_0"},
    ("recorder", "import"): {"staged": "x", "session_id": "fuzz_1"},
    ("recorder", "repair"): {"session_id": "fuzz_0"},
    ("replayer", "start"): {"cursor": "c", "session_id": "rec_0"},
    ("replayer", "next"): {"cursor": "c"},
    ("replayer", "previous"): {"cursor": "c"},
    ("replayer", "seek"): {"cursor": "c", "index": 0},
    ("replayer", "play"): {"cursor": "c", "speed": 100, "loop": False},
    ("replayer", "pause"): {"cursor": "c"},
    ("replayer", "stop"): {"cursor": "c"},
    ("replayer", "status"): {"cursor": "c"},
    ("replayer", "rerun"): {"session_id": "rec_0", "into": "fuzz_rerun", "seed_offset": 1},
    ("replayer", "rerun.status"): {"session_id": "fuzz_rerun"},
    ("replayer", "rerun.cancel"): {"session_id": "fuzz_rerun"},
    ("gaze-control", "status"): {},
    ("gaze-control", "source"): {"source": "simulated:1@1000"},
    ("gaze-control", "screen"): {"px": [1920, 1080], "m": [0.5, 0.3], "distance_m": 0.6},
    ("gaze-control", "trial"): {},
    ("gaze-control", "trial.begin"): TRIAL,
    ("gaze-control", "trial.end"): {"trial_id": None},
    ("gaze-control", "trial.response"): {"key": " ", "at": 1736155234.5},
    ("gaze-control", "picture"): {"sha256": "0" * 64},
    ("gaze-control", "view"): {"display": "d", "left": 0.1, "top": 0.1, "width": 0.5, "height": 0.5},
    ("gaze-control", "points"): {"source": "page", "display": "d", "points": [{"x": 0.1, "y": 0.2, "t": 1.5}]},
    ("gaze-control", "ready"): {"display": "d", "trial_id": "t", "frame": "12"},
    ("gaze-control", "displayed"): {"display": "d", "trial_id": "t", "swap": "12/1", "drawn_ms": 5.0},
    ("gaze-control", "missed"): {"display": "d", "trial_id": "t", "swap": "12/1", "reason": "late"},
    ("gaze-control", "key"): {"key": " ", "display": "d", "at_ms": 5.0},
    ("gaze-control", "ping"): {"display": "d", "sent_ms": 5.0},
    ("gaze-control", "clock"): {"display": "d", "sent_ms": 1.0, "received_ns": 5, "answered_ns": 6, "returned_ms": 2.0},
    ("gaze-control", "gone"): {"display": "d", "reason": "x"},
    ("gaze-control", "fetch"): {"trial_id": "t", "from_n": 0, "limit_bytes": 1000},
    ("gaze-control", "ack"): {"trial_id": "t", "next_n": 5, "proof": "x"},
}
ASKED = sorted(FITTING)
PICTURE = flat_png(64, 64)
STEERING = (("recorder", "start"), ("recorder", "stop"), ("recorder", "resume"))
"""Left as they are but for the session, these would end an honest client's recording, as their sender may."""
ENVELOPE = ("v", "type", "id")


def spoiled(draw: Random, channel: str, message_type: str, message_id: str, victim: str) -> tuple[bytes, list[bytes]]:
    """Header and payloads of a request with something wrong, or nothing."""
    fields: Fields = {"v": 1, "type": message_type, "id": message_id, **FITTING[channel, message_type]}
    raw: dict[str, str] = {}
    names = [name for name in fields if name not in ENVELOPE]
    kind = draw.randrange(12)
    if kind < 6 and names:
        for name in draw.sample(names, min(len(names), draw.choice((1, 1, 2)))):
            raw[name] = _value(draw, name, fields[name], victim)
    elif kind == 6 and names:
        del fields[draw.choice(names)]
    elif kind == 7:
        raw[draw.choice(ENVELOPE)] = chance.json_value(draw) or "x"
    elif kind == 8:
        raw |= {json.dumps(chance.text(draw)): chance.json_value(draw) for _ in range(draw.choice((1, 30, 1000)))}
    elif kind == 9:
        fields["type"] = draw.choice((chance.text(draw), message_type.upper(), message_type + ".ok", "error", ""))
    if (channel, message_type) in STEERING and not raw.get("session_id", "").startswith('"'):
        fields["session_id"] = chance.own_session(draw)
        raw.pop("session_id", None)
        if message_type == "start" and draw.random() < 0.99:
            fields["active"] = False
            raw.pop("active", None)
    if message_type == "resume" and draw.random() < 0.9:
        fields["session_id"] = ""
    header = chance.encoded(chance.json_object(fields, raw))
    if kind == 10:
        header = chance.mutated(draw, header, (b'"', b"{", b"[", b"\\ud800", b"\0", b"1e999"))
    return header, _payloads(draw, message_type)


def _value(draw: Random, name: str, fitting: object, victim: str) -> str:
    if name in ("session_id", "into", "staged") and draw.random() < 0.7:
        return json.dumps(chance.session_id(draw, victim))
    if isinstance(fitting, dict) and draw.random() < 0.6:
        inner = draw.choice([*fitting, "more"])
        return chance.json_object(fitting, {inner: _value(draw, inner, None, victim)})
    if isinstance(fitting, list) and draw.random() < 0.6:
        one = json.dumps(fitting[0]) if draw.random() < 0.5 else _value(draw, name, fitting[0], victim)
        return "[" + ",".join([one] * draw.choice((1, 2, 300))) + "]"
    return draw.choice((chance.json_value(draw), chance.number(draw), json.dumps(chance.text(draw)))) or "x"


def _payloads(draw: Random, message_type: str) -> list[bytes]:
    kind = draw.randrange(20)
    if message_type in ("generate", "trial.begin") and kind < 14:
        return [PICTURE if kind < 7 else chance.mutated(draw, PICTURE)]
    if kind == 14:
        return [b""] * draw.choice((1, 50, 1000))
    if kind == 15:
        return [draw.randbytes(draw.choice((1, 100, 100_000)))] * draw.choice((1, 3))
    return []


def proof(channel: str, message_id: str) -> bytes:
    """A request that any process answers at once: all that was sent before it has been taken in by then."""
    body: Fields = {"cursor": "proof"} if channel == "replayer" else {}
    return orjson.dumps({"v": 1, "type": "status", "id": message_id, **body})
