"""The profile of a grey picture as one for RGB, under which equal samples look as the grey ones did.

A profile for grey (ICC.1:2022, 8.3.4) says how light each level is; the RGB one gets that curve for all three channels
(8.3.3), and colours, which do not matter: of equal samples they mix to white.
"""

from __future__ import annotations

import struct

_HEADER_BYTES = 128
_D50 = (63190, 65536, 54061)
_COLOURS = {b"rXYZ": (33759, 15807, -69), b"gXYZ": (19135, 45366, 2745), b"bXYZ": (10296, 4363, 51385)}
"""Display P3's, in 65536ths. They add up to D50 exactly, and are not sRGB's, for which browsers take all that is near:
either would put many pixels a level off."""
_CURVES = (b"rTRC", b"gTRC", b"bTRC")


def as_rgb(profile: bytes) -> bytes | None:
    """The RGB profile for a grey one; None where that is damaged, or gives lightness in CIELAB."""
    (size,) = struct.unpack_from(">I", profile)
    if profile[16:20] != b"GRAY" or profile[20:24] != b"XYZ " or size > len(profile):
        return None
    try:
        tags = _tags(profile)
    except struct.error:
        return None
    curve = tags.get(b"kTRC")
    if not curve or curve[:4] not in (b"curv", b"para"):
        return None
    named: dict[bytes, bytes] = {name: tags[name] for name in (b"desc", b"cprt") if name in tags}
    named |= {b"wtpt": _xyz(*_D50)} | {name: _xyz(*colour) for name, colour in _COLOURS.items()}
    return _assembled(profile[:_HEADER_BYTES], {**named, b"rTRC": curve})


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    found = {}
    for number in range(min(count, 100)):
        name, start, length = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * number)
        if start + length <= len(profile):
            found[name] = profile[start : start + length]
    return found


def _xyz(*values: int) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *values)


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of these tags; all channels share the curve of ``rTRC``."""
    at = _HEADER_BYTES + 4 + 12 * (len(tags) + len(_CURVES) - 1)
    table, data = [], b""
    for name, body in tags.items():
        names = _CURVES if name == b"rTRC" else (name,)
        table += [struct.pack(">4sII", each, at + len(data), len(body)) for each in names]
        data += body + bytes(-len(body) % 4)
    head = bytearray(header)
    head[0:4] = struct.pack(">I", at + len(data))
    head[12:20] = b"mntrRGB "
    head[84:100] = bytes(16)  # the ID was the other profile's
    return bytes(head) + struct.pack(">I", len(table)) + b"".join(table) + data
