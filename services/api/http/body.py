"""Reading a request's body: with a limit, at a pace, within the memory that all bodies share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Generic, TypeVar

from starlette.requests import Request

from services.api.http.forms import Form
from services.api.http.json_body import NAMED, JsonBody, one_picture
from services.api.http.pace import Closes, Pace
from services.api.http.schemas import ModelT, from_form
from services.api.http.uploads import Reader, Uploads
from shared.errors import ParafoveaError, PayloadTooLarge, UnsupportedMediaType

ReaderT = TypeVar("ReaderT", bound=Reader)

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
async def received(
    request: Request, choose: Callable[[str], ReaderT], limit_bytes: int = MAX_BODY_BYTES
) -> AsyncIterator[ReaderT]:
    """Have the reader that ``choose`` has for the content type take the whole body. Its memory counts as used until
    the block ends.

    A refused body is still read to its end, up to twice the limit: a client that is cut off while it sends reports a
    broken connection rather than our answer. One that asks first (``Expect: 100-continue``) is answered at once.

    Raises PayloadTooLarge, ClientDisconnect, RequestTimeout if it hardly comes, ServerBusy if there is no memory,
    or what ``choose`` or the reader refuses it with.
    """
    too_large = f"The body is larger than {limit_bytes >> 20} MiB; send a smaller or better compressed image."
    if announced_bytes(request) > (limit_bytes if asks_first(request) else 2 * limit_bytes):
        raise BodyTooLarge(too_large)
    uploads: Uploads = request.app.state.uploads
    pace = Pace(request)
    reader: ReaderT | None = None
    refusal: ParafoveaError | None = None
    try:
        reader = choose(request.headers.get("content-type", ""))
    except ParafoveaError as error:
        refusal = error
    with uploads.begin(reader or RawBody(0)) as upload:
        if refusal is not None:
            upload.fail(refusal)
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
        assert reader is not None
        yield reader


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


def picture_body(model: type[ModelT], content_type: str) -> JsonBody[ModelT] | FormBody[ModelT]:
    """The reader of a body with the fields of a model and one picture. Raises UnsupportedMediaType; InvalidRequest for
    a form without a boundary."""
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "application/json":
        return JsonBody(model)
    if kind == "multipart/form-data":
        return FormBody(model, content_type)
    raise UnsupportedMediaType(
        f"The content type is {content_type[:100]!r}; send application/json (with curl: "
        "-H 'Content-Type: application/json'), or multipart/form-data with the image as the file field 'image'."
    )


class FormBody(Form, Generic[ModelT]):
    """Reads the same as a form, whose file is the picture."""

    def __init__(self, model: type[ModelT], content_type: str) -> None:
        super().__init__(content_type)
        self._model = model

    def finish(self) -> tuple[ModelT, bytes | None]:
        """The fields, and the encoded image where it was sent. Raises InvalidRequest for what is wrong."""
        fields, files = self.parts()
        image = files.pop("image", None)
        problems: dict[str, str] = dict.fromkeys(files, "there is no such file field; the image goes into 'image'")
        if "image" in fields:
            fields.pop("image")
            problems["image"] = "send the image as a file (with curl: -F image=@picture.png)"
        else:
            given = {"image": image is not None} | {name: bool(fields.get(name)) for name in NAMED}
            problems |= one_picture(given, "a PNG, JPEG or WebP file")
        return from_form(self._model, fields, problems), image
