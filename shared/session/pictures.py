"""What a frame's file says of itself: whether it is whole, and which frame of which session it is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import orjson

from shared.png_text import PNG_SIGNATURE, read_text
from shared.session.metadata import PNG_KEYWORD


def is_whole(data: bytes) -> bool:
    """Whether the bytes are one PNG from signature to ``IEND``, with each chunk's checksum right and nothing behind."""
    if not data.startswith(PNG_SIGNATURE):
        return False
    view, at = memoryview(data), len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or zlib.crc32(view[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            return False
        if name == b"IEND":
            return bool(end == len(data))
        at = end
    return False


def own_fields(source: Path | bytes) -> dict[str, Any] | None:
    """The fields of a frame that its PNG carries, or None where it carries none of ours.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        value = orjson.loads(read_text(source).get(PNG_KEYWORD, "null"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
