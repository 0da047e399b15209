"""A reader of sessions that needs nothing but Python: what ``README.md`` asks for, in its order."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OF_FRAMES = (
    *("index", "filename", "frame_id", "target_sector", "focus_sector", "grid_size", "region"),
    *("prompt", "seed", "sha256", "input_sha256", "input_file"),
)
_OF_TEXTS = ("frame_id", "session_id", "target_sector", "prompt", "seed", "timestamp", "input_sha256")


def read(folder: Path) -> dict[str, Any]:
    """All readings of a session."""
    whole = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    entries = whole["sequence"]
    offsets = _offsets([entry["timestamp"] for entry in entries])
    return {
        "session_id": whole["session_id"],
        "created_at": whole["created_at"],
        "format": whole["format"],
        "lost": whole.get("lost", []),
        "missing": whole.get("missing", []),
        "interrupted": whole.get("interrupted", False),
        "others": {key: value for key, value in whole.items() if key in ("participant", "ratio", "comment")},
        "indices_without_a_frame": _gaps([entry["index"] for entry in entries]),
        "round_s": _round(offsets),
        "frames": [_frame(folder, entry, at) for entry, at in zip(entries, offsets, strict=True)],
    }


def _frame(folder: Path, entry: dict[str, Any], offset_s: float) -> dict[str, Any]:
    found = {key: entry.get(key) for key in _OF_FRAMES}
    data = _bytes(folder / entry["filename"])
    source = _bytes(folder / entry["input_file"])
    text = None if data is None else png_text(data)
    return {
        **found,
        "offset_s": offset_s,
        "picture": _state(data, entry["sha256"]),
        "input": _state(source, entry["input_sha256"]),
        "size": None if data is None else list(struct.unpack(">II", data[16:24])),
        "text": None if text is None else {key: text.get(key) for key in _OF_TEXTS},
    }


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _state(data: bytes | None, sha256: str) -> str:
    if data is None:
        return "gone"
    return "whole" if hashlib.sha256(data).hexdigest() == sha256 else "altered"


def png_text(data: bytes) -> dict[str, Any] | None:
    """The object in the ``iTXt`` chunk named ``parafovea``; it may be compressed."""
    assert data.startswith(_SIGNATURE)
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        if kind == b"iTXt" and body.startswith(b"parafovea\0"):
            is_compressed, _, rest = body[10], body[11], body[12:]
            text = rest.split(b"\0", 2)[2]
            found: dict[str, Any] = json.loads(zlib.decompress(text) if is_compressed else text)
            return found
        at += 12 + length
    return None


def _offsets(timestamps: list[float]) -> list[float]:
    """Seconds since the first frame. Where the clock was set back, the frame comes with no interval, and what follows
    keeps its own intervals."""
    found, shift = [0.0], 0.0
    for time in timestamps[1:]:
        offset = time - timestamps[0] + shift
        if offset < found[-1]:
            shift += found[-1] - offset
            offset = found[-1]
        found.append(offset)
    return found


def _round(offsets: list[float]) -> float:
    """Seconds after which a replay in a loop begins again: the last interval once more, or one second."""
    last = offsets[-1] - offsets[-2] if len(offsets) > 1 else 0.0
    return offsets[-1] + (last if last > 0 else 1.0)


def _gaps(indices: list[int]) -> list[list[int]]:
    """First and last of each run of indices that no entry has, from 0 on."""
    expected, found = 0, []
    for index in indices:
        if index > expected:
            found.append([expected, index - 1])
        expected = index + 1
    return found
