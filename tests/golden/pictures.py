"""Pictures by hand, the same bytes on every machine, and what a file of any kind is, in a few words."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from typing import Any

from tests.golden import raw_json
from tests.golden.raw_json import Number

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(width: int = 64, height: int = 64, value: int = 120, text: dict[str, Any] | None = None) -> bytes:
    """A picture of one grey, with ``text`` as a frame carries it. Not compressed: zlib's bytes hang on its version."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    told = b"" if text is None else chunk(b"iTXt", b"parafovea\0\0\0\0\0" + json.dumps(text).encode())
    pixels = zlib.compress((b"\0" + bytes([value]) * (3 * width)) * height, 0)
    return SIGNATURE + chunk(b"IHDR", header) + told + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def photograph(width: int = 96, height: int = 64, *, orientation: int = 6) -> bytes:
    """A JPEG that says in its EXIF how it was held."""
    from PIL import Image

    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80, exif=exif)
    return out.getvalue()


def chunks(data: bytes) -> list[tuple[str, bytes]]:
    """The chunks of a PNG, each proved by its sum.

    Raises:
        ValueError: it is none, or damaged.
    """
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    found, at = [], len(SIGNATURE)
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if zlib.crc32(kind + body) != int.from_bytes(data[at + 8 + length : at + 12 + length], "big"):
            raise ValueError(f"the sum of {kind!r} is wrong")
        found.append((kind.decode(), body))
        at += 12 + length
    return found


def describe(data: bytes) -> Any:
    """What these bytes are. Pixels differ between machines: of a picture there is its kind, size, and its hash's
    number; JSON is given as it is."""
    if not data:
        return "nothing"
    digest = hashlib.sha256(data).hexdigest()
    if data == SIGNATURE:
        return "the first bytes of a PNG"
    if data.startswith(SIGNATURE):
        found = chunks(data)
        size = f"{int.from_bytes(found[0][1][:4], 'big')}x{int.from_bytes(found[0][1][4:8], 'big')}"
        return {"png": size, "chunks": list(dict.fromkeys(kind for kind, _ in found)), "sha256": digest}
    if data.startswith(b"\xff\xd8"):
        return {"jpeg": digest}
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP"
    if data.startswith(b"\x1f\x8b"):
        return "gzip"
    try:
        return {"json": raw_json.read(data)}
    except ValueError:
        return {"text": data.decode()[:40]} if data.isascii() else "bytes"


def texts(data: bytes) -> dict[str, Any]:
    """The text chunks of a PNG: keyword, compression flag and method, language, and the JSON in it."""
    found: dict[str, Any] = {}
    for kind, body in chunks(data):
        if kind in ("tEXt", "zTXt", "iTXt"):
            keyword, rest = body.split(b"\0", 1)
            language, translated, text = rest[2:].split(b"\0", 2)
            found[keyword.decode()] = {
                "kind": kind,
                "compressed": Number(rest[0]),
                "method": Number(rest[1]),
                "language": language.decode(),
                "translated": translated.decode(),
                "json": raw_json.read(zlib.decompress(text) if rest[0] else text),
            }
    return found
