"""A multipart form, parsed while it comes: text fields and files, each name once (RFC 7578).

python-multipart finds the parts. Starlette's ``request.form()`` does so too, but has no limit over all clients, writes
files to the disk, takes a name twice, and ignores ``filename*``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.errors import InvalidRequest

MAX_PARTS = 64
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS_BYTES = 256 * 1024
"""Of everything but files, headers of parts included."""

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_EXTENDED_FILENAME = re.compile(rb";\s*filename\*(?:0\*?)?\s*=", re.IGNORECASE)
_PLAIN_ENCODINGS = frozenset({b"", b"binary", b"8bit", b"7bit"})
"""Of a part; RFC 7578, 4.7 deprecates others."""


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    is_file: bool = False
    data: BytesIO = field(default_factory=BytesIO)


def parse_form(body: bytes, content_type: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """Text fields and files by name, of a form in memory; raises InvalidRequest as :class:`Form` does."""
    form = Form(content_type)
    form.feed(body)
    return form.parts()


class Form:
    """Reads a form. Raises InvalidRequest if the content type names no boundary."""

    def __init__(self, content_type: str) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise InvalidRequest(
                "The form's content type names no boundary; let your HTTP client set the content type."
            )
        self._reader = _FormReader()
        events: Any = {name: getattr(self._reader, name) for name in dir(self._reader) if name.startswith("on_")}
        try:
            self._parser = MultipartParser(boundary, events)
        except FormParserError as error:
            raise _malformed(error) from None

    @property
    def held_bytes(self) -> int:
        return self._reader.held_bytes

    def drop(self) -> None:
        self._reader = _FormReader()
        self._parser.callbacks = {}

    def feed(self, piece: bytes) -> None:
        """Raises InvalidRequest: malformed, a name twice, or more parts and longer fields than any request has."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _malformed(error) from None

    def parts(self) -> tuple[dict[str, str], dict[str, bytes]]:
        """Text fields and files by name. Raises InvalidRequest if the form is cut off."""
        try:
            self._parser.finalize()
        except FormParserError as error:
            raise _malformed(error) from None
        if not self._reader.ended:
            raise InvalidRequest("The form is cut off before its last boundary; send the whole of it.")
        return self._reader.fields, self._reader.files


class _FormReader:
    """Takes the parser's calls, and collects the parts."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.held_bytes = 0
        self.ended = False
        self._fields_bytes = 0
        self._part = _Part()
        self._parts = 0
        self._header_name = b""
        self._header_value = b""

    def on_part_begin(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts; send the documented fields only.")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        self._part.headers[self._header_name.decode("latin-1").lower()] = self._header_value
        self._header_name = self._header_value = b""

    def on_headers_finished(self) -> None:
        disposition = self._part.headers.get("content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        # RFC 7578, 4.2 has no use for filename*; there are clients that send it alone where a name is not ASCII.
        self._part.is_file = (
            b"filename" in options or _EXTENDED_FILENAME.search(_QUOTED.sub(b"", disposition)) is not None
        )
        if not self._part.name:
            raise InvalidRequest("A part of the form has no name; let your HTTP client build the form.")
        encoding = self._part.headers.get("content-transfer-encoding", b"").strip().lower()
        if encoding not in _PLAIN_ENCODINGS:
            shown = encoding.decode("latin-1")[:100]
            raise _bad_field(self._part.name, f"it has the Content-Transfer-Encoding {shown!r}; send it as it is")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.data.write(memoryview(data)[start:end])
        self.held_bytes += end - start
        if part.is_file:
            return
        self._count(end - start)
        if part.data.tell() > MAX_FIELD_BYTES:
            raise _bad_field(part.name, f"a text field has at most {MAX_FIELD_BYTES} bytes; send files as files")

    def on_part_end(self) -> None:
        part = self._part
        if part.name in self.fields or part.name in self.files:
            raise _bad_field(part.name, "it is in the form twice")
        if part.is_file:
            self.files[part.name] = part.data.getvalue()
            return
        try:
            self.fields[part.name] = part.data.getvalue().decode("utf-8")
        except UnicodeDecodeError:
            raise _bad_field(part.name, "it is not UTF-8") from None

    def on_end(self) -> None:
        self.ended = True

    def _count(self, length: int) -> None:
        self._fields_bytes += length
        if self._fields_bytes > MAX_FIELDS_BYTES:
            raise InvalidRequest(
                f"Beside its files the form has more than {MAX_FIELDS_BYTES // 1024} KiB; "
                "send the documented fields only."
            )


def _malformed(error: FormParserError) -> InvalidRequest:
    return InvalidRequest(f"The form is malformed ({error}); let your HTTP client build it.")


def _bad_field(name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{name[:100]}: {problem}", fields={name[:100]: problem})
