"""What an encoded image says of itself in its header: format, size, orientation. No pixel is decoded here.

Read by hand rather than by an imaging library, so that the API can refuse a bad image without importing one, and so
that both sides of the bus agree on its size by construction: the generator's decoder asks this module too.

Formats: PNG (Third Edition) 5 and 11; JPEG, ITU-T T.81 annex B; WebP, RFC 9649; EXIF 2.32, 4.6.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from shared.errors import UnreadableImage
from shared.png_chunks import PNG_SIGNATURE, TooManyChunks, chunks

ImageFormat = Literal["png", "jpeg", "webp"]

MIN_SIDE_PX = 64
MAX_SIDE_PX = 4096

_MAX_CHUNKS = 20_000
"""More than any picture needs: a JPEG or WebP of empty segments is not walked to its end."""

_CUT_OFF = "The image is cut off in its header; send the whole file."
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_READ = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Baseline, extended and progressive; the others are lossless or hierarchical, which hardly anything reads."""
_JPEG_WITHOUT_BODY = frozenset({0x01, *range(0xD0, 0xD8)})
_TAG_ORIENTATION = 0x0112
_TYPE_FORMATS = {1: "B", 3: "H", 4: "I"}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and size of an encoded image.

    Attributes:
        width, height: in pixels, as the picture is seen: with its EXIF orientation applied.
        orientation: the EXIF orientation, 1 (upright) to 8.
        profile_bytes: what its colour profile takes in the file.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int = 1
    profile_bytes: int = field(default=0, compare=False)


def probe(data: bytes) -> ImageHeader:
    """Read the header of an encoded image, in microseconds. Raises UnreadableImage: not a PNG, JPEG or WebP, cut off
    within its header, or not of 64x64 to 4096x4096 pixels."""
    try:
        header = _read_header(data)
    except (struct.error, IndexError):
        raise UnreadableImage(_CUT_OFF) from None
    if not (MIN_SIDE_PX <= header.width <= MAX_SIDE_PX and MIN_SIDE_PX <= header.height <= MAX_SIDE_PX):
        raise UnreadableImage(
            f"The image has {header.width} x {header.height} pixels; send one of {MIN_SIDE_PX} x {MIN_SIDE_PX} "
            f"to {MAX_SIDE_PX} x {MAX_SIDE_PX}."
        )
    return header


def _read_header(data: bytes) -> ImageHeader:
    if not data:
        raise UnreadableImage("The image is empty; send a PNG, JPEG or WebP file.")
    if data.startswith(PNG_SIGNATURE):
        return _read_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _read_webp(data)
    raise UnreadableImage("This is not an image that can be read; send a PNG, JPEG or WebP file.")


def _header(kind: ImageFormat, width: int, height: int, exif: bytes, profile_bytes: int) -> ImageHeader:
    turned = orientation(exif)
    if turned >= 5:  # 5 to 8 turn by a quarter
        width, height = height, width
    return ImageHeader(kind, width, height, turned, profile_bytes)


def _read_png(data: bytes) -> ImageHeader:
    length, name, width, height = struct.unpack_from(">I4sII", data, 8)
    if name != b"IHDR" or length != 13:
        raise UnreadableImage("The PNG has no header chunk; it is damaged, send it again.")
    exif, profile_bytes = b"", 0
    with suppress(TooManyChunks):  # who decodes it says so
        for name, start, stop in chunks(data):  # to the end: an eXIf chunk may follow the pixels
            if name == b"eXIf" and not exif:
                exif = data[start:stop]
            elif name == b"iCCP":
                profile_bytes = stop - start
    return _header("png", width, height, exif, profile_bytes)


def _read_jpeg(data: bytes) -> ImageHeader:
    exif, at, profile_bytes = b"", 2, 0
    for _ in range(_MAX_CHUNKS):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _JPEG_WITHOUT_BODY:
            at += 2
            continue
        if marker in (0xD9, 0xDA):
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0" and not exif:
            exif = data[at + 10 : at + 2 + length]
        if marker == 0xE2 and data[at + 4 : at + 16] == b"ICC_PROFILE\0":
            profile_bytes += length
        if marker in _JPEG_FRAMES:
            bits, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            if marker not in _JPEG_READ or bits != 8 or components not in (1, 3, 4):
                raise UnreadableImage(
                    "This kind of JPEG (lossless, hierarchical, or not of 8 bits a sample) cannot be read; send a "
                    "baseline or progressive one, a PNG or a WebP."
                )
            return _header("jpeg", width, height, exif, profile_bytes)
        at += 2 + max(length, 2)
    raise UnreadableImage("The JPEG has no frame header; it is damaged, send it again.")


def _read_webp(data: bytes) -> ImageHeader:
    name = data[12:16]
    if name == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise UnreadableImage("The WebP has no frame header; it is damaged, send it again.")
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("webp", width & 0x3FFF, height & 0x3FFF)
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if name != b"VP8X":
        raise UnreadableImage("The WebP starts with an unknown chunk; it is damaged, send it again.")
    width = 1 + int.from_bytes(data[24:27], "little")
    height = 1 + struct.unpack_from("<I", data[27:30] + b"\0")[0]
    exif, at, profile_bytes = b"", 30, 0
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            break
        chunk_name, length = struct.unpack_from("<4sI", data, at)
        if chunk_name == b"EXIF":
            exif = data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
            break
        if chunk_name == b"ICCP":
            profile_bytes = length
        at += 8 + length + (length & 1)
    return _header("webp", width, height, exif, profile_bytes)


def orientation(exif: bytes) -> int:
    """The EXIF orientation (1 to 8) in a TIFF block; 1 where there is none, or where the block is damaged. A damaged
    block is no reason to refuse a picture whose pixels are sound: browsers show it upright too."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", exif, entry)
            if tag == _TAG_ORIENTATION and kind in _TYPE_FORMATS:
                (value,) = struct.unpack_from(f"{order}{_TYPE_FORMATS[kind]}", exif, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
