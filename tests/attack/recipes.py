"""Files of the corpus: bytes as they are (``.raw``), or a recipe (``.json``) for those that are large.

A recipe's bytes are a list of parts, each a text, or an object ``{"make": NAME, ...}`` of :data:`MAKERS`.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.attack import zmtp
from tests.support.studio import flat_png

CORPUS = Path(__file__).parent / "corpus"


def files_of(fuzzer: str) -> list[Path]:
    """The corpus of a fuzzer, in order of names."""
    folder = CORPUS / fuzzer
    return sorted(path for path in folder.glob("*") if path.suffix in (".raw", ".json")) if folder.is_dir() else []


def load(path: Path, victim: str = "") -> dict[str, Any]:
    """A recipe; ``.raw`` is one with its bytes under ``body``. ``@victim@`` stands for an absolute path outside."""
    if path.suffix == ".raw":
        return {"body": path.read_bytes()}
    recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").replace("@victim@", victim))
    return recipe


def made(parts: object) -> bytes:
    """The bytes of a recipe's part, or of a list of parts."""
    if isinstance(parts, bytes):
        return parts
    if isinstance(parts, str):
        return parts.encode("utf-8", "surrogatepass")
    if isinstance(parts, list):
        return b"".join(made(part) for part in parts)
    assert isinstance(parts, dict)
    options = {name: value for name, value in parts.items() if name != "make"}
    return MAKERS[parts["make"]](**options)


def _keys(count: int, length: int = 12) -> bytes:
    """Names and values of an object, without its braces; each name once."""
    return b",".join(b'"%s":0' % str(number).rjust(length, "k").encode() for number in range(count))


def _times(text: str, count: int) -> bytes:
    return text.encode("latin-1") * count


def _zeros(count: int) -> bytes:
    return bytes(count)


def _gzip(parts: object) -> bytes:
    return gzip.compress(made(parts), 1, mtime=0)


def _tar(members: list[dict[str, Any]]) -> bytes:
    """A tar: each member with a ``name``, and perhaps ``type`` (a character), ``link``, ``body``, ``count`` (names with
    a number behind them)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            for number in range(member.get("count", 1)):
                info = tarfile.TarInfo(member["name"] + (str(number) if "count" in member else ""))
                info.type = member.get("type", "0").encode()
                info.linkname = member.get("link", "")
                body = made(member.get("body", ""))
                info.size = len(body)
                info.pax_headers = member.get("pax", {})
                tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _png_base64(width: int, height: int) -> bytes:
    """A PNG whose head promises a size, and whose data are a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _grey_png(width: int, height: int) -> bytes:
    return flat_png(width, height)


def _zmtp(text: str) -> bytes:
    return zmtp.frame(text.encode())


def _zmtp_1(text: str, times: int = 1) -> bytes:
    return zmtp.old_frame(text.encode()) * times


MAKERS: dict[str, Callable[..., bytes]] = {
    "keys": _keys,
    "times": _times,
    "zeros": _zeros,
    "hex": _hex,
    "gzip": _gzip,
    "tar": _tar,
    "nested": _nested,
    "png_base64": _png_base64,
    "grey_png": _grey_png,
    "zmtp": _zmtp,
    "zmtp_1": _zmtp_1,
}
