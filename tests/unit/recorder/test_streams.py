"""Whatever the stream loses, doubles or reorders: frames are written in order, once, and none is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.ledger.ledger import Ledger
from services.recorder.ledger.losses import SetAside
from services.recorder.ledger.streams import DEAD_GRACE_S, TRIES, Streams
from shared.bus.requests.generator import ListedFrame, Listing
from shared.frame import Frame, FrameRef
from tests.support.frames import frame_fields, frame_of


def ref(number: int, epoch: str = "a", session_id: str = "s") -> FrameRef:
    return FrameRef(session_id=session_id, epoch=epoch, record_seq=number)


def listing(epoch: str, numbers: list[int], end: int, session_id: str = "s") -> Listing:
    frames = tuple(
        ListedFrame(
            session_id=session_id, epoch=epoch, record_seq=n, frame_id=f"{epoch}-{n}", bytes=1, input_sha256="0" * 64
        )
        for n in numbers
    )
    return Listing(epoch=epoch, stopping=False, frames=frames, next_record_seq={session_id: end})


def made(number: int, epoch: str = "a", session_id: str = "s") -> Frame:
    return frame_of(frame_fields(number, epoch=epoch, session_id=session_id), b"")


def tap(streams: Streams, number: int, epoch: str = "a", session_id: str = "s", size: int = 10) -> None:
    streams.receive_epoch(epoch, 1.0, 0.0)
    streams.add(made(number, epoch, session_id), bytes(size), 0.0)


def upcoming(streams: Streams, session_id: str = "s") -> list[int]:
    return [tapped.frame.record_seq for tapped in streams.upcoming(session_id)]


def test_frames_in_order_are_ready_at_once() -> None:
    ledger = Ledger()
    streams = ledger.streams
    for number in range(3):
        tap(streams, number)
    assert streams.ready() == ["s"]
    assert upcoming(streams) == [0, 1, 2]
    streams.wrote([ref(0), ref(1)])
    assert upcoming(streams) == [2]
    assert sum(stream.pending for stream in streams.of("s")) == 1
    assert [ledger.is_safe(ref(number)) for number in (1, 2, 3)] == [True, False, None]


def test_a_later_frame_waits_for_a_missing_one_that_is_fetched() -> None:
    streams = Streams()
    tap(streams, 0)
    tap(streams, 2)
    streams.wrote([ref(0)])
    assert upcoming(streams) == []
    assert streams.to_fetch() == [ref(1)]
    streams.add(made(1, "a"), b"x", 0.0, asked=True)
    assert upcoming(streams) == [1, 2]


def test_a_loss_at_the_tail_shows_in_the_heartbeat() -> None:
    streams = Streams()
    tap(streams, 0)
    streams.wrote([ref(0)])
    streams.receive_backlog("a", "s", 2, 2, 0.0)
    assert streams.to_fetch() == [ref(1)]
    assert sum(stream.pending for stream in streams.of("s")) == 2


def test_a_late_start_asks_where_to_begin() -> None:
    streams = Streams()
    assert streams.wants_listing
    tap(streams, 7)
    assert streams.ready() == []
    assert streams.to_fetch() == []
    streams.reconcile(listing("a", [5, 6, 7], 8), 0.0)
    assert streams.to_fetch() == [ref(5)]
    for number in (5, 6):
        streams.add(made(number, "a"), b"x", 0.0, asked=True)
    assert upcoming(streams) == [5, 6, 7]


def test_frames_acknowledged_by_an_earlier_life_are_settled() -> None:
    streams = Streams()
    tap(streams, 3)
    streams.reconcile(listing("a", [], 4), 0.0)
    assert upcoming(streams) == []
    assert all(stream.finished for stream in streams)


def test_a_lost_acknowledgement_is_repeated() -> None:
    streams = Streams()
    tap(streams, 0)
    tap(streams, 1)
    streams.reconcile(listing("a", [0, 1], 2), 0.0)
    streams.wrote([ref(0), ref(1)])
    streams.receive_backlog("a", "s", 1, 1, 0.0)
    assert streams.wants_listing
    assert streams.reconcile(listing("a", [1], 2), 0.0) == [ref(1)]
    assert not streams.wants_listing


def test_what_does_not_fit_is_dropped_and_fetched_in_its_turn() -> None:
    streams = Streams(cache_bytes=25)
    for number in range(5):
        tap(streams, number)
    assert upcoming(streams) == [0, 1]
    assert streams.cached_bytes == 20
    assert streams.to_fetch() == [ref(2)], "there is room for a little more"
    streams.add(made(2, "a"), bytes(10), 0.0, asked=True)
    assert streams.to_fetch() == []
    streams.wrote([ref(0), ref(1), ref(2)])
    assert streams.to_fetch() == [ref(3)]


def test_sessions_do_not_wait_for_each_other() -> None:
    streams = Streams()
    tap(streams, 0, session_id="one")
    tap(streams, 1, session_id="two")
    streams.reconcile(listing("a", [0, 1], 2, "two"), 0.0)
    assert streams.ready() == ["one"]
    assert streams.to_fetch() == [ref(0, session_id="two")]


def test_a_new_epoch_waits_for_the_old_ones_frames_a_short_while() -> None:
    ledger = Ledger()
    streams = ledger.streams
    tap(streams, 0)
    tap(streams, 2)
    streams.reconcile(listing("a", [0, 1, 2], 3), 0.0)
    streams.receive_epoch("b", 2.0, 10.0)
    assert streams.epoch == "b"
    streams.add(made(0, "b"), b"x", 10.0)
    assert [t.frame.epoch for t in streams.upcoming("s")] == ["a"]
    streams.wrote([ref(0)])
    assert upcoming(streams) == []
    assert streams.to_fetch() == [], "its generator is gone"
    assert streams.give_up(10.0 + DEAD_GRACE_S / 2) == []
    assert streams.give_up(10.0 + DEAD_GRACE_S, waiting={"s"}) == []
    (lost,) = streams.give_up(10.0 + DEAD_GRACE_S)
    assert (lost.ref, lost.frame_id) == (ref(1), "a-1")
    assert [(t.frame.epoch, t.frame.record_seq) for t in streams.upcoming("s")] == [("a", 2)]
    streams.wrote([ref(2)])
    assert [(t.frame.epoch, t.frame.record_seq) for t in streams.upcoming("s")] == [("b", 0)]
    assert ledger.may_come(ref(1)), "it may be in a spill"
    ledger.recovered = True
    ledger.left.take_spill([], ledger.streams.generations)
    assert not ledger.may_come(ref(1))
    assert ledger.may_come(ref(5, epoch="b"))


def test_a_spilled_frame_fills_the_gap_of_a_dead_epoch() -> None:
    streams = Streams()
    tap(streams, 0)
    tap(streams, 2)
    streams.receive_epoch("b", 2.0, 10.0)
    streams.wrote([ref(0), ref(1), ref(2), ref(3)])
    assert streams.give_up(99.0) == []
    assert all(stream.finished for stream in streams)


def test_late_messages_of_a_dead_generator_are_told_by_their_time() -> None:
    streams = Streams()
    streams.receive_epoch("a", 1.0, 0.0)
    streams.receive_epoch("b", 5.0, 0.0)
    assert streams.epoch == "b"
    streams.receive_epoch("a", 2.0, 0.0)
    assert streams.epoch == "b"
    assert streams.epoch == "b"
    streams.add(made(0, "a"), b"x", 0.0)
    assert streams.ready() == ["s"], "a frame is a frame"
    streams.reconcile(listing("c", [], 0), 0.0)
    assert streams.epoch == "c", "an answer is certain"


def test_frames_of_no_session_are_passed_over() -> None:
    streams = Streams()
    frame = made(0).model_copy(update={"session_id": None, "record_seq": None})
    streams.add(frame, b"x", 0.0)
    assert all(stream.finished for stream in streams)


def test_streams_of_dead_generators_are_forgotten() -> None:
    streams = Streams()
    for number in range(100):
        epoch = f"e{number}"
        streams.receive_epoch(epoch, float(number), float(number))
        streams.add(made(0, epoch), b"x", float(number))
        streams.wrote([ref(0, epoch)])
    assert len(list(streams)) <= 2
    assert streams.cached_bytes == 0


@given(st.permutations(range(8)), st.integers(1, 100))
def test_any_order_and_any_room(order: list[int], cache_bytes: int) -> None:
    streams = Streams(cache_bytes)
    for number in order:
        tap(streams, number)
    streams.reconcile(listing("a", list(range(8)), 8), 0.0)
    written: list[int] = []
    while len(written) < 8:
        for wanted in streams.to_fetch():
            streams.add(made(wanted.record_seq, "a"), bytes(10), 0.0, asked=True)
        batch = upcoming(streams)
        assert batch, written
        written += batch
        streams.wrote([ref(number) for number in batch])
    assert written == list(range(8))
    assert streams.cached_bytes == 0


def test_what_cannot_be_recorded_is_stepped_over_after_a_few_tries() -> None:
    ledger = Ledger()
    streams = ledger.streams
    for number in (0, 2):
        tap(streams, number)
    streams.wrote([ref(0)])
    for _ in range(TRIES - 1):
        assert streams.to_fetch() == [ref(1)]
        assert not ledger.unfit(ref(1), "a-1", SetAside("odd"))
    assert upcoming(streams) == []
    assert ledger.unfit(ref(1), "a-1", SetAside("odd"))
    assert upcoming(streams) == [2]
    assert streams.to_fetch() == []
    assert ledger.losses_due(0.0) == {}, "a spill may have it"
    ledger.recovered = True
    ledger.left.take_spill([], ledger.streams.generations)
    ((lost,),) = ledger.losses_due(0.0).values()
    assert (lost.ref, lost.frame_id) == (ref(1), "a-1")
    assert streams.reconcile(listing("a", [1, 2], 3), 0.0) == [], "it is not named yet"
    ledger.named("s", [lost], ["a-1"])
    assert ledger.losses.named == {"s": ["a-1"]}
    assert ledger.losses.reasons == {"a-1": "odd"}
    assert ledger.losses_due(0.0) == {}
    assert streams.reconcile(listing("a", [1, 2], 3), 0.0) == [ref(1)]
    assert not ledger.may_come(ref(1), "a-1")


def test_a_frame_that_comes_after_all_is_recorded_in_its_place() -> None:
    ledger = Ledger()
    streams = ledger.streams
    tap(streams, 0)
    streams.receive_backlog("a", "s", 1, 2, 0.0)
    for _ in range(TRIES - 1):
        ledger.unfit(ref(1), None, SetAside("odd"))
    streams.add(made(1), b"x", 0.0, asked=True)
    assert upcoming(streams) == [0, 1]
    assert not ledger.unfit(ref(1), None, SetAside("odd")), "it is here"
