"""What a frame's file says of itself: whether it is whole, and which frame of which session it is."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from shared.png_chunks import PNG_SIGNATURE, read_text
from shared.session.format.entries import MAX_ENTRY_BYTES
from shared.session.format.jsontext import parse
from shared.session.format.kinds import typed
from shared.session.format.layout import parse_frame_name
from shared.session.format.metadata import PNG_KEYWORD
from shared.session.format.plain import open_plain

MAX_FIELDS_BYTES = MAX_ENTRY_BYTES // 2
"""Of the text in an image: what an entry made of it holds besides has room."""


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


def own_fields(source: bytes | BinaryIO) -> dict[str, Any] | None:
    """The fields of a frame that its PNG carries, or None where it carries none of ours."""
    try:
        text = read_text(source).get(PNG_KEYWORD, "null").encode()
        value = parse(text) if len(text) <= MAX_FIELDS_BYTES else None
    except ValueError:
        return None
    return typed(value) if isinstance(value, dict) else None


def fields_of(folder: Path, name: str) -> dict[str, Any]:
    """:func:`own_fields` of a recorded image; nothing where it is gone, or another program's."""
    if parse_frame_name(name) is None:
        return {}
    try:
        with os.fdopen(open_plain(folder, name), "rb") as file:
            return own_fields(file) or {}
    except OSError:
        return {}
