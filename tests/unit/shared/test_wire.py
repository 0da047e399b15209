"""The envelope: round trips, and that no bytes from outside raise anything but a documented error."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.envelope import (
    MAX_DEPTH,
    Reply,
    Request,
    checked,
    decode_published,
    decode_reply,
    decode_request,
    encode_published,
    encode_reply,
    encode_request,
)
from shared.bus.message import PROTOCOL_VERSION
from shared.bus.messages import PUBLISHED
from shared.errors import MalformedMessage, ParafoveaError, UnsupportedVersion
from tests.support.samples import SAMPLES

text = st.text(st.characters(codec="utf-8"), max_size=30)
types = st.text(st.characters(codec="ascii"), max_size=30)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
ENVELOPE = {"v", "type", "id", "time", "monotonic_ns"}
bodies = st.dictionaries(text.filter(lambda name: name not in ENVELOPE), json_values, max_size=5)
payloads = st.lists(st.binary(max_size=40), max_size=3)
DECODERS = [decode_published, decode_request, decode_reply]


def _read_or_refused(decode: Any, frames: list[bytes]) -> bool:
    """True either way; an error that is not of the documented kinds goes through and fails the test."""
    with contextlib.suppress(MalformedMessage, UnsupportedVersion):
        decode(frames)
    return True


def _bytes(frames: list[bytes | memoryview]) -> list[bytes]:
    return [bytes(frame) for frame in frames]


@given(types, bodies, payloads)
def test_a_request_arrives_as_it_was_sent(message_type: str, body: dict[str, Any], behind: list[bytes]) -> None:
    request = decode_request(_bytes(encode_request(message_type, body, behind, message_id="7")))
    assert (request.type, request.id, request.payloads) == (message_type, "7", tuple(behind))
    assert {name: value for name, value in request.body.items() if name not in ENVELOPE} == body


@given(text, bodies, payloads)
def test_a_reply_repeats_the_id_and_names_the_request(
    message_id: str, body: dict[str, Any], behind: list[bytes]
) -> None:
    request = Request("seek", message_id, {})
    found_id, reply = decode_reply(_bytes(encode_reply(request, Reply(body, tuple(behind)))))
    assert isinstance(reply, Reply)
    assert found_id == message_id
    assert reply.body["type"] == "seek.ok"
    assert reply.payloads == tuple(behind)
    assert {name: value for name, value in reply.body.items() if name not in ENVELOPE} == body


def test_a_body_cannot_overwrite_the_envelope() -> None:
    request = decode_request(_bytes(encode_request("next", {"type": "stop", "id": "no", "v": 9}, message_id="7")))
    assert (request.type, request.id, request.body["v"]) == ("next", "7", PROTOCOL_VERSION)


@pytest.mark.parametrize("message_type", sorted(PUBLISHED))
def test_a_published_message_arrives_as_it_was_sent(message_type: str) -> None:
    sample = SAMPLES[message_type]
    frames = _bytes(encode_published(sample, b"payload"))
    assert frames[0] == f"{message_type}|".encode()
    assert json.loads(frames[1])["type"] == message_type
    published = checked(decode_published(frames))
    assert (published.type, published.payload) == (message_type, b"payload")
    assert published.message is not None
    assert published.message.flat() == sample.flat()


def test_no_payload_is_an_empty_frame() -> None:
    assert _bytes(encode_published(SAMPLES["progress"]))[2] == b""


@pytest.mark.parametrize("decode", DECODERS)
@given(frames=st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes_are_read_or_refused(decode: Any, frames: list[bytes]) -> None:
    assert _read_or_refused(decode, frames)


@pytest.mark.parametrize("decode", DECODERS)
@given(
    topic=st.binary(max_size=10),
    header=json_values
    | st.fixed_dictionaries(
        {
            "v": json_values,
            "type": json_values,
            "id": json_values,
            "code": json_values,
            "detail": json_values,
            "fields": json_values,
        }
    ),
)
def test_any_json_is_read_or_refused(decode: Any, topic: bytes, header: Any) -> None:
    raw = orjson.dumps(header)
    frames = [topic, raw, b""] if decode is decode_published else [raw]
    assert _read_or_refused(decode, frames)


MALFORMED = [
    b"",
    b"\xff\xfe",
    b"not json",
    b"null",
    b"[]",
    b"{}",
    b'{"type": "next", "id": "7"}',
    b'{"v": "1", "type": "next", "id": "7"}',
    b'{"v": true, "type": "next", "id": "7"}',
    b'{"v": 0, "type": "next", "id": "7"}',
    b'{"v": 1, "type": 5, "id": "7"}',
    b'{"v": 1, "type": null, "id": "7"}',
    b'{"v": 1, "type": "next", "id": 7}',
    b'{"v": 1, "type": "next", "id": ["7"]}',
    b"[" * 5000,
]


@pytest.mark.parametrize("raw", MALFORMED)
def test_a_malformed_header_is_refused_in_a_sentence(raw: bytes) -> None:
    for decode, frames in ((decode_request, [raw]), (decode_reply, [raw]), (decode_published, [b"next|", raw, b""])):
        if decode is decode_published and b'"id"' in raw and b'"v": 1' in raw and b'"next"' in raw:
            continue  # a subscriber has no use for the id, and does not insist on it
        with pytest.raises(MalformedMessage):
            decode(frames)


def test_a_reply_without_an_id_is_read() -> None:
    """A request too broken to have an id is answered, and the answer has none either."""
    raw = b'{"v": 1, "type": "error", "id": null, "code": "malformed_message", "detail": "No."}'
    message_id, error = decode_reply([raw])
    assert message_id is None
    assert isinstance(error, MalformedMessage)


@pytest.mark.parametrize("fields", ["text", 5, ["a"], {"a": 1}])
def test_fields_that_are_no_table_of_sentences_do_not_hide_the_error(fields: Any) -> None:
    raw = orjson.dumps({"v": 1, "type": "error", "id": "7", "code": "queue_full", "detail": "Wait.", "fields": fields})
    _, error = decode_reply([raw])
    assert isinstance(error, ParafoveaError)
    assert error.code == "queue_full"
    assert error.fields is None or all(isinstance(value, str) for value in error.fields.values())


def test_a_newer_version_is_said_to_be_one() -> None:
    raw = orjson.dumps({"v": PROTOCOL_VERSION + 1, "type": "next", "id": "7"})
    for decode, frames in ((decode_request, [raw]), (decode_reply, [raw]), (decode_published, [b"next|", raw, b""])):
        with pytest.raises(UnsupportedVersion, match="update this side"):
            decode(frames)


@pytest.mark.parametrize("frames", [[], [b"next|"], [b"next|", b"{}"], [b"a", b"b", b"c", b"d"]])
def test_a_published_message_has_three_frames(frames: list[bytes]) -> None:
    with pytest.raises(MalformedMessage, match="3 frames"):
        decode_published(frames)


@pytest.mark.parametrize("topic", [b"frame", b"status|", b"", b"\xff|"])
def test_a_topic_that_does_not_fit_is_refused(topic: bytes) -> None:
    with pytest.raises(MalformedMessage, match="does not fit"):
        decode_published([topic, b'{"v": 1, "type": "frame"}', b""])


def test_a_type_beyond_ascii_is_refused_not_a_crash() -> None:
    with pytest.raises(MalformedMessage):
        decode_published(["é|".encode(), '{"v": 1, "type": "é"}'.encode(), b""])


@pytest.mark.parametrize(("depth", "fits"), [(10, True), (249, True), (260, False), (1000, False)])
def test_what_can_be_read_can_be_written_again(depth: int, fits: bool) -> None:
    raw = b'{"v": 1, "type": "frame", "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    frames = [b"frame|", raw, b""]
    if fits:
        assert orjson.dumps(decode_published(frames).header)
    else:
        with pytest.raises(MalformedMessage):
            decode_published(frames)


def test_many_brackets_beside_each_other_are_no_depth() -> None:
    raw = b'{"v": 1, "type": "frame", "x": [' + b", ".join([b"[{}]"] * 1000) + b"]}"
    assert len(decode_published([b"frame|", raw, b""]).header["x"]) == 1000


@pytest.mark.parametrize(("levels", "fits"), [(1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False), (900, False)])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"x":', b"}")])
def test_as_deep_as_can_be_written_again(levels: int, fits: bool, opens: bytes, closes: bytes) -> None:
    inner = opens * levels + (b"1" if opens != b"[" else b"") + closes * levels
    header = b'{"v":1,"type":"status","id":"x","more":' + inner + b"}"
    if fits:
        request = decode_request([header])
        assert encode_reply(request, Reply(request.body))
    else:
        with pytest.raises(MalformedMessage, match="within each other"):
            decode_request([header])
