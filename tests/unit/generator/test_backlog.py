"""The backlog: bounded whatever is in flight, nothing let go before it is acknowledged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.backlog import Backlog, HeldFrame, HeldInput, largest_png
from shared.errors import RecordingBacklogFull
from shared.frame import FrameKey, FrameRef
from tests.support.samples import frame

MIB = 1024 * 1024
INPUT = "1" * 64


def held(
    session_id: str, record_seq: int, *, input_name: str = INPUT, png: bytes = b"p" * 10, epoch: str = "e"
) -> HeldFrame:
    made = frame(record_seq, session_id=session_id, record_seq=record_seq, payload=png)
    key = FrameKey(session_id=session_id, epoch=epoch, record_seq=record_seq, frame_id=made.frame_id)
    return HeldFrame(
        key,
        made,
        png,
        HeldInput(input_name, "png", b"input"),
    )


def test_an_input_is_held_once_and_as_long_as_a_frame_needs_it() -> None:
    backlog = Backlog(MIB)
    first, second = held("s", 0), held("s", 1)
    backlog.add(first)
    backlog.add(second)
    assert backlog.held_bytes == 10 + 10 + 5
    assert backlog.acknowledge(first.key)
    assert backlog.input(INPUT) is not None
    assert backlog.acknowledge(second.key)
    assert backlog.input(INPUT) is None
    assert backlog.held_bytes == 0


def test_an_acknowledgement_may_be_repeated_and_must_be_of_this_epoch() -> None:
    backlog = Backlog(MIB)
    backlog.add(held("s", 0))
    assert not backlog.acknowledge(FrameRef(session_id="s", epoch="older", record_seq=0))
    assert backlog.acknowledge(FrameRef(session_id="s", epoch="e", record_seq=0))
    assert not backlog.acknowledge(FrameRef(session_id="s", epoch="e", record_seq=0))


def test_room_is_reserved_for_the_largest_frame_and_given_back() -> None:
    room = 100 + largest_png(64, 64)
    backlog = Backlog(room)
    backlog.reserve("a", "s", 100, 64, 64)
    with pytest.raises(RecordingBacklogFull):
        backlog.reserve("b", "t", 100, 64, 64)
    assert backlog.making() == {"s": 1}
    backlog.release("a")
    backlog.release("a")
    backlog.reserve("b", "t", 100, 64, 64)
    assert backlog.making() == {"t": 1}


def test_pending_is_in_order_within_a_session() -> None:
    backlog = Backlog(MIB)
    for number in (2, 0, 1):
        backlog.add(held("s", number))
    backlog.add(held("t", 7))
    assert [(frame.session_id, frame.record_seq) for frame in backlog.pending()] == [
        ("s", 0),
        ("s", 1),
        ("s", 2),
        ("t", 7),
    ]
    assert backlog.counts() == {"s": 3, "t": 1}


@given(
    st.lists(st.tuples(st.sampled_from("st"), st.integers(0, 5), st.sampled_from("xyz"), st.booleans()), max_size=40)
)
def test_bytes_are_those_of_what_is_held(steps: list[tuple[str, int, str, bool]]) -> None:
    backlog = Backlog(MIB)
    model: dict[tuple[str, int], HeldFrame] = {}
    for session_id, number, input_name, adding in steps:
        one = held(session_id, number, input_name=input_name)
        if adding and (session_id, number) not in model:
            backlog.add(one)
            model[session_id, number] = one
        elif not adding:
            assert (backlog.acknowledge(one.key) is not None) == (model.pop((session_id, number), None) is not None)
    inputs = {frame.input.sha256: frame.input for frame in model.values()}
    assert backlog.held_bytes == sum(len(f.png) for f in model.values()) + sum(len(i.data) for i in inputs.values())
    assert {held_input.sha256 for held_input in backlog.inputs()} == set(inputs)
    assert len(backlog) == len(model)
