"""Pixels to PNG, once a frame: fast, lossless, the same bytes for the same input.

Two things cost in a PNG: choosing each row's filter and deflating. Filters are chosen among Sub, Up and Average for
groups of rows, by the usual least sum of absolute differences (PNG, Third Edition, 12.7), measured on one row of each.
Paeth is left out: on photographs it saves 3 % over Average and would take more time than all the rest. Deflate is
isal's level 1, whose Huffman tables are fitted to the data; both it and numpy let other threads run meanwhile.

Each row of sectors is encoded on its own, as a strip: it reads no pixel of another, and its bytes are the same wherever
in a picture it stands. So the rows of sectors that an edit does not touch can be encoded before the edit is made, once
for all pictures that have them. A file is put together from its strips in the time of copying them: their deflated
bytes follow one another in one stream, and the stream's two checksums are combined from theirs.

The bytes are the same for the same pixels, grid, text and profile on one machine and version of isal. Across processors
its matches may differ, so frames made on two machines are to be compared by their pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from services.generator.engine import Pixels
from shared.png_chunks import PNG_SIGNATURE, chunk, text_chunks

_SUB, _UP, _AVERAGE = 1, 2, 3
_FILTERS = (_SUB, _UP, _AVERAGE)
_GROUP_ROWS = 4
_BLOCK_ROWS = 128
"""Rows filtered at a time, whole groups: few enough that they and their predictions stay in the processor's cache."""
_DEFLATE_LEVEL = 1
_RAW = -15
"""Deflate alone, with a window of 32 KiB: what is around it is written once, for all strips."""
_STREAM_START = b"\x78\x5e"
"""Of a zlib stream (RFC 1950, 2.2): deflate, 32 KiB, a fast compressor."""
_STREAM_END = b"\x03\x00"
"""The last block of deflate (RFC 1951, 3.2.3), an empty one: so that no strip need know that it is the last."""
_ADLER_BASE = 65521


@dataclass(frozen=True, slots=True)
class Strip:
    """Some rows of a picture, filtered and deflated on their own.

    Attributes:
        idat: whole bytes of deflate, none of them the stream's last block: its part of the ``IDAT`` chunk.
        crc: CRC-32 of ``idat``.
        adler: Adler-32 of the filtered rows.
        length: bytes of the filtered rows.
    """

    idat: bytes
    crc: int
    adler: int
    length: int


def encode(
    pixels: Pixels,
    text: Mapping[str, str] | None = None,
    icc_profile: bytes | None = None,
    colour: Mapping[bytes, bytes] | None = None,
    grid_size: int = 1,
) -> bytes:
    """Encode as an 8-bit RGB PNG, not interlaced.

    Args:
        pixels: height x width x 3, uint8, of any strides.
        text: written as ``iTXt`` chunks before the pixels, in this order.
        colour: bodies of other chunks that say how the samples are shown, by name.
        grid_size: how many strips it is made of.

    Raises:
        ValueError: the array is not such a picture, or a text does not fit a PNG.
    """
    if not pixels.size:
        raise ValueError(f"a PNG is made of height x width x 3 of uint8, not of {pixels.shape}")
    strips = [encode_strip(pixels, row, grid_size) for row in range(grid_size)]
    return assemble(head(pixels.shape[1], pixels.shape[0], icc_profile, colour), strips, text)


def head(
    width: int, height: int, icc_profile: bytes | None = None, colour: Mapping[bytes, bytes] | None = None
) -> bytes:
    """What stands before the text and the pixels, and is the same for all frames of one photograph.

    Args:
        colour: bodies of the chunks beside the profile that say how the samples are shown, by name.
    """
    parts = [PNG_SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [chunk(name, body) for name, body in (colour or {}).items()]
    if icc_profile is not None:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile, 6)))
    return b"".join(parts)


def assemble(beginning: bytes, strips: Sequence[Strip], text: Mapping[str, str] | None = None) -> bytes:
    """The file: what :func:`head` made, ``iTXt`` chunks in the order of ``text``, and all strips from top to bottom.

    Raises:
        ValueError: the strips do not make up a picture of the head's size, or a text does not fit a PNG.
    """
    width, height = struct.unpack_from(">II", beginning, len(PNG_SIGNATURE) + 8)
    if sum(strip.length for strip in strips) != height * (1 + 3 * width):
        raise ValueError(f"these strips are not those of a picture of {width} x {height}")
    adler, crc = 1, isal_zlib.crc32(b"IDAT" + _STREAM_START)
    for strip in strips:
        adler = adler32_combine(adler, strip.adler, strip.length)
        crc = isal_zlib.crc32_combine(crc, strip.crc, len(strip.idat))
    end = _STREAM_END + struct.pack(">I", adler)
    length = len(_STREAM_START) + sum(len(strip.idat) for strip in strips) + len(end)
    parts = [beginning, text_chunks(text or {}), struct.pack(">I", length), b"IDAT", _STREAM_START]
    parts += [strip.idat for strip in strips]
    parts += [end, struct.pack(">I", isal_zlib.crc32(end, crc)), chunk(b"IEND", b"")]
    return b"".join(parts)


def adler32_combine(first: int, second: int, second_length: int) -> int:
    """Adler-32 of two byte strings behind each other, of theirs and the second one's length.

    The low half is 1 plus the sum of all bytes, the high half the sum of the low one's values after each byte (RFC
    1950, 9): the second string's were counted from 1, and go on from where the first one's ended.
    """
    start = first & 0xFFFF
    low = (start + (second & 0xFFFF) - 1) % _ADLER_BASE
    high = ((first >> 16) + (second >> 16) + second_length * (start - 1)) % _ADLER_BASE
    return high << 16 | low


# -- strips ------------------------------------------------------------------------------------------------------------


def strip_rows(height: int, grid_size: int) -> list[tuple[int, int]]:
    """First row, and one past the last, of each strip from top to bottom: those of the rows of sectors.

    A picture with fewer rows than ``grid_size`` has strips without any.
    """
    edges = [row * height // grid_size for row in range(grid_size + 1)]
    return list(pairwise(edges))


def encode_strip(pixels: Pixels, row: int, grid_size: int) -> Strip:
    """One strip of the whole picture ``pixels``: that of the sectors' row ``row``, 0-based. Raises ValueError: see
    :func:`encode_rows`."""
    start, stop = strip_rows(len(pixels), grid_size)[row]
    return encode_rows(pixels[start:stop])


def encode_rows(rows: Pixels) -> Strip:
    """The strip of these rows: height x width x 3, uint8, of any strides. Other threads run meanwhile.

    Raises:
        ValueError: it is no such array.
    """
    if rows.ndim != 3 or rows.shape[2] != 3 or rows.dtype != np.uint8:
        raise ValueError(f"a PNG is made of height x width x 3 of uint8, not of {rows.shape} of {rows.dtype}")
    deflate = isal_zlib.compressobj(_DEFLATE_LEVEL, isal_zlib.DEFLATED, _RAW)
    parts, adler, length = [], 1, 0
    for filtered in _filtered(rows):
        parts.append(deflate.compress(filtered))
        adler = isal_zlib.adler32(filtered, adler)
        length += filtered.size
    parts.append(deflate.flush(isal_zlib.Z_FULL_FLUSH))
    idat = b"".join(parts)
    return Strip(idat, isal_zlib.crc32(idat), adler, length)


def _filtered(pixels: Pixels) -> Iterator[NDArray[np.uint8]]:
    """Each row filtered, and led by the number of its filter, some rows at a time: n x (1 + 3 * width).

    Each array is good until the next one is asked for. Nothing is read above the first row: its filter is Sub.
    """
    height, length = len(pixels), 3 * pixels.shape[1]
    rows = pixels.reshape(height, length)
    most = min(height, _BLOCK_ROWS)
    filtered = np.empty((most, 1 + length), np.uint8)
    left, above = np.zeros((2, most, length), np.uint8)
    for start in range(0, height, _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        size = len(block)
        a, b, out = left[:size], above[:size], filtered[:size]
        a[:, 3:] = block[:, :-3]
        b[1:] = block[:-1]
        if start:
            b[0] = rows[start - 1]
        chosen = _choose_filters(block, a, b)
        for kind in _FILTERS:
            group = chosen == kind
            if group.all():
                np.subtract(block, _predict(kind, a, b), out=out[:, 1:])
            elif group.any():
                out[group, 1:] = block[group] - _predict(kind, a[group], b[group])
        out[:, 0] = chosen
        if not start:
            out[0, 0] = _SUB
            np.subtract(block[0], a[0], out=out[0, 1:])
        yield out


def _predict(kind: int, left: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a filter expects a byte to be (PNG, Third Edition, 9.2)."""
    if kind == _SUB:
        return left
    if kind == _UP:
        return above
    return (left & above) + ((left ^ above) >> 1)  # floor of the mean, without a ninth bit


def _choose_filters(rows: NDArray[np.uint8], left: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The filter of each row: for each group of rows, the one with the smallest residue on its middle row."""
    middle = np.minimum(np.arange(_GROUP_ROWS // 2, len(rows) + _GROUP_ROWS // 2, _GROUP_ROWS), len(rows) - 1)
    sample, left, above = rows[middle], left[middle], above[middle]
    costs = np.stack([_cost(sample - _predict(kind, left, above)) for kind in _FILTERS])
    best = np.array(_FILTERS, np.uint8)[costs.argmin(axis=0)]
    return np.repeat(best, _GROUP_ROWS)[: len(rows)]


def _cost(residue: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Sum over each row of the residues' distance from 0, as signed bytes."""
    cost: NDArray[np.uint32] = np.minimum(residue, np.negative(residue)).sum(axis=1, dtype=np.uint32)
    return cost
