"""Values that no honest peer sends, by what a field is to hold; and every request with fields that are right."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.bus.envelope import encode_error
from shared.bus.rpc import Client, PeerGone
from shared.errors import ParafoveaError


def nested_value(levels: int) -> Any:
    """An array in an array in an array."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


MIB = 1024 * 1024
LONG = "x" * 2_000_000
_OTHER_KINDS: list[Any] = [True, [], {}, 1.5, ["a"], {"a": {"b": 1}}]
_NO_NUMBERS: list[Any] = [True, False, "1", "", [], {}, [1], "NaN", "1e400"]

BAD: dict[str, list[Any]] = {
    "session": [
        *("", ".", "..", "/tmp/x", "../x", "a/b", "a\\b", "..\\x", "C:x", ".spill", ".import", ".x", "x.", "-x", "~"),
        *("con", "NUL.txt", "lpt1", "list", "start", "a\nb", "a\r\nX-Evil: 1", "a\0b", "a b", "é", "\u202e", "x" * 129),
        *(LONG, 7, *_OTHER_KINDS),
    ],
    "name": ["", "a\nb", "a\0b", "\x1b[2J", "\u2028", LONG, 7, *_OTHER_KINDS],
    "client": [LONG, "x" * 201, 7, *_OTHER_KINDS],
    "prompt": [LONG, "x" * 20_000, 7, *_OTHER_KINDS],
    "sha256": ["", "0" * 63, "0" * 65, "g" * 64, "../../x", "A" * 64, "0" * 64 + "\n", LONG, 0, *_OTHER_KINDS],
    "token": ["", "../x", "/tmp", "..", "a" * 31, "a" * 32 + "\n", "A" * 32, LONG, 0, *_OTHER_KINDS],
    "sector": ["", "XX", "br", "../BR", "BR\n", LONG, 0, *_OTHER_KINDS],
    "grid": [0, 1, 4, -3, 2.5, 1e300, 2**63, *_NO_NUMBERS],
    "record_seq": [-1, 2**31, 2**63, 2**64 - 1, 1e300, 0.5, *_NO_NUMBERS],
    "index": [-1, 2**53, 2**64 - 1, 1e300, 0.5, *_NO_NUMBERS],
    "seed": [-1, 2**63, 2**64 - 1, 1e300, 0.5, *_NO_NUMBERS],
    "offset": [-(2**63), 2**63, 1e300, 0.5, *_NO_NUMBERS],
    "steps": [0, -1, 1001, 10**9, 1e300, 0.5, *_NO_NUMBERS],
    "fraction": [-0.1, 1.1, 1e300, *_NO_NUMBERS],
    "strength": [0, -0.1, 1.1, 1e300, *_NO_NUMBERS],
    "guidance": [-1, 1001, 1e300, *_NO_NUMBERS],
    "wait_ms": [0, -1, 1e300, 1e12, *_NO_NUMBERS],
    "speed": [0, -1, 1e308, 1e-300, 101, *_NO_NUMBERS],
    "unix_s": [-1, 1e300, 253_402_300_800, *_NO_NUMBERS],
    "flag": [0, 1, "true", "", [], {}, 1.0],
    "frames": [7, "all", {}, [7], ["x"], [{}], [[]], [{"session_id": "/etc"}], [{}] * 20_000],
    "extra": [
        *(
            {key: "x"}
            for key in ("session_id", "created_at", "format", "sequence", "open", "lost", "missing", "", LONG)
        ),
        *({"a": value} for value in (LONG * 10, nested_value(40), [0] * 3_000_000)),
        *(7, "x", [], True),
    ],
    "prompts": [7, "x", [], True, {"nonsense": ["x"]}, {"sectors": {"../x": ["y"]}}, {"default": [LONG]}],
    "priority": ["", "urgent", 0, *_OTHER_KINDS],
    "text": [LONG, 7, *_OTHER_KINDS],
    "object": [7, "x", [], True],
}
"""By kind, values that are refused; ``null`` is none of them."""


REF = {"session_id": "s", "epoch": "epoch-a", "record_seq": 0}
STAMP = {"session_id": "s", "created_at": 1736155234.5}

Field = tuple[tuple[str, ...], str]

REQUESTS: dict[str, dict[str, tuple[dict[str, Any], list[Field]]]] = {
    "generator": {
        "generate": (
            {
                "request_id": "r",
                "session": STAMP,
                "grid_size": 3,
                "target_sector": "BR",
                "prompt": "a bee",
                "seed": 7,
                "timeout_ms": 30_000,
                "origin": {"session_id": "s", "index": 0, "frame_id": "f"},
            },
            [
                (("request_id",), "name"),
                (("client_id",), "client"),
                (("supersede",), "flag"),
                (("session",), "object"),
                (("session", "session_id"), "session"),
                (("session", "created_at"), "unix_s"),
                (("grid_size",), "grid"),
                (("target_sector",), "sector"),
                (("focus_sector",), "sector"),
                (("focus_x",), "fraction"),
                (("focus_y",), "fraction"),
                (("prompt",), "prompt"),
                (("negative_prompt",), "prompt"),
                (("seed",), "seed"),
                (("steps",), "steps"),
                (("guidance_scale",), "guidance"),
                (("strength",), "strength"),
                (("strict",), "flag"),
                (("timeout_ms",), "wait_ms"),
                (("priority",), "priority"),
                (("publish",), "flag"),
                (("origin",), "object"),
                (("origin", "session_id"), "session"),
                (("origin", "index"), "index"),
                (("origin", "frame_id"), "name"),
            ],
        ),
        "cancel": ({"request_id": "r"}, [(("request_id",), "name")]),
        "fetch": (REF, [(("session_id",), "session"), (("epoch",), "name"), (("record_seq",), "record_seq")]),
        "input": ({"sha256": "0" * 64}, [(("sha256",), "sha256")]),
        "ack": ({"frames": [REF]}, [(("frames",), "frames")]),
    },
    "recorder": {
        "start": (
            {"session_id": "absurd", "active": False},
            [
                (("session_id",), "session"),
                (("resume",), "flag"),
                (("active",), "flag"),
                (("extra",), "extra"),
            ],
        ),
        "stop": ({"session_id": "s"}, [(("session_id",), "session")]),
        "resume": (
            {"session_id": "absurd", "created_at": 1736155234.5},
            [(("session_id",), "session"), (("created_at",), "unix_s")],
        ),
        "status": ({"frames": []}, [(("frames",), "frames")]),
        "delete": ({"session_id": "absent"}, [(("session_id",), "session")]),
        "import": (
            {"staged": "0" * 32, "session_id": "absurd"},
            [(("staged",), "token"), (("session_id",), "session")],
        ),
        "repair": ({"session_id": "absent"}, [(("session_id",), "session")]),
    },
    "replayer": {
        "start": ({"cursor": "c", "session_id": "s"}, [(("cursor",), "name"), (("session_id",), "session")]),
        **{
            kind: ({"cursor": "c"}, [(("cursor",), "name")]) for kind in ("next", "previous", "pause", "stop", "status")
        },
        "seek": ({"cursor": "c", "index": 0}, [(("cursor",), "name"), (("index",), "index")]),
        "play": (
            {"cursor": "c", "speed": 1.0, "loop": False},
            [(("cursor",), "name"), (("speed",), "speed"), (("loop",), "flag")],
        ),
        "rerun": (
            {"session_id": "s", "into": "absurd"},
            [
                (("session_id",), "session"),
                (("into",), "session"),
                (("prompts",), "prompts"),
                (("seed_offset",), "offset"),
                (("strength",), "strength"),
                (("model",), "text"),
                (("chain",), "flag"),
                (("resume",), "flag"),
            ],
        ),
        "rerun.status": ({"session_id": "s"}, [(("session_id",), "session")]),
        "rerun.cancel": ({"session_id": "s"}, [(("session_id",), "session")]),
    },
}
"""By channel and type: fields that are right, and the kind of each field that is given an absurd value in its turn."""


def absurd_bodies(channel: str, message_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with one field that does not fit, and what that is."""
    right, named = REQUESTS[channel][message_type]
    for path, kind in named:
        for value in BAD[kind]:
            body = copy.deepcopy(right)
            place = body
            for part in path[:-1]:
                place = place[part]
            place[path[-1]] = value
            yield f"{'.'.join(path)}={str(value)[:40]!r}", body


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, with their bytes; folders as well."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        for path in sorted(folder.rglob("*"))
        if not path.is_socket() and not path.name.endswith(".lock")
    }


async def refuses(client: Client, message_type: str, body: dict[str, Any], what: str, *payloads: bytes) -> None:
    """Ask for the absurd, and see that the answer is a small error that blames the caller."""
    said = f"{message_type} with {what}"
    try:
        answer = await client.call(message_type, body, payloads, timeout_s=20)
    except ParafoveaError as found:
        error = found
    except PeerGone:  # libzmq does not even take it in
        assert len(orjson.dumps(body)) > 4 * MIB, f"{said} ended the connection"
        return
    else:
        pytest.fail(f"{said} is answered: {str(answer.body)[:300]}")
    assert 400 <= error.status < 500, f"{said}: {error.code}: {error.detail[:300]}"
    assert len(b"".join(map(bytes, encode_error("1", error)))) < 16_000, f"{said} is echoed"


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """No traceback was logged, and no line is long."""
    assert not [record.getMessage()[:500] for record in caplog.records if record.exc_info]
    assert all(len(record.getMessage()) < 5000 for record in caplog.records if record.levelno >= logging.INFO)
