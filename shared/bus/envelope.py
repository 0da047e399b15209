"""Message to ZeroMQ frames and back: pure functions, and the only place that knows the envelope.

Published: ``[topic, header, payload]``. Request and reply: ``[header, *payloads]``. A header is one JSON object that
holds the envelope, and is read within limits. What cannot be read raises MalformedMessage, or UnsupportedVersion
where it is of a newer protocol.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeGuard

import orjson

from shared.bounds import is_deeper
from shared.bus.channels import topic_of
from shared.bus.message import PROTOCOL_VERSION, Envelope
from shared.bus.messages import HEARD, AnyMessage
from shared.errors import (
    InternalError,
    InvalidRequest,
    MalformedMessage,
    ParafoveaError,
    UnsupportedVersion,
    from_code,
)
from shared.fields import MAX_ID_CHARS, cut
from shared.ids import new_id
from shared.json_loads import loads
from shared.refusals import MAX_NAMED

Payload = bytes | memoryview

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

_ENVELOPE = frozenset({"type", *Envelope.model_fields})


@dataclass(frozen=True, slots=True)
class Published:
    """A message as a subscriber sees it. ``header``: the envelope's fields and the message's own, as they came;
    ``message``: its own, checked; None of a type that is not known here."""

    type: str
    header: dict[str, Any]
    payload: bytes
    message: AnyMessage | None = None

    @property
    def sent_at(self) -> float:
        """When it was sent, in Unix seconds of its sender's clock."""
        return float(self.header["time"])


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its handler sees it; ``body`` is the header with the envelope's fields in it."""

    type: str
    id: str
    body: dict[str, Any]
    payloads: tuple[bytes, ...] = ()


class StrangeAnswer(InternalError):
    """What a process answered cannot be understood: it is of another version, or wrong. An error of the one request.
    ``body``: the header of the answer; ``payload``: its image, where one came."""

    def __init__(self, detail: str, body: dict[str, Any], payload: bytes = b"") -> None:
        super().__init__(detail)
        self.body = body
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers: the fields of the reply and any payloads behind it."""

    body: dict[str, Any] = field(default_factory=dict)
    payloads: tuple[Payload, ...] = ()

    @property
    def payload(self) -> bytes:
        """The one payload of a reply that has one. Raises StrangeAnswer: it has none."""
        if not self.payloads:
            told = f"the answer '{self.body.get('type')}' came without the bytes that belong to it"
            raise StrangeAnswer(told, self.body)
        return bytes(self.payloads[0])


def own_fields(header: Mapping[str, Any]) -> dict[str, Any]:
    """What a header says beside its envelope."""
    return {key: value for key, value in header.items() if key not in _ENVELOPE}


def encode_published(message: AnyMessage, payload: Payload = b"") -> list[Payload]:
    """Topic, header and payload of a message."""
    header = {**_begun(message.type, new_id()), **message.flat()}
    return [topic_of(message.type), orjson.dumps(header), payload]


def decode_published(frames: Sequence[bytes]) -> Published:
    """Read a published message: three frames, and a header with a type that fits the topic."""
    if len(frames) != 3:
        raise MalformedMessage(f"a published message has 3 frames, not {len(frames)}")
    topic, raw_header, payload = frames
    header = _read_header(raw_header)
    if topic != topic_of(header["type"]):
        raise MalformedMessage(f"the topic {bytes(topic[:MAX_TYPE_CHARS])!r} does not fit the type {header['type']!r}")
    return Published(header["type"], header, payload)


def checked(published: Published) -> Published:
    """The message with its fields as their types, or ValueError. One of a type that is not known stays as it came."""
    kind = HEARD.get(published.type)
    if kind is None:
        return published
    Envelope.model_validate(published.header)
    return replace(published, message=kind.model_validate(own_fields(published.header)))


def encode_request(
    message_type: str,
    body: dict[str, Any],
    payloads: Sequence[Payload] = (),
    *,
    message_id: str | None = None,
) -> list[Payload]:
    """Header and payloads of a request. Raises InvalidRequest: it holds what JSON cannot say; MalformedMessage: it is
    larger than anybody reads."""
    try:
        header = orjson.dumps({**body, **_begun(message_type, message_id or new_id())})
    except TypeError as error:  # text from a command line that is no UTF-8
        raise InvalidRequest(f"the request cannot be written as JSON ({error}); write it in UTF-8") from None
    _check_size(header)  # here rather than there, where not even its id would be read
    return [header, *payloads]


def decode_request(frames: Sequence[bytes]) -> Request:
    """Read a request, whose header has a ``type`` and an ``id`` and is not too large."""
    if not frames:
        raise MalformedMessage("a request has at least a header")
    _check_size(frames[0])
    header = _read_header(frames[0])
    if not _is_id(header.get("id")):
        raise MalformedMessage(f"a request's header needs an 'id', a string of at most {MAX_ID_CHARS} characters")
    return Request(header["type"], header["id"], header, tuple(frames[1:]))


def id_of(frames: Sequence[bytes]) -> str | None:
    """The id in a message that is otherwise unreadable, so that its caller need not wait for the deadline."""
    try:
        _check_size(frames[0])
        header = loads(frames[0])
    except (IndexError, MalformedMessage, orjson.JSONDecodeError):
        return None
    found = header.get("id") if isinstance(header, dict) else None
    return found if _is_id(found) else None


def encode_reply(request: Request, reply: Reply) -> list[Payload]:
    """Header and payloads of the answer to a request."""
    return [orjson.dumps({**reply.body, **_begun(f"{request.type}.ok", request.id)}), *reply.payloads]


def encode_error(request_id: str | None, error: ParafoveaError) -> list[Payload]:
    """The ``error`` reply; ``request_id`` is None where the request was too broken to have one."""
    body = {"code": error.code, "detail": error.detail, "fields": error.fields}
    return [orjson.dumps({**body, **_begun("error", request_id)})]


def decode_reply(frames: Sequence[bytes]) -> tuple[str | None, Reply | ParafoveaError]:
    """The id that a reply answers, and the reply or the error in it."""
    if not frames:
        raise MalformedMessage("a reply has at least a header")
    header = _read_header(frames[0])
    message_id = header.get("id")
    if message_id is not None and not isinstance(message_id, str):
        raise MalformedMessage("a reply's 'id' is the request's, a string")
    if header["type"] == "error":
        detail = cut(str(header.get("detail")))
        return message_id, from_code(str(header.get("code")), detail, _fields(header.get("fields")))
    return message_id, Reply(header, tuple(frames[1:]))


def _fields(value: object) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    return {str(name)[:MAX_TYPE_CHARS]: cut(str(what)) for name, what in islice(value.items(), MAX_NAMED)}


def _is_id(value: object) -> TypeGuard[str]:
    """Whether a value can be the id of a request: it comes back in the answer as it is."""
    return isinstance(value, str) and len(value) <= MAX_ID_CHARS


def _begun(message_type: str, message_id: str | None) -> dict[str, Any]:
    """The envelope of a header that is written now; ``message_id`` None answers a request that has none."""
    return {
        "v": PROTOCOL_VERSION,
        "type": message_type,
        "id": message_id,
        "time": time.time(),
        "monotonic_ns": time.monotonic_ns(),
    }


def _check_size(raw: bytes) -> None:
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


def _read_header(raw: bytes) -> dict[str, Any]:
    """A header that is not too deep, with a type and a version that this side knows."""
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
