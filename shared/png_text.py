"""The text that a PNG carries: reads and writes uncompressed ``iTXt`` chunks without decoding a pixel.

Format: PNG (Third Edition), 11.3.3.4 ``iTXt``: keyword, 0, compression flag, compression method, language tag, 0,
translated keyword, 0, text in UTF-8.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import BinaryIO

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_TEXT_CHUNK_BYTES = 4 * 1024 * 1024
"""A longer text chunk is not ours, and is not worth its memory."""

MAX_TEXT_BYTES = 4 * MAX_TEXT_CHUNK_BYTES
MAX_CHUNKS = 100_000
"""Before the pixels. Of a file with more text, or more chunks, nothing is read: it is none that was made here."""

_KEYWORD_BYTES = range(1, 80)


def chunk(name: bytes, body: bytes) -> bytes:
    """One PNG chunk: length, name, body, CRC."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def text_chunks(text: Mapping[str, str]) -> bytes:
    """``iTXt`` chunks, one for each keyword, in the mapping's order. Raises ValueError: a keyword is not 1 to 79 bytes
    of printable Latin-1, or a text is longer than :data:`MAX_TEXT_CHUNK_BYTES` or holds a NUL."""
    return b"".join(chunk(b"iTXt", _itxt_body(keyword, value)) for keyword, value in text.items())


def read_text(source: bytes | BinaryIO) -> dict[str, str]:
    """The uncompressed ``iTXt`` texts that stand before a PNG's pixels, by keyword; the first of a keyword counts.

    Reads the header only: of a file of any size, the few kilobytes before its first ``IDAT`` chunk. Raises ValueError:
    not a PNG, cut off before its pixels, a text chunk with a wrong checksum, or more text or chunks than
    :data:`MAX_TEXT_BYTES` and :data:`MAX_CHUNKS`.
    """
    file = BytesIO(source) if isinstance(source, bytes) else source
    if file.read(8) != PNG_SIGNATURE:
        raise ValueError("not a PNG file")
    found: dict[str, str] = {}
    text_bytes = 0
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            raise ValueError("the PNG is cut off before its pixels")
        length, name = struct.unpack(">I4s", header)
        if name in (b"IDAT", b"IEND"):
            return found
        if name != b"iTXt" or length > MAX_TEXT_CHUNK_BYTES:
            file.seek(length + 4, 1)
            continue
        text_bytes += length
        if text_bytes > MAX_TEXT_BYTES:
            raise ValueError(f"the PNG carries more than {MAX_TEXT_BYTES} bytes of text")
        body, crc = file.read(length), file.read(4)
        if len(body) < length or len(crc) < 4:
            raise ValueError("the PNG is cut off inside a text chunk")
        if zlib.crc32(body, zlib.crc32(name)) != struct.unpack(">I", crc)[0]:
            raise ValueError("the checksum of a PNG text chunk is wrong")
        entry = _parse(body)
        if entry is not None:
            found.setdefault(*entry)
    raise ValueError(f"the PNG has more than {MAX_CHUNKS} chunks before its pixels")


def _itxt_body(keyword: str, value: str) -> bytes:
    name = keyword.encode("latin-1")
    if len(name) not in _KEYWORD_BYTES or not keyword.isprintable() or keyword != keyword.strip():
        raise ValueError(f"{keyword!r} cannot be a PNG keyword: 1 to 79 printable Latin-1 characters, no outer spaces")
    encoded = value.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_TEXT_CHUNK_BYTES - 128 or b"\0" in encoded:
        raise ValueError(f"the text of {keyword!r} holds a NUL or is longer than {MAX_TEXT_CHUNK_BYTES} bytes")
    return name + b"\0\0\0\0\0" + encoded


def _parse(body: bytes) -> tuple[str, str] | None:
    """Keyword and text of an ``iTXt`` body; None where it is compressed or malformed, which ours never is."""
    keyword, separator, rest = body.partition(b"\0")
    if not separator or len(rest) < 2 or rest[0] != 0:
        return None
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    return keyword.decode("latin-1"), parts[2].decode("utf-8", "replace")
