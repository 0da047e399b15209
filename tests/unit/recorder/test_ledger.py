"""Whatever the order of events: each frame is recorded, lost by name, or still pending, and none is written twice."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.recorder.ledger.ledger import BATCH_FRAMES, LEASE_S, Ledger
from services.recorder.ledger.losses import SetAside
from services.recorder.ledger.streams import DEAD_GRACE_S, TRIES
from shared.bus.requests.generator import ListedFrame, Listing
from shared.frame import Frame, FrameKey, FrameRef, SessionStamp
from shared.session.writing.journal import JournaledFrame, LeftJournal
from shared.session.writing.spill import SpilledFrame
from tests.support.frames import frame_fields, frame_of

SESSIONS = ("s", "t")
Key = tuple[str, str, int]
ODD = SetAside("odd")


@lru_cache
def made(key: Key) -> Frame:
    session_id, epoch, number = key
    return frame_of(frame_fields(number, epoch=epoch, session_id=session_id, frame_id=name_of(key)), b"")


def name_of(key: Key) -> str:
    return f"{key[1]}-{key[0]}-{key[2]}"


def ref_of(key: Key) -> FrameRef:
    return FrameRef(session_id=key[0], epoch=key[1], record_seq=key[2])


def key_of(frame: Frame | FrameRef) -> Key:
    assert frame.session_id is not None
    assert frame.record_seq is not None
    return frame.session_id, frame.epoch, frame.record_seq


def test_a_session_is_closed_when_nothing_of_it_is_expected() -> None:
    ledger = Ledger()
    ledger.opened("s", 0)
    assert ledger.may_close("s", 0.0)
    ledger.active = SessionStamp(session_id="s", created_at=1.0)
    assert not ledger.may_close("s", 0.0)
    ledger.active = None
    with ledger.changing():
        assert not ledger.may_close("s", 0.0)
    ledger.lease("s", 0.0)
    assert not ledger.may_close("s", LEASE_S / 2)
    ledger.wrote("s", [], 1, LEASE_S / 2)
    assert not ledger.may_close("s", LEASE_S), "a frame came meanwhile"
    assert ledger.may_close("s", 2 * LEASE_S)
    ledger.release("s")
    ledger.backoff.failed("s", "the disk is full", 0.0)
    assert not ledger.may_close("s", 0.0)
    assert ledger.may_close("s", 1.0)
    assert ledger.closed("s") == 1
    assert ledger.backoff.sessions == {}


class AnyOrder(RuleBasedStateMachine):
    """A generator that stops or dies, a stream that loses anything, frames that cannot be recorded, and a recorder that
    dies: what reaches the disk, in which order, and what is named."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(cache_bytes=50)
        self.now_s = 0.0
        self.epoch = 0
        self.made: dict[str, int] = {}
        self.backlog: set[Key] = set()
        self.unfit: set[Key] = set()
        self.spill: dict[Key, SpilledFrame] = {}
        self.disk: list[Key] = []
        self.written: set[Key] = set()
        """By this life of the recorder."""
        self.lost: set[Key] = set()
        self.gone: set[Key] = set()
        """With a generator that was killed."""
        self.missed: set[Key] = set()
        """Those of them that this life of the recorder knew to wait."""
        self.journal: set[Key] = set()
        """Of those in the backlog, those that the generator wrote down in time."""
        self.left: dict[str, set[Key]] = {}
        """Journals of generators that have ended."""
        self.ending: str | None = None
        """One that has not let go of its journal yet."""

    @property
    def name(self) -> str:
        return f"e{self.epoch}"

    # -- the generator ------------------------------------------------------------------------------------------------

    @rule(
        session_id=st.sampled_from(SESSIONS),
        heard=st.integers(0, 2),
        odd=st.sampled_from([False, False, True]),
        journaled=st.sampled_from([True, True, False]),
    )
    def make(self, session_id: str, heard: int, odd: bool, journaled: bool) -> None:
        key = (session_id, self.name, self.made.get(session_id, 0))
        self.made[session_id] = key[2] + 1
        self.backlog.add(key)
        if odd:
            self.unfit.add(key)
        if journaled:
            self.journal.add(key)
        for _ in range(heard):
            self._hear(key)

    @rule(data=st.data(), session_id=st.sampled_from(SESSIONS))
    def hear_an_old_one_again(self, data: st.DataObject, session_id: str) -> None:
        if self.made.get(session_id):
            self._hear((session_id, self.name, data.draw(st.integers(0, self.made[session_id] - 1))))

    @rule()
    def beat(self) -> None:
        self._tick()
        self.ledger.streams.receive_epoch(self.name, self.now_s, self.now_s)
        for session_id in {session_id for session_id, _, _ in self.backlog}:
            waiting = sum(key[0] == session_id for key in self.backlog)
            last = self.made[session_id] - 1
            self.ledger.streams.receive_backlog(self.name, session_id, last, waiting, self.now_s)

    @rule()
    def list_pending(self) -> None:
        frames = tuple(
            ListedFrame(**ref_of(key).model_dump(), frame_id=name_of(key), bytes=1, input_sha256="0" * 64)
            for key in sorted(self.backlog)
        )
        answer = Listing(epoch=self.name, stopping=False, frames=frames, next_record_seq=dict(self.made))
        for again in self.ledger.streams.reconcile(answer, self.now_s):
            assert key_of(again) in self.disk or key_of(again) in self.lost
            self.backlog.discard(key_of(again))

    @rule()
    def kill_generator(self) -> None:
        self.gone |= self.backlog
        self.missed |= {key for key in self.backlog if self.ledger.is_safe(ref_of(key)) is False}
        self._next_generator()

    @rule(slowly=st.booleans())
    def stop_generator(self, slowly: bool) -> None:
        if slowly:
            self.ending = self.name
        self.spill |= {key: SpilledFrame(Path(name_of(key)), made(key)) for key in self.backlog}
        self._next_generator()

    @rule()
    def end_generator(self) -> None:
        self.ending = None

    def _next_generator(self) -> None:
        self.left[self.name] = self.journal & self.backlog
        self.journal = set()
        self.epoch += 1
        self.made, self.backlog = {}, set()
        self._tick()

    def _hear(self, key: Key) -> None:
        self._tick()
        self.ledger.streams.receive_epoch(self.name, self.now_s, self.now_s)
        if not (key in self.unfit and key[2] % 2):  # what cannot be understood is passed over by the subscriber
            self.ledger.streams.add(made(key), bytes(10), self.now_s)

    def _tick(self) -> None:
        self.now_s += 0.01

    # -- the recorder -------------------------------------------------------------------------------------------------

    @rule()
    def fetch(self) -> None:
        for wanted in self.ledger.streams.to_fetch():
            key = key_of(wanted)
            if key not in self.backlog:
                self.ledger.streams.wants_listing = True
            elif key in self.unfit and key[2] % 2:  # what is said of it cannot be understood
                self.ledger.unfit(wanted, name_of(key), ODD)
            else:
                self.ledger.streams.add(made(key), bytes(10), self.now_s, asked=True)

    @rule()
    def read_spill(self) -> None:
        self.ledger.recovered = True
        self.ledger.left.look_again()
        if self.ledger.left.is_wanted:
            living = self.ledger.streams.epoch
            journals = [self._read(epoch) for epoch in self.left if epoch not in (self.ending, living)]
            self.ledger.left.take_journals(journals, [self.ending] if self.ending in self.left else [], self.now_s)
            frames = [self.spill[key] for key in sorted(self.spill)]
            self.ledger.left.take_spill(frames, self.ledger.streams.generations)

    def _read(self, epoch: str) -> LeftJournal:
        keys = sorted(self.left[epoch] - set(self.disk))
        frames = [FrameKey(**ref_of(key).model_dump(), frame_id=name_of(key)) for key in keys]
        return LeftJournal(Path(epoch), [JournaledFrame(frame, answered=True) for frame in frames])

    @rule()
    def remove_journals(self) -> None:
        for left in self.ledger.left.settled_journals():
            known = set(self.disk) | self.lost | self.spill.keys()
            assert self.left.pop(left.path.name) <= known, "each of its frames is on disk, or lost by name"

    @rule(acknowledged=st.booleans())
    def write(self, acknowledged: bool) -> None:
        if self.ledger.left.is_wanted:
            return
        for session_id in self.ledger.ready():
            if not self.ledger.backoff.may_try(session_id, self.now_s):
                continue
            self.ledger.backoff.succeeded(session_id)
            if session_id in self.ledger.left.spilled:
                self._take_out(session_id)
            else:
                self._write_ready(session_id, acknowledged=acknowledged)

    def _take_out(self, session_id: str) -> None:
        frames = self.ledger.left.spilled[session_id][:BATCH_FRAMES]
        if any(key_of(spilled.frame) in self.unfit for spilled in frames):
            frames = frames[:1]
        keys = [key_of(spilled.frame) for spilled in frames]
        usable = [key for key in keys if key not in self.unfit]
        for spilled in frames:
            if key_of(spilled.frame) in self.unfit:
                self.ledger.left.spoilt(spilled, "odd")
        self._record(session_id, usable)
        self.ledger.left.took_out(session_id, frames)
        for key in usable:
            del self.spill[key]

    def _write_ready(self, session_id: str, *, acknowledged: bool) -> None:
        keys = [key_of(received.frame) for received in self.ledger.batch(session_id)]
        odd = next((key for key in keys if key in self.unfit), None)
        if odd is not None:
            self.ledger.streams.refuse(ref_of(odd))
            self.ledger.unfit(ref_of(odd), name_of(odd), ODD)
            return
        assert not self.written & set(keys)
        self._record(session_id, keys)
        if acknowledged:
            self.backlog -= set(keys)

    def _record(self, session_id: str, keys: list[Key]) -> None:
        self.disk += [key for key in keys if key not in self.disk]
        self.written |= set(keys)
        count = sum(key[0] == session_id for key in self.disk)
        self.ledger.wrote(session_id, [ref_of(key) for key in keys], count, self.now_s)

    @rule(session_id=st.sampled_from(SESSIONS))
    def disk_refuses(self, session_id: str) -> None:
        if session_id in self.ledger.ready():
            self.ledger.backoff.failed(session_id, "the disk is full", self.now_s)

    @rule()
    def name_losses(self) -> None:
        for session_id, frames in self.ledger.losses_due(self.now_s).items():
            known = {name_of(key) for key in self.disk}
            lost = [frame for frame in frames if frame.frame_id not in known]
            assert not {key_of(frame.ref) for frame in lost} & set(self.disk)
            self.lost |= {key_of(frame.ref) for frame in lost}
            self.ledger.named(session_id, frames, [str(frame.frame_id) for frame in lost])
            self.backlog -= {key_of(frame.ref) for frame in lost if frame.aside is not None}

    @rule()
    def close(self) -> None:
        for session_id in list(self.ledger.recorded):
            if self.ledger.may_close(session_id, self.now_s):
                assert self.ledger.pending(session_id) == 0
                self.ledger.closed(session_id)

    @rule()
    def restart_recorder(self) -> None:
        self.ledger, self.written, self.missed = Ledger(cache_bytes=50), set(), set()

    @rule()
    def wait(self) -> None:
        self.now_s += DEAD_GRACE_S
        self.ledger.give_up(self.now_s)

    # -- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_written_twice_or_out_of_order(self) -> None:
        assert len(set(self.disk)) == len(self.disk)
        for stream in {key[:2] for key in self.disk}:
            numbers = [key[2] for key in self.disk if key[:2] == stream]
            assert numbers == sorted(numbers)

    @invariant()
    def what_is_called_safe_is_on_disk(self) -> None:
        on_disk = set(self.disk)
        for key in self.backlog | self.gone | self.lost:
            assert not self.ledger.is_safe(ref_of(key)) or key in on_disk

    def teardown(self) -> None:
        self.ending = None
        journaled = set().union(*self.left.values())
        for _ in range(200 + TRIES * len(self.unfit)):
            self.read_spill()
            self.beat()
            self.wait()
            if self.ledger.streams.wants_listing:
                self.list_pending()
            self.fetch()
            self.write(acknowledged=True)
            self.name_losses()
            self.remove_journals()
            if not self.backlog and not self.ledger.sessions() and not self.ledger.left.is_wanted:
                break
        self.nothing_is_written_twice_or_out_of_order()
        assert not self.backlog, "the generator need not hold anything"
        assert not self.ledger.sessions()
        assert not self.ledger.losses_due(self.now_s)
        assert all(key in self.unfit for key in self.spill), "what stays in the spill cannot be used"
        everything = {(session, self.name, number) for session, count in self.made.items() for number in range(count)}
        everything |= set(self.disk) | set(self.spill)
        for key in everything:
            assert (key in self.disk) != (key in self.lost), key
            assert (key in self.lost) == (key in self.unfit), key
        assert not self.left, "no journal is left"
        assert all(key in self.disk or key in self.lost or key in self.spill for key in journaled)
        assert self.lost <= self.unfit | self.gone, "nothing else is lost"
        assert all((key in self.disk) != (key in self.lost) for key in self.missed)


AnyOrder.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAnyOrder = AnyOrder.TestCase
