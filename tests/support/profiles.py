"""ICC profiles that few pictures have: far from sRGB, for grey, and for samples that a picture has none of."""

from __future__ import annotations

import struct

from PIL import ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GAMMA_3 = b"curv\0\0\0\0" + struct.pack(">IH", 1, 3 * 256)
"""A curve far from sRGB's: level 128 is shown as 100."""
PRINTED = b"curv\0\0\0\0" + struct.pack(">I16H", 16, *(level**3 * 19 for level in range(16)))
"""A curve by a table, which browsers work with in another way."""

_D50 = (63190, 65536, 54061)
_SRGB_COLOURS = {b"rXYZ": (28579, 14582, 913), b"gXYZ": (25236, 46981, 6364), b"bXYZ": (9375, 3973, 46784)}


def gray_profile(curve: bytes, pcs: bytes = b"XYZ ") -> bytes:
    """A profile for grey, version 2, with a curve of its own."""
    return _profile(b"GRAY" + pcs, {b"kTRC": curve})


def three_channel_profile(curve: bytes, space: bytes = b"RGB ") -> bytes:
    """sRGB's colours with a curve of its own. Of another ``space`` it says that it is for other samples."""
    colours = {name: _xyz(*colour) for name, colour in _SRGB_COLOURS.items()}
    return _profile(space + b"XYZ ", {**colours, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def _profile(spaces: bytes, more: dict[bytes, bytes]) -> bytes:
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(4 + 4 + 2 + 1 + 67)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(*_D50), **more}
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = bytearray(SRGB[:128])
    head[0:4] = struct.pack(">I", at + len(data))
    head[8:24] = b"\2\x20\0\0mntr" + spaces
    head[84:100] = bytes(16)
    return bytes(head) + struct.pack(">I", len(tags)) + table + data


def _xyz(*values: int) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *values)
