"""A JSON body that is taken apart while it comes says the same as one that is parsed whole."""

from __future__ import annotations

import base64
import json
import textwrap
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.http import json_body
from services.api.http.base64_stream import Base64Stream
from services.api.http.json_body import LONG_BYTES, MAX_FIELDS_BYTES, MAX_QUOTES, JsonBody
from services.api.http.schemas import GenerateRequest
from shared.errors import InvalidJson, InvalidRequest, ParafoveaError, UnreadableImage
from shared.refusals import MAX_NAMED

LONG_IMAGE = bytes(range(256)) * 300


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


def outcome(body: bytes, cuts: list[int]) -> object:
    reader = JsonBody(GenerateRequest)
    try:
        for piece in pieces(body, cuts):
            reader.feed(piece)
        return reader.finish()
    except ParafoveaError as error:
        return type(error)


def dressed(data: bytes, dress: str) -> str:
    """An image's text as the inside of a JSON string, as different programs write it."""
    plain = base64.b64encode(data).decode()
    return {
        "plain": plain,
        "data URL": f"data:image/png;base64,{plain}",
        "PHP": f"data:image/png;base64,{plain}".replace("/", "\\/"),
        ".NET": plain.replace("+", "\\u002B").replace("/", "\\u002f").replace("=", "\\u003d"),
        "lines": "\\r\\n".join(textwrap.wrap(plain, 76)) + "\\n",
    }[dress]


@given(
    st.binary(min_size=100, max_size=400),
    st.sampled_from(["plain", "data URL", "PHP", ".NET", "lines"]),
    st.text(max_size=30),
    st.lists(st.integers(0, 2000), max_size=12),
)
def test_an_image_in_any_dress_and_any_pieces(data: bytes, dress: str, prompt: str, cuts: list[int]) -> None:
    text = f'{{"prompt": {json.dumps(prompt)}, "image_base64" : "{dressed(data, dress)}", "focus_sector":"TL"}}'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_body, "LONG_BYTES", 64)
        if len(json.dumps(prompt)) - 2 > 64:
            return
        reader = JsonBody(GenerateRequest)
        for piece in pieces(text.encode(), cuts):
            reader.feed(piece)
        asked, image = reader.finish()
    assert image == data
    assert asked.prompt == prompt


@given(
    st.lists(st.sampled_from(['"', "\\", "u002b", "image_base64", ":", ",", "{", "}", "A" * 30, "=", "1", " ", "\n"])),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_pieces_make_no_difference(parts: list[str], cuts: list[int]) -> None:
    body = ('{"image_base64":"' + "".join(parts)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_body, "LONG_BYTES", 20)
        whole, apart = outcome(body, []), outcome(body, cuts)
        patch.setattr(json_body, "LONG_BYTES", LONG_BYTES)
        kept = outcome(body, [])
    assert apart == whole
    assert isinstance(kept, type) == isinstance(whole, type), "nothing passes in one way alone"


@pytest.mark.parametrize("cut", range(12))
def test_a_long_image(cut: int) -> None:
    encoded = base64.b64encode(LONG_IMAGE)
    body = b'{"image_base64":"' + encoded + b'","focus_sector":"TL"}'
    middle = LONG_BYTES + cut
    reader = JsonBody(GenerateRequest)
    for piece in (
        body[:cut],
        body[cut:middle],
        body[middle:-cut] if cut else body[middle:],
        body[-cut:] if cut else b"",
    ):
        reader.feed(piece)
    assert reader.finish()[1] == LONG_IMAGE
    assert reader.held_bytes < len(LONG_IMAGE) + 200, "its text is not kept"


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ("A" * 100_000 + "!!!!", UnreadableImage),
        ("A" * 99_999, UnreadableImage),
        ("A" * 99_998 + "==" + "AAAA", UnreadableImage),
        ("A" * 99_998 + "==" + " " + "A", UnreadableImage),
        ("A" * 100_000 + "ä", UnreadableImage),
        ("A" * 100_000 + "\\x", InvalidJson),
        ("A" * 100_000 + "\n", InvalidJson),
        ("A" * 100_000 + "\\u00", InvalidJson),
        ("A" * 100_000 + '\\"', UnreadableImage),
        ("data:image/png," + "A" * 100_000, UnreadableImage),
    ],
)
@pytest.mark.parametrize("size", [1000, 65_536, 1_000_000])
def test_a_long_text_that_is_no_image(inside: str, error: type[ParafoveaError], size: int) -> None:
    body = f'{{"image_base64":"{inside}","focus_sector":"TL"}}'.encode()
    with pytest.raises(error):  # noqa: PT012
        reader = JsonBody(GenerateRequest)
        for start in range(0, len(body), size):
            reader.feed(body[start : start + size])
        reader.finish()


def test_a_wrong_field_is_told_before_a_wrong_image() -> None:
    reader = JsonBody(GenerateRequest)
    reader.feed(b'{"image_base64":"' + b"!" * 100_000 + b'","steps":"x"}')
    with pytest.raises(InvalidRequest) as caught:
        reader.finish()
    assert list(caught.value.fields or {}) == ["steps"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"prompt":"' + b"x" * 100_000, "prompt"),
        (b'{"' + b"x" * 100_000, "body"),
        (b'{"image_base64":"' + b"A" * 100_000 + b'","image_base64":"' + b"A" * 100_000, "image_base64"),
        (b'{"a":{"image_base64":"' + b"A" * 100_000 + b'"},"focus_sector":"TL"}', "a"),
    ],
)
def test_long_texts_that_are_no_image_are_named(body: bytes, named: str) -> None:
    reader = JsonBody(GenerateRequest)
    with pytest.raises(InvalidRequest) as caught:  # noqa: PT012
        reader.feed(body)
        reader.finish()
    assert named in (caught.value.fields or {})


def test_a_name_twice_with_a_long_image_first() -> None:
    reader = JsonBody(GenerateRequest)
    reader.feed(b'{"image_base64":"' + b"A" * 100_000 + b'","image_base64":"AAAA","focus_sector":"TL"}')
    with pytest.raises(InvalidRequest, match="more than once"):
        reader.finish()


@pytest.mark.parametrize(
    "piece",
    [
        b"[" * 1000,
        b"1," * 500,
        b'"a":0,' * 200,
        b'"",' * 300,
        b'"\\"",' * 200,
        b" " * 1000,
        b'{"a":' * 200,
        b"x" * 1000,
    ],
)
def test_nothing_is_kept_of_what_no_request_has(piece: bytes) -> None:
    reader = JsonBody(GenerateRequest)
    reader.feed(b"{")
    with pytest.raises(InvalidRequest):  # noqa: PT012
        for _ in range(10_000):
            reader.feed(piece)
            assert reader.held_bytes <= MAX_FIELDS_BYTES


def test_quotes_within_a_text_are_counted() -> None:
    reader = JsonBody(GenerateRequest)
    with pytest.raises(InvalidRequest, match=str(MAX_QUOTES)):
        reader.feed(b'{"prompt":"' + b'\\"' * 30_000)


def test_the_longest_request_of_small_texts_is_taken() -> None:
    emoji = "\N{LADY BEETLE}" * 1000 + '"' * 1000
    image = base64.b64encode(bytes(LONG_BYTES // 4 * 3)).decode()
    fields = {"prompt": emoji, "negative_prompt": emoji, "image_base64": image, "focus_sector": "TL"}
    reader = JsonBody(GenerateRequest)
    reader.feed(json.dumps(fields, indent=4).encode())
    assert reader.finish()[0].prompt == emoji


def test_of_many_unknown_names_the_first_are_told() -> None:
    reader = JsonBody(GenerateRequest)
    reader.feed(json.dumps({"image_base64": "AAAA"} | {f"{number}" + "k" * 300: 1 for number in range(300)}).encode())
    with pytest.raises(InvalidRequest, match="280 more") as caught:
        reader.finish()
    assert len(caught.value.fields or {}) == MAX_NAMED
    assert all(len(name) <= 100 for name in caught.value.fields or {})


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), min_size=1))
def test_base64_in_pieces(data: bytes, sizes: list[int]) -> None:
    text = base64.b64encode(data)
    stream = Base64Stream()
    while text and sizes:
        size = sizes.pop()
        stream.feed(text[:size])
        text = text[size:]
    stream.feed(text)
    assert stream.finish() == data


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_deep_under_a_name_that_comes_again_is_refused(opening: str, closing: str) -> None:
    """orjson has dropped it by then; the search for names that stand twice goes into it."""
    deep = opening * 1000 + "1" + closing * 1000
    with pytest.raises(InvalidRequest, match="deep"):
        json_body.load_object(f'{{"prompt":{deep},"prompt":"x"}}'.encode())
