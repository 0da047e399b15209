"""Base64 of an image, decoded as it comes, so that no step is long and no text is kept."""

from __future__ import annotations

import re
from io import BytesIO

import orjson
import pybase64

from shared.errors import InvalidJson, UnreadableImage
from shared.json_loads import loads

_DATA_URL = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100})*,", re.IGNORECASE)
_BLANKS = b" \t\r\n"
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_ESCAPE_CHARS = 6
"""Of the longest escape: backslash, u and four digits."""


class Base64Stream:
    """Decodes the inside of a JSON string that is plain base64 or a data URL.

    White space is ignored. Escapes occur: PHP writes a slash as ``\\/``, .NET a plus sign as ``\\u002B``.
    """

    def __init__(self) -> None:
        self._out = BytesIO()
        self._cut = b""
        """The start of an incomplete escape."""
        self._odd = b""
        """The start of an incomplete group of four characters."""
        self._is_padded = False
        self._has_begun = False
        self._problem: UnreadableImage | None = None

    @property
    def held_bytes(self) -> int:
        """Memory that the image takes."""
        return self._out.tell()

    def feed(self, raw: bytes) -> None:
        """Take the next piece; the first has the whole head of a data URL. Raises InvalidJson if it is no JSON text."""
        if self._problem is not None:
            return
        raw, self._cut = _before_cut_escape(self._cut + raw)
        try:
            if not self._has_begun:
                self._has_begun = True
                self._decode(_without_head(_unescaped(raw)).translate(None, _BLANKS))
            elif b"\\" in raw or not self._is_plain(raw):
                self._decode(_unescaped(raw).translate(None, _BLANKS))
        except UnreadableImage as error:
            self._problem = error
            self._out = BytesIO()

    def finish(self) -> bytes:
        """The image. Raises InvalidJson if an escape is cut off, UnreadableImage if it is not base64."""
        if self._problem is None:
            try:
                self._decode(_unescaped(self._cut), is_last=True)
            except UnreadableImage as error:
                self._problem = error
        if self._problem is not None:
            raise self._problem
        return self._out.getvalue()

    def _is_plain(self, raw: bytes) -> bool:
        """Decode it if it is plain base64; whether it was."""
        if raw[-3:].translate(None, _ALPHABET):  # perhaps in an incomplete group
            return False
        try:
            self._decode(raw)
        except UnreadableImage:
            return False
        return True

    def _decode(self, text: bytes, *, is_last: bool = False) -> None:
        whole = self._odd + text
        end = len(whole) if is_last else len(whole) // 4 * 4
        if self._is_padded and whole:
            raise _not_base64("Excess data after padding")
        try:
            self._out.write(pybase64.b64decode(memoryview(whole)[:end], validate=True))
        except ValueError as error:
            raise _not_base64(str(error)) from None
        self._odd = whole[end:]
        if end:
            self._is_padded = whole[end - 1] == b"="[0]


def decode_base64(text: str) -> bytes:
    """Decode plain base64 or a data URL, white space ignored. Raises UnreadableImage if it is neither."""
    plain = _without_head(_ascii(text)).translate(None, _BLANKS)
    try:
        return pybase64.b64decode(plain, validate=True)
    except ValueError as error:
        raise _not_base64(str(error)) from None


def _without_head(text: bytes) -> bytes:
    """The text without the head of a data URL."""
    if text[:5].lower() != b"data:":
        return text
    match = _DATA_URL.match(text[:1000].decode("ascii"))
    if match is None or ";base64," not in match[0].lower():
        raise UnreadableImage("image_base64 is a data URL without ';base64,'; send data:image/png;base64,...")
    return text[match.end() :]


def _before_cut_escape(raw: bytes) -> tuple[bytes, bytes]:
    """Split off an incomplete escape at the end."""
    last = raw.rfind(b"\\", max(0, len(raw) - _ESCAPE_CHARS))
    if last < 0:
        return raw, b""
    before = raw[: last + 1]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    length = _ESCAPE_CHARS if raw[last + 1 : last + 2] == b"u" else 2
    if backslashes % 2 == 0 or last + length <= len(raw):
        return raw, b""
    return raw[:last], raw[last:]


def _unescaped(raw: bytes) -> bytes:
    """The text of a JSON string with this inside."""
    try:
        text: str = loads(b'"' + raw + b'"')
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The body is not JSON ({error.msg}, in image_base64); send one JSON object.") from None
    return _ascii(text)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise _not_base64("string argument should contain only ASCII characters") from None


def _not_base64(reason: str) -> UnreadableImage:
    return UnreadableImage(f"image_base64 is not base64 ({reason}); encode the whole file, padding included.")
