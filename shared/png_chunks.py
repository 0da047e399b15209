"""The chunks of a PNG: walked, and what only describes a picture told apart from what it is made of.

A PNG may carry any amount of text and data beside its pixels, compressed too: image tools write their whole workflow
there. None of it is inflated or checked here, so that it can be neither a bomb nor a reason to refuse the picture.

Format: PNG (Third Edition), 5 (structure), 11.2 (critical chunks), 11.3.2 (colour spaces), 5.6 (order of chunks).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from shared.png_text import PNG_SIGNATURE

MAX_CHUNKS = 100_000
"""A picture has a chunk for each few kilobytes; a file of nothing but chunks is not walked to its end."""

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
_PROFILE_NAME_BYTES = range(1, 80)


class TooManyChunks(ValueError):
    """The file has more than :data:`MAX_CHUNKS` chunks."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name of each chunk, and where its body starts and stops, up to ``IEND`` or the end of what is there.

    The last chunk of a file that is cut off stops where the file does.

    Raises:
        TooManyChunks: there is no end to it.
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

    Of an animation that is the picture that plain viewers show. What is behind the last chunk goes too.

    Raises:
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
    if not separator or len(name) not in _PROFILE_NAME_BYTES or rest[:1] != b"\0":
        return None
    reader = zlib.decompressobj()
    try:
        inflated = reader.decompress(rest[1:], limit_bytes + 1)
    except zlib.error:
        return None
    if len(inflated) > limit_bytes:
        raise ValueError(f"its colour profile has more than {limit_bytes / 2**20:.0f} MiB")
    return inflated if reader.eof else None
