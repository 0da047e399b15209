"""Images and fields in a body: base64, JSON, forms."""

from __future__ import annotations

import base64
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.body import decode_base64, parse_generate
from services.api.forms import MAX_FIELD_BYTES, MAX_PARTS, parse_form
from shared.errors import InvalidRequest, ParafoveaError, UnreadableImage


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


@given(st.binary(max_size=200), st.sampled_from(["application/json", "multipart/form-data; boundary=x"]))
def test_no_body_gives_another_error_than_ours(body: bytes, kind: str) -> None:
    with pytest.raises(ParafoveaError):
        parse_generate(body, kind)


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
