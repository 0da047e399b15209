"""Which frame is to be written next, and which must be fetched: numbers only, no socket and no disk.

The stream of frames is a cache that may lose anything; the numbers (``record_seq``, gapless per epoch and session) are
the truth. What this module has not seen it asks for, and nothing is written out of order.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from services.recorder.ledger.losses import LostFrame, SetAside
from services.recorder.ledger.stream import ReceivedFrame, Stream
from shared.bus.requests.generator import Listing
from shared.frame import Frame, FrameRef
from shared.session.writing.journal import JournaledFrame

CACHE_BYTES = 96 * 1024 * 1024
"""Frames of the stream kept until they are written. What does not fit is fetched later."""
TRIES = 5
"""So often a frame is asked for whose answers cannot be recorded: it holds the ones behind it up."""
DEAD_GRACE_S = 2.0
"""A generator's last messages may still be on their way when its successor's are already here."""


class Streams:
    """Everything known of frames that may have to be written.

    Attributes:
        epoch: the generator's epoch; None before its first message.
        wants_listing: the generator should be asked what is pending.
        generations: how many lives of the generator there were, as far as is known; one before this process began.
        listings: how often the generator has said what is pending.
        cached_bytes: PNGs that are here.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self.epoch: str | None = None
        self.wants_listing = True
        self.generations = 1
        self.listings = 0
        self.cached_bytes = 0
        self._received_at = 0.0
        self._limit_bytes = cache_bytes
        self._sessions: dict[str, list[Stream]] = {}

    def __iter__(self) -> Iterator[Stream]:
        """All streams, those of a session in the order in which they are written."""
        return (stream for streams in self._sessions.values() for stream in streams)

    # -- what is received ---------------------------------------------------------------------------------------------

    def receive_epoch(self, epoch: str, at_s: float, now_s: float, *, certain: bool = False) -> None:
        """A message of an epoch, sent at ``at_s`` by its own clock. Messages of a dead generator may arrive behind
        those of its successor, so the later one counts; ``certain``: it is an answer, which only a living generator
        gives."""
        if epoch == self.epoch:
            self._received_at = max(self._received_at, at_s)
            return
        if self.epoch is not None and not certain and at_s < self._received_at:
            return
        self.generations += 1
        self.epoch, self._received_at, self.wants_listing = epoch, at_s, True
        for stream in self:
            stream.dead_since_s = None if stream.epoch == epoch else stream.dead_since_s or now_s

    def add(self, frame: Frame, png: bytes, now_s: float, *, asked: bool = False) -> None:
        """A frame from the stream; ``asked``: one that was fetched, for which there is always room. One of no session
        is passed over. Raises ValueError where its number can be none."""
        session_id, number = frame.session_id, frame.record_seq
        if session_id is None or number is None:
            return
        stream = self._stream(frame.epoch, session_id, now_s)
        is_first = stream.end == 0
        stream.reach(number)
        stream.created_at = frame.session_created_at or stream.created_at or frame.timestamp
        if number == 0 and stream.next is None and is_first:
            stream.next = 0  # the session's first frame in this epoch: nothing can have been before it
        if stream.next is None:
            self.wants_listing = True
        if stream.is_settled(number) or number in stream.cached:
            return
        if self.cached_bytes + len(png) > self._limit_bytes and number != stream.next and not asked:
            return  # it is fetched when its turn comes
        stream.skipped.discard(number)
        stream.cached[number] = ReceivedFrame(frame, png)
        self.cached_bytes += len(png)

    def receive_backlog(self, epoch: str, session_id: str, last_record_seq: int, frames: int, now_s: float) -> None:
        """The generator's heartbeat says that ``frames`` of a session wait, the last being ``last_record_seq``. Raises
        ValueError where that can be no number."""
        if epoch != self.epoch:
            return
        stream = self._stream(epoch, session_id, now_s)
        stream.reach(last_record_seq)
        if stream.next is None or (stream.finished and frames):
            self.wants_listing = True  # where to begin; or which acknowledgements went astray

    def reconcile(self, listing: Listing, now_s: float) -> list[FrameRef]:
        """The generator's answer to ``pending``; those of it that are settled, to be acknowledged again."""
        self.receive_epoch(listing.epoch, self._received_at, now_s, certain=True)
        self.wants_listing = False
        self.listings += 1
        pending: dict[str, dict[int, str]] = {}
        for frame in listing.frames:
            pending.setdefault(frame.session_id, {})[frame.record_seq] = frame.frame_id
        again: list[FrameRef] = []
        for session_id, end in listing.next_record_seq.items():
            ids = pending.get(session_id, {})
            if not ids and self.find(listing.epoch, session_id) is None:
                continue
            stream = self._stream(listing.epoch, session_id, now_s)
            stream.begin_at(min(ids, default=end), end, ids)
            for number in [number for number in stream.cached if stream.is_settled(number)]:
                self._forget(stream, number)
            again += [stream.ref(number) for number in sorted(ids) if number in stream.done or number in stream.aside]
        return again

    def end_with(self, epoch: str, session_id: str, frames: Collection[JournaledFrame], now_s: float) -> None:
        """A generator has ended, by whose journal these are not on disk. ValueError: their numbers can be none."""
        if epoch == self.epoch:
            return
        stream = self._stream(epoch, session_id, now_s)
        stream.dead_since_s = now_s if stream.dead_since_s is None else stream.dead_since_s
        stream.end_with(frames)

    # -- what is to be done -------------------------------------------------------------------------------------------

    def to_fetch(self) -> list[FrameRef]:
        """The next missing frame of each session whose turn has come, and for which there is room."""
        found: list[FrameRef] = []
        for session_id in self._sessions:
            stream = self._current(session_id)
            if stream is None or stream.dead_since_s is not None:
                continue
            number = next(stream.missing(), None)
            if number is not None and (number == stream.next or self.cached_bytes < self._limit_bytes):
                found.append(stream.ref(number))
        return found

    def ready(self) -> list[str]:
        """Sessions whose next frame is here."""
        return [session_id for session_id in self._sessions if next(self.upcoming(session_id), None) is not None]

    def upcoming(self, session_id: str) -> Iterator[ReceivedFrame]:
        """The frames of a session that can be written now, in order. They stay until :meth:`wrote`."""
        stream = self._current(session_id)
        return iter(()) if stream is None else stream.upcoming()

    def created_at(self, session_id: str) -> float | None:
        """When a session was begun, as far as its frames say."""
        return next((stream.created_at for stream in self.of(session_id) if stream.created_at), None)

    def wrote(self, refs: Iterable[FrameRef]) -> None:
        """These frames are on disk."""
        for ref in refs:
            stream, number = self.find(ref.epoch, ref.session_id), ref.record_seq
            if stream is None:
                continue
            stream.end = max(stream.end, number + 1)
            stream.done.add(number)
            self._forget(stream, number)
            stream.ids.pop(number, None)
            stream.tries.pop(number, None)
            stream.advance()
        self._tidy()

    def refuse(self, ref: FrameRef) -> None:
        """A frame that is here cannot be recorded: let it go, so that it is fetched."""
        stream = self.find(ref.epoch, ref.session_id)
        if stream is not None:
            self._forget(stream, ref.record_seq)

    def give_up_unfit(self, ref: FrameRef, frame_id: str | None, aside: SetAside) -> LostFrame | None:
        """What the generator gave for a frame cannot be recorded. After :data:`TRIES` such it is stepped over, and is
        lost."""
        stream, number = self.find(ref.epoch, ref.session_id), ref.record_seq
        if stream is None or stream.is_settled(number) or number in stream.cached or number in stream.skipped:
            return None
        stream.tries[number] = stream.tries.get(number, 0) + 1
        if stream.tries[number] < TRIES and stream.dead_since_s is None:
            return None
        del stream.tries[number]
        stream.step_over(number)
        return LostFrame(stream.ref(number), stream.ids.pop(number, frame_id), aside)

    def named(self, refs: Iterable[FrameRef]) -> None:
        """These frames are written down as lost: the generator need not keep them."""
        for ref in refs:
            stream = self.find(ref.epoch, ref.session_id)
            if stream is not None:
                stream.aside.add(ref.record_seq)

    def give_up(self, now_s: float, waiting: Container[str] = (), ending: Container[str] = ()) -> list[LostFrame]:
        """Frames of epochs that are over and did not come within the grace; they are stepped over.

        Sessions in ``waiting`` and epochs in ``ending`` get more time: their frames may still come from elsewhere.
        """
        lost: list[LostFrame] = []
        for stream in self:
            if stream.dead_since_s is None or now_s < stream.dead_since_s + DEAD_GRACE_S:
                continue
            if stream.session_id in waiting or stream.epoch in ending:
                continue
            if stream.next is None:  # where it began was never known: only what is here counts
                stream.next = min(stream.cached, default=stream.end)
            for number in list(stream.missing()):
                answered = number not in stream.unanswered
                lost.append(LostFrame(stream.ref(number), stream.ids.get(number), answered=answered))
                stream.step_over(number)
            stream.advance()
        self._tidy()
        return lost

    def forget_session(self, session_id: str) -> None:
        """A session was deleted: nothing of it is here any more, but where its next frame begins."""
        for stream in self.of(session_id):
            for number in list(stream.cached):
                self._forget(stream, number)

    # -- parts --------------------------------------------------------------------------------------------------------

    def of(self, session_id: str) -> Sequence[Stream]:
        """The streams of a session, in the order in which they are written."""
        return self._sessions.get(session_id, ())

    def find(self, epoch: str, session_id: str) -> Stream | None:
        """One stream."""
        return next((stream for stream in self.of(session_id) if stream.epoch == epoch), None)

    def _stream(self, epoch: str, session_id: str, now_s: float) -> Stream:
        found = self.find(epoch, session_id)
        if found is None:
            streams = self._sessions.setdefault(session_id, [])
            found = Stream(epoch, session_id)
            if self.epoch is not None and epoch != self.epoch:
                found.dead_since_s = now_s
                streams.insert(sum(1 for s in streams if s.dead_since_s is not None), found)
            else:
                streams.append(found)
        return found

    def _current(self, session_id: str) -> Stream | None:
        """The stream whose turn it is: an older epoch's frames go before a newer's."""
        return next((stream for stream in self.of(session_id) if not stream.finished), None)

    def _forget(self, stream: Stream, number: int) -> None:
        received = stream.cached.pop(number, None)
        if received is not None:
            self.cached_bytes -= len(received.png)

    def _tidy(self) -> None:
        """Drop streams of dead epochs that are finished: memory must not grow with the generator's lives."""
        for session_id in list(self._sessions):
            streams = self._sessions[session_id]
            streams[:] = [s for s in streams if s.dead_since_s is None or not s.finished]
            if not streams:
                del self._sessions[session_id]
