"""Images and fields in a body: base64, JSON, forms."""

from __future__ import annotations

import base64
import binascii
import json
import re
import textwrap
from collections.abc import Callable
from functools import partial

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.http.base64_stream import decode_base64
from services.api.http.body import picture_body
from services.api.http.forms import MAX_FIELD_BYTES, MAX_PARTS, parse_form
from services.api.http.schemas import GenerateRequest
from shared.errors import InvalidRequest, ParafoveaError, UnreadableImage


def parse_generate(body: bytes, content_type: str) -> tuple[GenerateRequest, bytes | None]:
    reader = picture_body(GenerateRequest, content_type)
    reader.feed(body)
    return reader.finish()


@given(st.binary(min_size=1, max_size=300))
def test_base64_in_any_of_its_dresses(data: bytes) -> None:
    plain = base64.b64encode(data).decode()
    wrapped = "\r\n".join(textwrap.wrap(plain, 76)) + "\n"
    for text in (plain, wrapped, f"data:image/png;base64,{plain}", f"DATA:;charset=x;BASE64,{plain}"):
        assert decode_base64(text) == data


@given(st.text(max_size=100))
def test_other_text_is_refused_or_was_base64_after_all(text: str) -> None:
    try:
        data = decode_base64(text)
    except UnreadableImage:
        return
    encoded = text.split(",", 1)[1] if text[:5].lower() == "data:" else text
    assert base64.b64decode("".join(encoded.split()), validate=True) == data


WHOLE = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""RFC 4648: whole groups of four, the last one padded."""


def decoded(decode: Callable[[bytes], bytes], text: bytes) -> bytes | None:
    try:
        return decode(text)
    except ValueError:
        return None


@given(st.binary(max_size=90), st.lists(st.tuples(st.integers(0, 130), st.sampled_from([*b"=A/+-_ \n!\x80\0"]))))
def test_base64_is_read_as_strictly_as_by_python_itself(data: bytes, put_in: list[tuple[int, int]]) -> None:
    text = bytearray(base64.b64encode(data))
    for at, character in put_in[:3]:
        text[at:at] = bytes([character])
    ours = decoded(partial(pybase64.b64decode, validate=True), bytes(text))
    assert (ours is not None) == (WHOLE.fullmatch(text) is not None)
    # Some versions of Python let one sign pass that fills up nothing.
    if not (text.endswith(b"=") and len(text.rstrip(b"=")) % 4 == 0):
        assert ours == decoded(partial(binascii.a2b_base64, strict_mode=True), bytes(text))


@given(st.binary(max_size=200), st.sampled_from(["application/json", "multipart/form-data; boundary=x"]))
def test_no_body_gives_another_error_than_ours(body: bytes, kind: str) -> None:
    with pytest.raises(ParafoveaError):
        parse_generate(body, kind)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ('{"image_base64":"{"}', None),
        ('{"durable":true,"steps":"x","image_base64":"true"}', ["steps"]),
        ('{"ab":1,"b":2,"image_base64":"a"}', ["ab", "b"]),
    ],
)
def test_the_text_of_an_image_may_stand_elsewhere_in_its_body(body: str, fields: list[str] | None) -> None:
    with pytest.raises(ParafoveaError) as caught:
        parse_generate(body.encode(), "application/json")
    assert "more than once" not in str(caught.value.to_json())
    assert (list(caught.value.fields) if caught.value.fields else None) == fields


@given(st.text('{}[]":,\\abt', max_size=8), st.dictionaries(st.text("abt", max_size=3), st.text("abt", max_size=3)))
def test_no_name_is_told_to_stand_twice_where_none_does(image: str, others: dict[str, str]) -> None:
    body = json.dumps({**others, "image_base64": image}).encode()
    told = ""
    try:
        parse_generate(body, "application/json")
    except ParafoveaError as error:
        told = error.detail
    assert "more than once" not in told


def test_an_image_that_is_true_is_one() -> None:
    request, image = parse_generate(b'{"durable":true,"image_base64":"true"}', "application/json")
    assert request.durable
    assert image == base64.b64decode("true")


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form of ``(disposition, data)``."""
    encoded = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"
        for disposition, data in parts
    )
    return encoded + b"--x--\r\n"


KIND = "multipart/form-data; boundary=x"


@given(st.binary(max_size=2000), st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_form_gives_back_what_went_in(data: bytes, text: str) -> None:
    if b"\r\n--x" in data or "\r\n--x" in text:
        return
    body = form(('name="image"; filename="a.png"', data), ('name="prompt"', text.encode()))
    assert parse_form(body, KIND) == ({"prompt": text}, {"image": data})


@pytest.mark.parametrize(
    "body",
    [
        form(('name="a"', b"1"), ('name="a"', b"2")),
        form(*[(f'name="f{number}"', b"1") for number in range(MAX_PARTS + 1)]),
        form(('name="a"', bytes(MAX_FIELD_BYTES + 1))),
        form(('name="a"', b"\xff\xfe")),
        form(("nothing", b"1")),
        form(('name="a"', b"1"))[:-6],
    ],
    ids=["twice", "many", "long", "not UTF-8", "nameless", "cut off"],
)
def test_forms_that_are_not_as_they_should_be(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_form(body, KIND)
