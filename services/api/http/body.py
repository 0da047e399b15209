"""Reading a request's body: with a limit, at a pace, within the memory that all bodies share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

from starlette.requests import Request

from services.api.http.forms import Form
from services.api.http.json_body import JsonBody
from services.api.http.pace import Closes, Pace
from services.api.http.schemas import GenerateRequest, from_form
from services.api.http.uploads import Reader, Uploads
from shared.errors import PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 96 * 1024 * 1024


class BodyTooLarge(Closes, PayloadTooLarge):
    """Over twice the limit, or announced so: the rest is not read, and the connection closes."""


def announced_bytes(request: Request) -> int:
    """The length of a body by its header; 0 without a valid one."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def asks_first(request: Request) -> bool:
    """Whether the client sends the body only once it is asked for it."""
    return request.headers.get("expect", "").lower() == "100-continue"


@asynccontextmanager
async def received(request: Request, reader: Reader, limit_bytes: int = MAX_BODY_BYTES) -> AsyncIterator[None]:
    """Have a reader take the whole body. Its memory counts as used until the block ends.

    A refused body is still read to its end, up to twice the limit: a client that is cut off while it sends reports a
    broken connection rather than our answer. One that asks first (``Expect: 100-continue``) is answered at once.

    Raises PayloadTooLarge, ClientDisconnect, RequestTimeout if it hardly comes, ServerBusy if there is no memory,
    or what the reader refuses it with.
    """
    too_large = f"The body is larger than {limit_bytes >> 20} MiB; send a smaller or better compressed image."
    if announced_bytes(request) > (limit_bytes if asks_first(request) else 2 * limit_bytes):
        raise BodyTooLarge(too_large)
    uploads: Uploads = request.app.state.uploads
    pace = Pace(request)
    with uploads.begin(reader) as upload:
        while not pace.ended:
            piece = await pace.next()
            if pace.received_bytes > 2 * limit_bytes:
                raise BodyTooLarge(too_large)
            if pace.received_bytes > limit_bytes:
                upload.fail(PayloadTooLarge(too_large))
            await upload.take(piece)
        upload.complete()
        if pace.received_bytes > limit_bytes:
            raise PayloadTooLarge(too_large)
        if upload.failure is not None:
            raise upload.failure
        yield


class RawBody:
    """Keeps the first ``keeps_bytes`` of a body as they are, and notes whether all of it is white space."""

    def __init__(self, keeps_bytes: int) -> None:
        self._keeps_bytes = keeps_bytes
        self._kept = BytesIO()
        self.is_blank = True
        self.length_bytes = 0

    @property
    def held_bytes(self) -> int:
        return self._kept.tell()

    def feed(self, piece: bytes) -> None:
        self.length_bytes += len(piece)
        self.is_blank = self.is_blank and not piece.strip()
        room = self._keeps_bytes - self._kept.tell()
        self._kept.write(memoryview(piece)[: max(0, room)])

    def drop(self) -> None:
        self._kept = BytesIO()

    def finish(self) -> bytes:
        return self._kept.getvalue()


def generate_body(content_type: str) -> JsonBody | _FormBody:
    """The reader of a ``/generate`` body. Raises UnsupportedMediaType; InvalidRequest for a form without a boundary."""
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "application/json":
        return JsonBody()
    if kind == "multipart/form-data":
        return _FormBody(content_type)
    raise UnsupportedMediaType(
        f"The content type is {content_type[:100]!r}; send application/json (with curl: "
        "-H 'Content-Type: application/json'), or multipart/form-data with the image as the file field 'image'."
    )


class _FormBody(Form):
    """A ``/generate`` request as a form."""

    def finish(self) -> tuple[GenerateRequest, bytes]:
        fields, files = self.parts()
        image = files.pop("image", None)
        problems: dict[str, str] = dict.fromkeys(files, "there is no such file field; the image goes into 'image'")
        if "image" in fields:
            fields.pop("image")
            problems["image"] = "send the image as a file (with curl: -F image=@picture.png)"
        elif image is None:
            problems["image"] = "the image is missing; send a PNG, JPEG or WebP file"
        request = from_form(fields, problems)
        assert image is not None
        return request, image
