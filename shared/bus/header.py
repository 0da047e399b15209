"""The header of a message: one JSON object that begins with the envelope, read within limits."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson

from shared.bounds import is_deeper
from shared.bus.messages import PROTOCOL_VERSION
from shared.errors import MalformedMessage, UnsupportedVersion
from shared.json_loads import loads

_STRING = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)', re.DOTALL)
"""One that does not end reaches to the end, so that none is looked at twice."""

MAX_TYPE_CHARS = 100
"""A type is a word or two: it comes back in the answer."""
MAX_DEPTH = 250
"""Objects and arrays within each other in a header. orjson reads 1024 and writes 254: what comes in must go on out."""

MAX_REQUEST_HEADER_BYTES = 8 * 1024 * 1024
MAX_REQUEST_ITEMS = 250_000
"""In a request's header: a re-run brings a whole ``sector_prompts.json``, all others need a thousandth. More would hold
up the event loop while it is read."""


def begun(message_type: str, message_id: str | None) -> dict[str, Any]:
    """The envelope of a header that is written now; ``message_id`` None answers a request that has none."""
    return {
        "v": PROTOCOL_VERSION,
        "type": message_type,
        "id": message_id,
        "time": time.time(),
        "monotonic_ns": time.monotonic_ns(),
    }


def check_size(raw: bytes) -> None:
    """Whether a request's header may be read, found without parsing. Raises MalformedMessage: it has too many bytes, or
    items."""
    if len(raw) > MAX_REQUEST_HEADER_BYTES:
        raise MalformedMessage(
            f"the header has {len(raw)} bytes; at most {MAX_REQUEST_HEADER_BYTES} are read: ask for less at a time"
        )
    # Prompts have commas of their own.
    if _items(raw) > MAX_REQUEST_ITEMS and _items(_STRING.sub(b"", raw)) > MAX_REQUEST_ITEMS:
        raise MalformedMessage(f"the header has more than {MAX_REQUEST_ITEMS} items; ask for less at a time")


def _items(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def read_header(raw: bytes) -> dict[str, Any]:
    """A header that is not too deep, with a type and a version that this side knows; see :mod:`shared.bus.envelope`."""
    try:
        header = loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedMessage(f"the header is not JSON: {error}") from None
    kind = header.get("type") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(kind, str) or not kind.isascii() or len(kind) > MAX_TYPE_CHARS:
        raise MalformedMessage(
            f"the header is not a JSON object with a 'type' of at most {MAX_TYPE_CHARS} ASCII characters"
        )
    version = header.get("v")
    if type(version) is not int or version < 1:  # JSON's true is an int to isinstance
        raise MalformedMessage("the header needs 'v', the protocol version, a whole number from 1")
    if version > PROTOCOL_VERSION:
        raise UnsupportedVersion(
            f"protocol version {version} is newer than {PROTOCOL_VERSION}; update this side of the bus"
        )
    # The header itself is one.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH + 1 and is_deeper(header, MAX_DEPTH + 1):
        raise MalformedMessage(f"the header has more than {MAX_DEPTH} objects or arrays within each other")
    return header
