"""Entries, heads and tails that no program of ours writes, and that may stand in a session that came from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HUGE = 2**64 - 1
_SURROGATE = "\\ud800"


def nested(levels: int) -> str:
    """An array in an array in an array."""
    return "[" * levels + "]" * levels


def _with(**changes: str) -> str:
    """The second entry of a session, with the texts of some of its values replaced (None: without it)."""
    values = {
        "index": "1",
        "filename": '"0001_BR.png"',
        "target_sector": '"BR"',
        "focus_sector": '"TL"',
        "prompt": '"x"',
        "timestamp": "1736155235.5",
        "seed": "1",
        **changes,
    }
    return "{" + ",".join(f'"{key}":{value}' for key, value in values.items()) + "}"


ENTRIES: dict[str, str] = {
    "index 2^64-1": _with(index=str(HUGE)),
    "index 2^53": _with(index=str(2**53), filename=f'"{2**53}_BR.png"'),
    "index 2^53-1": _with(index=str(2**53 - 1), filename=f'"{2**53 - 1}_BR.png"'),
    "index of 400 digits": _with(index="1" * 400),
    "index of 5000 digits": _with(index="1" * 5000, filename='"' + "1" * 5000 + '_BR.png"'),
    "index -1": _with(index="-1"),
    "index true": _with(index="true"),
    "index a text": _with(index='"1"'),
    "index null": _with(index="null"),
    "index 1.5": _with(index="1.5"),
    "index NaN": _with(index="NaN"),
    "index 1e400": _with(index="1e400"),
    "index an object": _with(index="{}"),
    "no index": '{"filename":"0001_BR.png"}',
    "no filename": '{"index":1}',
    "filename a number": _with(filename="5"),
    "filename a folder": _with(filename='"../../etc/passwd"'),
    "filename with a NUL": _with(filename='"0001\\u0000_BR.png"'),
    "filename with half a character": _with(filename=f'"0001_{_SURROGATE}.png"'),
    "filename in other digits": _with(filename='"٠٠٠١_BR.png"'),
    "a long filename": _with(filename='"' + "0" * 300 + '1_BR.png"'),
    "nested 65 deep": _with(notes=nested(65)),
    "nested 253 deep": _with(notes=nested(253)),
    "nested 900 deep": _with(mine=nested(900)),
    "nested 2000 deep": _with(mine=nested(2000)),
    "nested 100,000 deep": _with(mine=nested(100_000)),
    "timestamp a text": _with(timestamp='"2025-01-06T10:20:30Z"'),
    "timestamp NaN": _with(timestamp="NaN"),
    "timestamp Infinity": _with(timestamp="Infinity"),
    "timestamp 1e400": _with(timestamp="1e400"),
    "timestamp of 400 digits": _with(timestamp="1" * 400),
    "timestamp 1e300": _with(timestamp="1e300"),
    "timestamp negative": _with(timestamp="-5"),
    "timestamp an object": _with(timestamp="{}"),
    "timestamp true": _with(timestamp="true"),
    "prompt an array": _with(prompt='["a","b"]'),
    "prompt with half a character": _with(prompt=f'"{_SURROGATE}"'),
    "sector of 100,000 characters": _with(target_sector='"' + "B" * 100_000 + '"'),
    "sector with line breaks": _with(target_sector='"B\\r\\nX-Evil: 1"', focus_sector='"\\u2603"'),
    "sector a number": _with(target_sector="7", focus_sector="{}"),
    "sha256 a number": _with(sha256="12"),
    "sha256 an array": _with(sha256='["x","y"]', input_sha256="[[]]", input_file="{}"),
    "sha256 with quotes": _with(sha256='"\\"\\u2603\\n"'),
    "input file elsewhere": _with(input_file='"../../secret"', input_sha256='"../../secret"'),
    "seed of 30 digits": _with(seed="1" * 30, steps='"x"', strength="NaN", grid_size="1e99", width="-1"),
    "region nonsense": _with(region="[1e400,NaN,-5,{}]", model="[]", versions="5", requested='"x"', origin="[1]"),
    "origin far away": _with(origin=f'{{"session_id":5,"index":{HUGE}}}', epoch="{}", record_seq=str(HUGE)),
    "a number": "5",
    "a text": '"0001_BR.png"',
    "null": "null",
    "an array": "[]",
    "an empty object": "{}",
    "index twice": '{"index":0,"index":1,"filename":"0001_BR.png"}',
    "the first one's index": _with(index="0"),
    "5 MB of it": _with(mine='"' + "x" * (5 << 20) + '"'),
}
"""What the second entry of a session of three is replaced by."""

TOPS: dict[str, dict[str, Any]] = {
    "created_at a text": {"created_at": "yesterday"},
    "created_at NaN": {"created_at": float("nan")},
    "created_at Infinity": {"created_at": float("inf")},
    "created_at 1e300": {"created_at": 1e300},
    "created_at of 400 digits": {"created_at": int("1" * 400)},
    "created_at an object": {"created_at": {}},
    "created_at null": {"created_at": None},
    "session_id a number": {"session_id": 5},
    "session_id with half a character": {"session_id": "\ud800"},
    "lost nonsense": {"lost": [1, None, {"a": "\ud800"}, "\ud800", float("nan")], "missing": [5, "\0", "../../x"]},
    "lost a number": {"lost": 5, "missing": {}, "open": "yes", "interrupted": []},
    "parent nonsense": {"parent": {"session_id": "../..", "index": HUGE}, "changed": {"prompts": 5, "seed_offset": {}}},
    "parent elsewhere": {"parent": [1], "changed": "\ud800", "format": "new"},
    "a key with half a character": {"\ud800": "\ud800"},
    "a number of 1000 digits": {"mine": int("1" * 1000)},
}
"""What stands at the top of a session's metadata."""


def write_entry(path: Path, text: str, *, ours: bool) -> None:
    """Put a text in the place of the second entry, in our own layout or on one line."""
    lines = path.read_bytes().split(b"\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(b'    {"index":1,'))
    lines[at] = b"    " + text.encode() + b","
    path.write_bytes(b"\n".join(lines) if ours else b"".join(line.strip() for line in lines))


def write_top(path: Path, values: dict[str, Any], *, ours: bool) -> None:
    """Put other values at the top."""
    whole = json.loads(path.read_bytes())
    tail = {key: values[key] for key in ("lost", "missing", "open", "interrupted") if key in values}
    if not ours:
        path.write_text(json.dumps({**whole, **values}, indent=1))
        return
    sequence = ",\n".join("    " + json.dumps(entry, separators=(",", ":")) for entry in whole["sequence"])
    head = {**{key: whole[key] for key in ("session_id", "created_at", "format")}, **values}
    before = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items() if key not in tail)
    behind = "".join(f",\n  {json.dumps(key)}: {json.dumps(value)}" for key, value in tail.items())
    path.write_text("{\n" + before + '  "sequence": [\n' + sequence + "\n  ]" + behind + "\n}\n")
