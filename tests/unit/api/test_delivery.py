"""Which frames are pending, and what became of the others."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from services.api.bus.delivery import REMEMBERED_ANNOUNCEMENTS, DeliveryTracking
from shared.frame import FrameKey


def frame(number: int, session_id: str = "s", epoch: str = "e") -> FrameKey:
    return FrameKey(session_id=session_id, epoch=epoch, record_seq=number, frame_id=f"{epoch}-{session_id}-{number}")


def test_an_announcement_may_come_first() -> None:
    pending = DeliveryTracking()
    pending.recorded(frame(0).frame_id)
    assert pending.add(frame(0)) is None
    assert pending.oldest(1) == []


def test_older_is_by_number_and_by_generator() -> None:
    pending = DeliveryTracking()
    pending.add(frame(5))
    assert pending.has_older(frame(6))
    assert not pending.has_older(frame(4))
    assert not pending.has_older(frame(6, session_id="other"))
    assert pending.has_older(frame(0, epoch="next"))


def test_what_nobody_waits_for_is_not_kept_for_ever() -> None:
    pending = DeliveryTracking()
    for number in range(REMEMBERED_ANNOUNCEMENTS + 1):
        pending.recorded(frame(number).frame_id)
    assert pending.add(frame(0)) is not None, "forgotten: it is waited for"
    assert pending.add(frame(1)) is None, "known to be on disk"


@given(st.lists(st.tuples(st.sampled_from(["add", "recorded", "lost"]), st.integers(0, 5), st.sampled_from("ab"))))
def test_each_frame_has_one_outcome(steps: list[tuple[str, int, str]]) -> None:
    pending = DeliveryTracking()
    open_frames: dict[str, FrameKey] = {}
    announced: set[str] = set()
    lost: list[str] = []
    for step, number, session_id in steps:
        one = frame(number, session_id)
        if step == "add":
            if one.frame_id in announced and one.frame_id not in open_frames:
                assert pending.add(one) is None
                announced.discard(one.frame_id)
            else:
                waiting = pending.add(one)
                assert waiting is not None
                open_frames[one.frame_id] = one
        elif step == "recorded":
            pending.recorded(one.frame_id)
            if open_frames.pop(one.frame_id, None) is None:
                announced.add(one.frame_id)
        else:
            pending.gone(one)
            lost += [one.frame_id] if open_frames.pop(one.frame_id, None) else []
            assert sorted(chain(*pending.lost.values())) == sorted(lost)
        assert {item.frame_id for item in pending.oldest(100)} == set(open_frames)
        for name in "ab":
            assert pending.counts()[name] == sum(item.session_id == name for item in open_frames.values())
    assert set(pending.counts()) == {item.session_id for item in open_frames.values()}
