"""Messages and requests: what a newer peer adds is passed over, what is missing is named."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.bus.envelope import decode_published, encode_published
from shared.bus.message import PROTOCOL_VERSION
from shared.bus.messages import PUBLISHED, AnyMessage, ReplayStatus, Status
from shared.bus.requests.generator import Acknowledge, Generate
from shared.bus.requests.replayer import CursorRequest, Seek, StartReplay
from tests.support.samples import SAMPLES


@pytest.mark.parametrize("message_type", sorted(PUBLISHED))
def test_unknown_fields_are_ignored(message_type: str) -> None:
    sample = SAMPLES[message_type]
    read = PUBLISHED[message_type].model_validate({**sample.flat(), "invented_in_2031": {"deep": [1]}})
    assert {name: getattr(read, name) for name in type(sample).model_fields} == dict(sample)


def test_a_frame_keeps_what_a_newer_generator_says_of_it() -> None:
    sample = SAMPLES["frame"]
    read = PUBLISHED["frame"].model_validate({**sample.flat(), "invented_in_2031": {"deep": [1]}})
    assert read.flat() == {**sample.flat(), "invented_in_2031": {"deep": [1]}}
    assert list(read.flat()) == [*sample.flat(), "invented_in_2031"]


@pytest.mark.parametrize("message_type", sorted(PUBLISHED))
def test_the_envelope_is_filled_in(message_type: str) -> None:
    header = sent(SAMPLES[message_type])
    assert header["v"] == PROTOCOL_VERSION
    assert header["id"]
    assert header["time"] > 1.6e9
    assert header["monotonic_ns"] > 0
    assert header["type"] == message_type


def test_ids_are_never_the_same_twice() -> None:
    message = ReplayStatus(cursor="a", state="idle", session_id=None, position=0, total=0)
    assert len({sent(message)["id"] for _ in range(100)}) == 100


def sent(message: AnyMessage) -> dict[str, Any]:
    """Its header, as a subscriber gets it."""
    return decode_published([bytes(part) for part in encode_published(message)]).header


def test_a_message_that_was_made_does_not_change() -> None:
    message: Any = SAMPLES["progress"]
    with pytest.raises(ValidationError):
        message.step = 3


def test_a_state_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        Status(epoch="e", state="asleep", last_seq=-1, queue=0, backlog_bytes=0, backlog_limit_bytes=1)


def test_a_model_keeps_what_it_is_told_beyond_the_documented() -> None:
    frame = SAMPLES["frame"].model_dump()
    frame["model"] = {**frame["model"], "files": {"unet": "abc"}}
    assert PUBLISHED["frame"].model_validate(frame).model_dump()["model"]["files"] == {"unet": "abc"}


@pytest.mark.parametrize(
    ("cls", "body"),
    [
        (Generate, {"request_id": "r"}),
        (Seek, {"index": -1}),
        (CursorRequest, {"cursor": ""}),
        (CursorRequest, {"cursor": "x" * 129}),
        (StartReplay, {}),
        (Acknowledge, {"frames": [{"session_id": "s"}]}),
    ],
)
def test_a_request_that_lacks_something_is_refused(cls: type[Any], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        cls.model_validate(body)


@pytest.mark.parametrize(("seed", "fine"), [(0, True), (2**63 - 1, True), (2**63, False), (-1, False)])
def test_a_seed_fits_a_torch_generator(seed: int, fine: bool) -> None:
    body = {
        "request_id": "r",
        "grid_size": 3,
        "target_sector": "BR",
        "prompt": "p",
        "seed": seed,
        "timeout_ms": 1.0,
    }
    if fine:
        assert Generate.model_validate(body).seed == seed
    else:
        with pytest.raises(ValidationError):
            Generate.model_validate(body)
