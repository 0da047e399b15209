"""Reading a request's body, with a limit, and the image and fields in it."""

from __future__ import annotations

import binascii
import json
import re
from collections import Counter
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from services.api.forms import parse_form
from services.api.schemas import GenerateRequest, from_form, from_json, invalid
from shared.errors import InvalidJson, InvalidRequest, PayloadTooLarge, UnreadableImage, UnsupportedMediaType

MAX_BODY_BYTES = 96 * 1024 * 1024
MAX_DEPTH = 16
"""Of objects and lists in a JSON body; the deepest of its fields has 4."""

_DATA_URL = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100})*,", re.IGNORECASE)
_BLANKS = str.maketrans("", "", " \t\r\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"

Body = bytes | bytearray


async def read_body(request: Request, limit_bytes: int = MAX_BODY_BYTES) -> Body:
    """The whole body.

    One over the limit is read to its end all the same, up to twice the limit: a client that is cut off while it sends
    reports a broken connection rather than our answer. One that asks first (``Expect: 100-continue``) is told at once.

    Raises:
        PayloadTooLarge: over the limit.
        ClientDisconnect: the client went away before the end.
    """
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isascii() and length.isdigit() else 0
    asks_first = request.headers.get("expect", "").lower() == "100-continue"
    if announced > (limit_bytes if asks_first else 2 * limit_bytes):
        raise TooMuch(_too_large(limit_bytes))
    body: Body = b""
    received = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        received += len(part)
        if received > 2 * limit_bytes:
            raise TooMuch(_too_large(limit_bytes))
        if received > limit_bytes:
            body = b""
        elif not more and not body:
            return part
        else:
            if not isinstance(body, bytearray):
                body = bytearray()
            body += part
        if not more:
            if received > limit_bytes:
                raise PayloadTooLarge(_too_large(limit_bytes))
            return body


class TooMuch(PayloadTooLarge):
    """Over twice the limit, or announced so: the rest is not read, and the connection closes behind the answer."""


def parse_generate(body: Body, content_type: str) -> tuple[GenerateRequest, bytes]:
    """The fields and the encoded image of a ``/generate`` body.

    Raises:
        UnsupportedMediaType: neither JSON nor a multipart form.
        InvalidJson: not JSON.
        InvalidRequest: a field is missing or does not fit.
        UnreadableImage: the image is not valid base64.
    """
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "application/json":
        return _from_json(body)
    if kind == "multipart/form-data":
        return _from_form(body, content_type)
    raise UnsupportedMediaType(
        f"The content type is {content_type[:100]!r}; send application/json (with curl: "
        "-H 'Content-Type: application/json'), or multipart/form-data with the image as the file field 'image'."
    )


def decode_base64(text: str) -> bytes:
    """Plain base64 or a data URL; line breaks in it do no harm, any other stray character does.

    Raises:
        UnreadableImage: it is neither.
    """
    start = 0
    if text[:5].lower() == "data:":
        match = _DATA_URL.match(text, 0, 1000)
        if match is None or ";base64," not in match[0].lower():
            raise UnreadableImage("image_base64 is a data URL without ';base64,'; send data:image/png;base64,...")
        start = match.end()
    encoded = text[start:] if start else text
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:
        try:
            return binascii.a2b_base64(encoded.translate(_BLANKS), strict_mode=True)
        except ValueError:
            raise UnreadableImage(
                f"image_base64 is not base64 ({error}); encode the whole file, padding included."
            ) from None


def _from_json(body: Body) -> tuple[GenerateRequest, bytes]:
    values = load_object(body)
    image = values.pop("image_base64", None)
    problems: dict[str, str] = {}
    if image is None:
        problems["image_base64"] = "the image is missing; send a PNG, JPEG or WebP file as base64"
    elif not isinstance(image, str):
        problems["image_base64"] = "the image must be a string: base64, or a data URL"
    try:
        request = from_json(values)
    except InvalidRequest as error:
        raise invalid({**problems, **(error.fields or {})}) from None
    if problems or not isinstance(image, str):
        raise invalid(problems)
    return request, decode_base64(image)


def load_object(body: Body) -> dict[str, Any]:
    """A body that is one JSON object, in which no name stands twice.

    Raises:
        InvalidJson: not JSON.
        InvalidRequest: JSON, but no object, or one with a name that stands in it twice.
    """
    body = without_mark(body)
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = str(error) if body else "it is empty"
        if body[:2] == _GZIP:
            reason = "it is compressed with gzip"
        raise InvalidJson(f"The body is not JSON ({reason}); send one JSON object in UTF-8.") from None
    if not isinstance(values, dict):
        raise InvalidRequest("The body is JSON, but not an object; send one object with the documented fields.")
    _check_depth(values)
    json.loads(body, object_pairs_hook=_each_once)
    return values


def without_mark(body: Body) -> Body:
    """The body behind a byte order mark: Windows editors write one; RFC 8259, 8.1 lets a reader pass over it."""
    return body[3:] if body[:3] == _BYTE_ORDER_MARK else body


def _check_depth(value: object, depth: int = 0) -> None:
    """Refuse what is nested deeper than any field: what JSON libraries read and what they write differ in that.

    Raises:
        InvalidRequest: it is.
    """
    if not isinstance(value, (dict, list)):
        return
    if depth == MAX_DEPTH:
        raise InvalidRequest(f"The body is nested more than {MAX_DEPTH} deep; send the documented fields only.")
    for each in value.values() if isinstance(value, dict) else value:
        _check_depth(each, depth + 1)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a name twice: readers differ in which of the two they obey; orjson keeps the last.

    Raises:
        InvalidRequest: naming it.
    """
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise invalid({name[:100]: "it is given more than once" for name in twice[:20]})
    return dict(pairs)


def _from_form(body: Body, content_type: str) -> tuple[GenerateRequest, bytes]:
    fields, files = parse_form(body, content_type)
    image = files.pop("image", None)
    problems: dict[str, str] = dict.fromkeys(files, "there is no such file field; the image goes into 'image'")
    if "image" in fields:
        fields.pop("image")
        problems["image"] = "send the image as a file (with curl: -F image=@picture.png)"
    elif image is None:
        problems["image"] = "the image is missing; send a PNG, JPEG or WebP file"
    try:
        request = from_form(fields)
    except InvalidRequest as error:
        raise invalid({**problems, **(error.fields or {})}) from None
    if problems or image is None:
        raise invalid(problems)
    return request, image


def _too_large(limit_bytes: int) -> str:
    return f"The body is larger than {limit_bytes // (1024 * 1024)} MiB; send a smaller or better compressed image."
