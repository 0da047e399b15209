"""Whatever the stream loses, doubles or reorders: frames are written in order, once, and none is forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from services.recorder.ledger.streams import DEAD_GRACE_S, Intake
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


def tap(intake: Intake, number: int, epoch: str = "a", session_id: str = "s", size: int = 10) -> None:
    intake.hear_epoch(epoch, 1.0, 0.0)
    intake.add(made(number, epoch, session_id), bytes(size), 0.0)


def upcoming(intake: Intake, session_id: str = "s") -> list[int]:
    return [tapped.frame.record_seq for tapped in intake.upcoming(session_id)]


def test_frames_in_order_are_ready_at_once() -> None:
    intake = Intake()
    for number in range(3):
        tap(intake, number)
    assert intake.ready() == ["s"]
    assert upcoming(intake) == [0, 1, 2]
    intake.wrote([ref(0), ref(1)])
    assert upcoming(intake) == [2]
    assert intake.pending("s") == 1
    assert intake.is_done(ref(1))
    assert intake.is_waiting(ref(2))
    assert not intake.is_waiting(ref(3))


def test_a_later_frame_waits_for_a_missing_one_that_is_fetched() -> None:
    intake = Intake()
    tap(intake, 0)
    tap(intake, 2)
    intake.wrote([ref(0)])
    assert upcoming(intake) == []
    assert intake.to_fetch() == [ref(1)]
    intake.add(made(1, "a"), b"x", 0.0, asked=True)
    assert upcoming(intake) == [1, 2]


def test_a_loss_at_the_tail_shows_in_the_heartbeat() -> None:
    intake = Intake()
    tap(intake, 0)
    intake.wrote([ref(0)])
    intake.hear_backlog("a", "s", 2, 2, 0.0)
    assert intake.to_fetch() == [ref(1)]
    assert intake.pending("s") == 2


def test_a_late_start_asks_where_to_begin() -> None:
    intake = Intake()
    assert intake.wants_listing
    tap(intake, 7)
    assert intake.ready() == []
    assert intake.to_fetch() == []
    intake.hear_listing(listing("a", [5, 6, 7], 8), 0.0)
    assert intake.to_fetch() == [ref(5)]
    for number in (5, 6):
        intake.add(made(number, "a"), b"x", 0.0, asked=True)
    assert upcoming(intake) == [5, 6, 7]


def test_frames_acknowledged_by_an_earlier_life_are_settled() -> None:
    intake = Intake()
    tap(intake, 3)
    intake.hear_listing(listing("a", [], 4), 0.0)
    assert upcoming(intake) == []
    assert intake.sessions() == []


def test_a_lost_acknowledgement_is_repeated() -> None:
    intake = Intake()
    tap(intake, 0)
    tap(intake, 1)
    intake.hear_listing(listing("a", [0, 1], 2), 0.0)
    intake.wrote([ref(0), ref(1)])
    intake.hear_backlog("a", "s", 1, 1, 0.0)
    assert intake.wants_listing
    assert intake.hear_listing(listing("a", [1], 2), 0.0) == [ref(1)]
    assert not intake.wants_listing


def test_what_does_not_fit_is_dropped_and_fetched_in_its_turn() -> None:
    intake = Intake(cache_bytes=25)
    for number in range(5):
        tap(intake, number)
    assert upcoming(intake) == [0, 1]
    assert intake.dropped == 3
    assert intake.to_fetch() == [ref(2)], "there is room for a little more"
    intake.add(made(2, "a"), bytes(10), 0.0, asked=True)
    assert intake.to_fetch() == []
    intake.wrote([ref(0), ref(1), ref(2)])
    assert intake.to_fetch() == [ref(3)]


def test_sessions_do_not_wait_for_each_other() -> None:
    intake = Intake()
    tap(intake, 0, session_id="one")
    tap(intake, 1, session_id="two")
    intake.hear_listing(listing("a", [0, 1], 2, "two"), 0.0)
    assert intake.ready() == ["one"]
    assert intake.to_fetch() == [ref(0, session_id="two")]


def test_a_new_epoch_waits_for_the_old_ones_frames_a_short_while() -> None:
    intake = Intake()
    tap(intake, 0)
    tap(intake, 2)
    intake.hear_listing(listing("a", [0, 1, 2], 3), 0.0)
    assert intake.hear_epoch("b", 2.0, 10.0)
    intake.add(made(0, "b"), b"x", 10.0)
    assert [t.frame.epoch for t in intake.upcoming("s")] == ["a"]
    intake.wrote([ref(0)])
    assert upcoming(intake) == []
    assert intake.to_fetch() == [], "its generator is gone"
    assert intake.give_up(10.0 + DEAD_GRACE_S / 2) == []
    assert intake.give_up(10.0 + DEAD_GRACE_S, waiting={"s"}) == []
    (lost,) = intake.give_up(10.0 + DEAD_GRACE_S)
    assert (lost.record_seq, lost.frame_id) == (1, "a-1")
    assert [(t.frame.epoch, t.frame.record_seq) for t in intake.upcoming("s")] == [("a", 2)]
    intake.wrote([ref(2)])
    assert [(t.frame.epoch, t.frame.record_seq) for t in intake.upcoming("s")] == [("b", 0)]
    assert not intake.may_come(ref(1))
    assert intake.may_come(ref(5, epoch="b"))


def test_a_spilled_frame_fills_the_gap_of_a_dead_epoch() -> None:
    intake = Intake()
    tap(intake, 0)
    tap(intake, 2)
    intake.hear_epoch("b", 2.0, 10.0)
    intake.wrote([ref(0), ref(1), ref(2), ref(3)])
    assert intake.give_up(99.0) == []
    assert intake.sessions() == []


def test_late_messages_of_a_dead_generator_are_told_by_their_time() -> None:
    intake = Intake()
    intake.hear_epoch("a", 1.0, 0.0)
    assert intake.hear_epoch("b", 5.0, 0.0)
    assert not intake.hear_epoch("a", 2.0, 0.0)
    assert intake.epoch == "b"
    intake.add(made(0, "a"), b"x", 0.0)
    assert intake.ready() == ["s"], "a frame is a frame"
    intake.hear_listing(listing("c", [], 0), 0.0)
    assert intake.epoch == "c", "an answer is certain"


def test_frames_of_no_session_are_passed_over() -> None:
    intake = Intake()
    frame = made(0).model_copy(update={"session_id": None, "record_seq": None})
    intake.add(frame, b"x", 0.0)
    assert intake.sessions() == []


def test_streams_of_dead_generators_are_forgotten() -> None:
    intake = Intake()
    for number in range(100):
        epoch = f"e{number}"
        intake.hear_epoch(epoch, float(number), float(number))
        intake.add(made(0, epoch), b"x", float(number))
        intake.wrote([ref(0, epoch)])
    assert sum(len(streams) for streams in intake._sessions.values()) <= 2
    assert intake._cached_bytes == 0


@given(st.permutations(range(8)), st.integers(1, 100))
def test_any_order_and_any_room(order: list[int], cache_bytes: int) -> None:
    intake = Intake(cache_bytes)
    for number in order:
        tap(intake, number)
    intake.hear_listing(listing("a", list(range(8)), 8), 0.0)
    written: list[int] = []
    while len(written) < 8:
        for wanted in intake.to_fetch():
            intake.add(made(wanted.record_seq, "a"), bytes(10), 0.0, asked=True)
        batch = upcoming(intake)
        assert batch, written
        written += batch
        intake.wrote([ref(number) for number in batch])
    assert written == list(range(8))
    assert intake._cached_bytes == 0


class Stream(RuleBasedStateMachine):
    """A generator, a stream that loses anything, and a recorder that dies: what reaches the disk, in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake(cache_bytes=50)
        self.epoch = 0
        self.now_s = 0.0
        self.made: dict[str, int] = {}
        self.backlog: set[tuple[str, int]] = set()
        self.disk: list[tuple[str, str, int]] = []
        self.gone: set[tuple[str, str, int]] = set()

    @property
    def name(self) -> str:
        return f"e{self.epoch}"

    @rule(session_id=st.sampled_from(["s", "t"]), heard=st.booleans(), twice=st.booleans())
    def make(self, session_id: str, heard: bool, twice: bool) -> None:
        number = self.made.get(session_id, 0)
        self.made[session_id] = number + 1
        self.backlog.add((session_id, number))
        for _ in range(heard + (heard and twice)):
            self._hear(session_id, number)

    @rule(data=st.data())
    def hear_an_old_one_again(self, data: st.DataObject) -> None:
        session_id = data.draw(st.sampled_from(["s", "t"]))
        if self.made.get(session_id):
            number = data.draw(st.integers(0, self.made[session_id] - 1))
            self._hear(session_id, number)

    @rule()
    def beat(self) -> None:
        self._tick()
        self.intake.hear_epoch(self.name, self.now_s, self.now_s)
        for session_id in {session for session, _ in self.backlog}:
            waiting = sum(1 for session, _ in self.backlog if session == session_id)
            self.intake.hear_backlog(self.name, session_id, self.made[session_id] - 1, waiting, self.now_s)

    @rule()
    def list_pending(self) -> None:
        frames = tuple(
            ListedFrame(
                session_id=session, epoch=self.name, record_seq=n, frame_id=f"{n}", bytes=1, input_sha256="0" * 64
            )
            for session, n in sorted(self.backlog)
        )
        answer = Listing(epoch=self.name, stopping=False, frames=frames, next_record_seq=dict(self.made))
        for again in self.intake.hear_listing(answer, self.now_s):
            assert (again.session_id, again.epoch, again.record_seq) in self.disk
            self.backlog.discard((again.session_id, again.record_seq))

    @rule()
    def fetch(self) -> None:
        for wanted in self.intake.to_fetch():
            if wanted.epoch == self.name and (wanted.session_id, wanted.record_seq) in self.backlog:
                frame = made(wanted.record_seq, wanted.epoch, wanted.session_id)
                self.intake.add(frame, bytes(10), self.now_s, asked=True)
            else:
                self.intake.wants_listing = True

    @rule(count=st.integers(1, 4), acknowledged=st.booleans())
    def write(self, count: int, acknowledged: bool) -> None:
        for session_id in self.intake.ready():
            done = []
            for tapped in list(self.intake.upcoming(session_id))[:count]:
                key = (session_id, tapped.frame.epoch, tapped.frame.record_seq)
                if key not in self.disk:
                    self.disk.append(key)
                done.append(ref(key[2], key[1], session_id))
                if acknowledged and key[1] == self.name:
                    self.backlog.discard((session_id, key[2]))
            self.intake.wrote(done)

    @rule()
    def restart_recorder(self) -> None:
        self.intake = Intake(cache_bytes=50)

    @rule()
    def kill_generator(self) -> None:
        self.gone |= {(session, self.name, number) for session, number in self.backlog}
        self.epoch += 1
        self.made, self.backlog = {}, set()
        self._tick()

    @rule()
    def wait(self) -> None:
        self.now_s += DEAD_GRACE_S
        for lost in self.intake.give_up(self.now_s):
            key = (lost.session_id, lost.epoch, lost.record_seq)
            assert key in self.gone or key in self.disk

    def teardown(self) -> None:
        for _ in range(200):
            self.beat()
            self.wait()
            if self.intake.wants_listing:
                self.list_pending()
            self.fetch()
            self.write(4, True)
            if not self.backlog and not self.intake.sessions():
                break
        assert not self.backlog, "everything that the generator held is on disk"
        assert not self.intake.sessions()
        assert len(set(self.disk)) == len(self.disk)
        for session_id in ("s", "t"):
            for epoch in range(self.epoch + 1):
                numbers = [n for s, e, n in self.disk if s == session_id and e == f"e{epoch}"]
                assert numbers == sorted(numbers)
            live = [n for s, e, n in self.disk if s == session_id and e == self.name]
            assert live == list(range(self.made.get(session_id, 0)))

    def _hear(self, session_id: str, number: int) -> None:
        self._tick()
        self.intake.hear_epoch(self.name, self.now_s, self.now_s)
        self.intake.add(made(number, self.name, session_id), bytes(10), self.now_s)

    def _tick(self) -> None:
        self.now_s += 0.01


Stream.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestStream = Stream.TestCase
