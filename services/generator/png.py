"""Pixels to PNG, once a frame: fast, lossless, the same bytes for the same input.

Two things cost in a PNG: choosing each row's filter and deflating. Filters are chosen among Sub, Up and Average for
groups of rows, by the usual least sum of absolute differences (PNG, Third Edition, 12.7), measured on one row of each.
Paeth is left out: on photographs it saves 3 % over Average and would take more time than all the rest. Deflate is
isal's level 1, whose Huffman tables are fitted to the data; both it and numpy let other threads run meanwhile.

The bytes are the same for the same pixels, text and profile on one machine and version of isal. Across processors its
matches may differ, so frames made on two machines are to be compared by their pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from services.generator.engine import Pixels
from shared.png_chunks import PNG_SIGNATURE, chunk, text_chunks

_SUB, _UP, _AVERAGE = 1, 2, 3
_FILTERS = (_SUB, _UP, _AVERAGE)
_GROUP_ROWS = 4
_BLOCK_ROWS = 64
"""Rows filtered at a time: few enough that a block and its predictions stay in the processor's cache."""
_DEFLATE_LEVEL = 1


def encode(
    pixels: Pixels,
    text: Mapping[str, str] | None = None,
    icc_profile: bytes | None = None,
    colour: Mapping[bytes, bytes] | None = None,
) -> bytes:
    """Encode as an 8-bit RGB PNG, not interlaced.

    Args:
        pixels: height x width x 3, uint8, of any strides.
        text: written as ``iTXt`` chunks before the pixels, in this order.
        colour: bodies of other chunks that say how the samples are shown, by name.

    Raises:
        ValueError: the array is not such a picture, or a text does not fit a PNG.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(f"a PNG is made of height x width x 3 of uint8, not of {pixels.shape} of {pixels.dtype}")
    height, width = pixels.shape[:2]
    parts = [PNG_SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [chunk(name, body) for name, body in (colour or {}).items()]
    if icc_profile is not None:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile, 6)))
    if text:
        parts.append(text_chunks(text))
    deflated = isal_zlib.compress(filter_rows(pixels), _DEFLATE_LEVEL)
    parts += [struct.pack(">I", len(deflated)), b"IDAT", deflated]
    parts.append(struct.pack(">I", isal_zlib.crc32(deflated, isal_zlib.crc32(b"IDAT"))))
    parts.append(chunk(b"IEND", b""))
    return b"".join(parts)


def filter_rows(pixels: Pixels) -> NDArray[np.uint8]:
    """Each row filtered, and led by the number of its filter: height x (1 + 3 * width), as deflate takes it."""
    height, width = pixels.shape[:2]
    length = 3 * width
    rows = np.ascontiguousarray(pixels).reshape(height, length)
    filtered = np.empty((height, 1 + length), np.uint8)
    chosen = _choose_filters(rows)
    left = np.zeros((_BLOCK_ROWS, length), np.uint8)
    above = np.zeros((_BLOCK_ROWS, length), np.uint8)
    for start in range(0, height, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, height)
        block, a, b = rows[start:stop], left[: stop - start], above[: stop - start]
        a[:, 3:] = block[:, :-3]
        if start:
            b[:] = rows[start - 1 : stop - 1]
        else:
            b[1:] = rows[: stop - 1]
        for kind in _FILTERS:
            group = chosen[start:stop] == kind
            if group.all():
                filtered[start:stop, 1:] = block - _predict(kind, a, b)
            elif group.any():
                filtered[start:stop, 1:][group] = block[group] - _predict(kind, a[group], b[group])
        filtered[start:stop, 0] = chosen[start:stop]
    return filtered


def _predict(kind: int, left: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a filter expects a byte to be (PNG, Third Edition, 9.2)."""
    if kind == _SUB:
        return left
    if kind == _UP:
        return above
    return (left & above) + ((left ^ above) >> 1)  # floor of the mean, without a ninth bit


def _choose_filters(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The filter of each row: for each group of rows, the one with the smallest residue on its middle row."""
    height = len(rows)
    middle = np.minimum(np.arange(_GROUP_ROWS // 2, height + _GROUP_ROWS // 2, _GROUP_ROWS), height - 1)
    sample = rows[middle]
    above = rows[np.maximum(middle - 1, 0)]
    if middle[0] == 0:
        above[0] = 0
    left = np.zeros_like(sample)
    left[:, 3:] = sample[:, :-3]
    costs = np.stack([_cost(sample - _predict(kind, left, above)) for kind in _FILTERS])
    best = np.array(_FILTERS, np.uint8)[costs.argmin(axis=0)]
    return np.repeat(best, _GROUP_ROWS)[:height]


def _cost(residue: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Sum over each row of the residues' distance from 0, as signed bytes."""
    cost: NDArray[np.uint32] = np.minimum(residue, np.negative(residue)).sum(axis=1, dtype=np.uint32)
    return cost
