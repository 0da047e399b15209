"""The chunks of a PNG: what only describes a picture told apart from what it is made of, and our own text in it.

A PNG may carry any amount of text and data beside its pixels, compressed too: image tools write their whole workflow
there. None of it is inflated or checked here, so that it can be neither a bomb nor a reason to refuse the picture. Ours
is in uncompressed ``iTXt`` chunks, read and written without decoding a pixel.

Format: PNG (Third Edition), 5 (structure), 11.2 (critical chunks), 11.3.2 (colour spaces), 5.6 (order of chunks),
11.3.3.4 (``iTXt``: keyword, 0, compression flag, compression method, language tag, 0, translated keyword, 0, text in
UTF-8).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import BinaryIO

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 100_000
"""A picture has a chunk for each few kilobytes; a file of nothing but chunks is not walked to its end."""
MAX_TEXT_CHUNK_BYTES = 4 * 1024 * 1024
"""A longer text chunk is not ours, and is not worth its memory."""
MAX_TEXT_BYTES = 4 * MAX_TEXT_CHUNK_BYTES
"""Of a file with more text, or more chunks, before its pixels nothing is read: it is none that was made here."""

_KEYWORD_BYTES = range(1, 80)
"""Of a text's keyword, and of a colour profile's name."""
_OF_THE_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_SHOWN_LENGTHS = {
    b"cICP": 4,
    b"mDCV": 24,
    b"mDCv": 24,
    b"cLLI": 8,
    b"cLLi": 8,
    b"sRGB": 1,
    b"gAMA": 4,
    b"cHRM": 32,
    b"pHYs": 9,
}
"""What says how samples are shown, with the length of each; ``iCCP`` has none. Two had other names in drafts."""


class TooManyChunks(ValueError):
    """The file has more than :data:`MAX_CHUNKS` chunks."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name of each chunk, and where its body starts and stops, up to ``IEND`` or the end of what is there.

    The last chunk of a file that is cut off stops where the file does. Raises TooManyChunks: there is no end to it.
    """
    at, size = len(PNG_SIGNATURE), len(data)
    for _ in range(MAX_CHUNKS):
        if at + 8 > size:
            return
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, at + 8, min(at + 8 + length, size)
        at += length + 12
        if name == b"IEND":
            return
    raise TooManyChunks(f"it has more than {MAX_CHUNKS:,} chunks; save it again with an image editor")


def bare(data: bytes, *also: bytes) -> bytes:
    """The PNG with only what its pixels are made of, and chunks of the names in ``also``.

    Of an animation that is the picture that plain viewers show. What is behind the last chunk goes too. Raises
    TooManyChunks: see :func:`chunks`.
    """
    wanted = _OF_THE_PIXELS.union(also)
    view = memoryview(data)
    kept = [view[start - 8 : stop + 4] for name, start, stop in chunks(data) if name in wanted]
    return b"".join((PNG_SIGNATURE, *kept))


def colour_chunks(data: bytes) -> dict[bytes, bytes]:
    """What says how the samples are shown, by name: the whole bodies, in the order of the file, the first of each.

    As readers do, those behind the palette or the pixels, of a wrong length or with a wrong checksum are passed over.
    ``pHYs`` is among them where it gives pixels another shape than a square's.
    """
    found: dict[bytes, bytes] = {}
    for name, start, stop in chunks(data):
        if name in (b"PLTE", b"IDAT", b"IEND"):
            break
        if name in found or not (name == b"iCCP" or _SHOWN_LENGTHS.get(name) == stop - start):
            continue
        if zlib.crc32(data[start:stop], zlib.crc32(name)) == int.from_bytes(data[stop : stop + 4], "big"):
            found[name] = bytes(data[start:stop])
    if found.get(b"gAMA") == bytes(4):
        del found[b"gAMA"]  # not allowed (11.3.2.2); readers pass it over
    if b"pHYs" in found and found[b"pHYs"][:4] == found[b"pHYs"][4:8]:
        del found[b"pHYs"]  # a size on paper
    return found


def turned(body: bytes) -> bytes:
    """A ``pHYs`` chunk's body for the picture turned by a quarter."""
    return body[4:8] + body[:4] + body[8:]


def profile(body: bytes, limit_bytes: int) -> bytes | None:
    """The ICC profile in an ``iCCP`` chunk's body; None where it is damaged. Raises ValueError: it is longer than
    ``limit_bytes``; no more than that is inflated."""
    name, separator, rest = body.partition(b"\0")
    if not separator or len(name) not in _KEYWORD_BYTES or rest[:1] != b"\0":
        return None
    reader = zlib.decompressobj()
    try:
        inflated = reader.decompress(rest[1:], limit_bytes + 1)
    except zlib.error:
        return None
    if len(inflated) > limit_bytes:
        raise ValueError(f"its colour profile has more than {limit_bytes / 2**20:.0f} MiB")
    return inflated if reader.eof else None


# -- text --------------------------------------------------------------------------------------------------------------


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
