"""A request in JSON with an image in it, split while it comes.

The image goes to the base64 decoder. Only the short rest is parsed, so no body makes the parser run for long.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Generic

import orjson

from services.api.http.base64_stream import Base64Stream, decode_base64
from services.api.http.schemas import ModelT, checked, invalid
from shared.bounds import is_deeper
from shared.errors import InvalidJson, InvalidRequest
from shared.json_loads import NameTwice, loads

IMAGE = "image_base64"
NAMED = ("image_sha256",)
"""What may stand for the image."""
MAX_DEPTH = 16
"""Of objects and lists; the deepest field has 4."""
MAX_FIELDS_BYTES = 128 * 1024
"""Of a body without its image. Two prompts of 2000 emoji as escapes are 48 KB."""
LONG_BYTES = 64 * 1024
"""Only the image may be a longer text."""
MAX_QUOTES = 20_000
"""More than any prompt has in it."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_NAME = re.compile(rb'"((?:[^"\\]|\\.){1,200})"[ \t\r\n]*:[ \t\r\n]*\Z')
_NAME_WITHIN = 1000
NO_TEXT = "the image must be a string: base64, or a data URL"
_TWICE = "it is given more than once"


class ImageBody:
    """Reads a body with fields and perhaps one image in base64."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._text_at: int | None = None
        """Where the unfinished text begins in what is kept."""
        self._is_escaped = False
        self._quotes = 0
        self._image: Base64Stream | None = None
        self._in_image = False

    @property
    def held_bytes(self) -> int:
        return len(self._kept) + (self._image.held_bytes if self._image else 0)

    def drop(self) -> None:
        self._kept, self._image = bytearray(), None

    def feed(self, piece: bytes) -> None:
        at = 0
        while at < len(piece):
            at = self._between(piece, at) if self._text_at is None else self._within(piece, at)

    def split(self) -> tuple[dict[str, Any], object]:
        """The fields, and what stands for the image; None where there is none. Raises InvalidJson or InvalidRequest."""
        values = load_object(bytes(self._kept))
        return values, values.pop(IMAGE, None)

    def decoded(self, image: str) -> bytes:
        """The image that :meth:`split` gave as text, encoded as it was. Raises InvalidJson or UnreadableImage."""
        return decode_base64(image) if self._image is None else self._image.finish()

    def _between(self, piece: bytes, at: int) -> int:
        """Take what is between two texts; where the next one begins."""
        quote = piece.find(b'"', at)
        end = len(piece) if quote < 0 else quote + 1
        self._keep(piece[at:end])
        if quote >= 0:
            self._count_quote()
            self._text_at = len(self._kept)
        return end

    def _within(self, piece: bytes, at: int) -> int:
        """Take the inside of a text; where it ends."""
        start = at
        while True:
            quote = piece.find(b'"', start)
            end = len(piece) if quote < 0 else quote
            is_escaped = self._escapes(piece, start, end)
            self._is_escaped = is_escaped and quote < 0
            if quote < 0:
                self._take(piece[at:])
                return len(piece)
            self._count_quote()
            if not is_escaped:
                self._take(piece[at:quote])
                self._kept += b'"'
                self._text_at, self._in_image = None, False
                return quote + 1
            start = quote + 1

    def _escapes(self, piece: bytes, start: int, end: int) -> bool:
        """Whether the character at ``end`` is escaped, in a text that is read up to ``start``."""
        run = end - start - len(piece[start:end].rstrip(b"\\"))
        is_odd = run % 2 == 1
        return is_odd != self._is_escaped if run == end - start else is_odd

    def _take(self, part: bytes) -> None:
        assert self._text_at is not None
        if self._in_image and self._image is not None:
            self._image.feed(part)
        elif len(self._kept) - self._text_at + len(part) <= LONG_BYTES:
            self._keep(part)
        elif (name := self._name()) == IMAGE and self._image is None:
            self._image, self._in_image = Base64Stream(), True
            begun = bytes(self._kept[self._text_at :])
            del self._kept[self._text_at :]
            self._image.feed(begun + part)
        elif name == IMAGE:
            raise invalid({IMAGE: _TWICE})
        else:
            raise invalid({name or "body": f"no text but the image's may have more than {LONG_BYTES} bytes"})

    def _name(self) -> str:
        """The name of the field whose text this is; empty if there is none, or an odd one."""
        assert self._text_at is not None
        before = bytes(self._kept[max(0, self._text_at - 1 - _NAME_WITHIN) : self._text_at - 1])
        match = _NAME.search(before)
        return match[1].decode("utf-8", "replace") if match else ""

    def _keep(self, part: bytes) -> None:
        if len(self._kept) + len(part) > MAX_FIELDS_BYTES:
            if self._kept[:2] == _GZIP or (not self._kept and part[:2] == _GZIP):
                raise InvalidJson("The body is not JSON (it is compressed with gzip); send one JSON object in UTF-8.")
            raise InvalidRequest(
                f"Beside its image the body has more than {MAX_FIELDS_BYTES // 1024} KiB; "
                "send the documented fields only."
            )
        self._kept += part

    def _count_quote(self) -> None:
        self._quotes += 1
        if self._quotes > MAX_QUOTES:
            raise InvalidRequest(
                f"The body has more than {MAX_QUOTES} quotation marks; send the documented fields only."
            )


class JsonBody(ImageBody, Generic[ModelT]):
    """Reads a body with the fields of a model and one picture: in it, or named by one of the fields ``instead``."""

    def __init__(self, model: type[ModelT], instead: tuple[str, ...] = NAMED) -> None:
        super().__init__()
        self._model = model
        self._instead = instead

    def finish(self) -> tuple[ModelT, bytes | None]:
        """The fields, and the encoded image where it was sent. Raises InvalidJson, InvalidRequest or UnreadableImage:
        what is wrong."""
        values, image = self.split()
        given = {IMAGE: image is not None} | {name: values.get(name) is not None for name in self._instead}
        problems = one_picture(given, "a PNG, JPEG or WebP file as base64")
        if image is not None and not isinstance(image, str):
            problems[IMAGE] = NO_TEXT
        asked = checked(self._model, values, problems)
        return asked, self.decoded(image) if isinstance(image, str) else None


def one_picture(given: Mapping[str, bool], what: str) -> dict[str, str]:
    """What is wrong where not exactly one of the fields that stand for a picture is given; the first sends ``what``."""
    sent, *named = given
    found = [name for name, is_given in given.items() if is_given]
    if len(found) > 1:
        return {found[0]: f"give one picture, not {' and '.join(found[1:])} as well"}
    return {} if found else {sent: f"the image is missing; send {what}, or name one by {' or '.join(named)}"}


def load_object(body: bytes) -> dict[str, Any]:
    """A body that is one JSON object, with no name twice.

    Raises InvalidJson, or InvalidRequest: no object, one with a name twice, or one nested deeper than any field.
    """
    body = without_mark(body)
    try:
        values = loads(body)
    except NameTwice as twice:
        raise invalid({twice.name: _TWICE}) from None
    except orjson.JSONDecodeError as error:
        reason = str(error) if body else "it is empty"
        if body[:2] == _GZIP:
            reason = "it is compressed with gzip"
        raise InvalidJson(f"The body is not JSON ({reason}); send one JSON object in UTF-8.") from None
    if not isinstance(values, dict):
        raise InvalidRequest("The body is JSON, but not an object; send one object with the documented fields.")
    too_deep = InvalidRequest(f"The body is nested more than {MAX_DEPTH} deep; send the documented fields only.")
    if is_deeper(values, MAX_DEPTH):
        raise too_deep
    try:
        json.loads(body, object_pairs_hook=_each_once)
    except RecursionError:  # within the first of two values of one name, which orjson has dropped
        raise too_deep from None
    return values


def without_mark(body: bytes) -> bytes:
    """The body without a byte order mark, which Windows editors write (RFC 8259, 8.1)."""
    return body[3:] if body[:3] == _BYTE_ORDER_MARK else body


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a name twice: parsers differ in which one they take."""
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise invalid(dict.fromkeys(twice, _TWICE))
    return dict(pairs)
