"""Which frame is to be written next, and which must be fetched: numbers only, no socket and no disk.

The stream of frames is a cache that may lose anything; the numbers (``record_seq``, gapless per epoch and session) are
the truth. What this module has not seen it asks for, and nothing is written out of order.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from shared.bus.requests.generator import Listing
from shared.frame import Frame, FrameRef
from shared.session.format.numbers import NumberSet

CACHE_BYTES = 96 * 1024 * 1024
"""Frames of the stream kept until they are written. What does not fit is fetched later."""
MAX_GAP = 1_000_000
"""More frames than a generator can hold. A number that is further from those that are known is a mistake, and what
would be missing before it is not looked for."""
UNFIT_S = 10.0
"""How long a frame is asked for whose answers cannot be recorded: it holds the ones behind it up."""
DEAD_GRACE_S = 2.0
"""A generator's last messages may still be on their way when its successor is already heard."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """A frame as it came, and its PNG."""

    frame: Frame
    png: bytes


@dataclass(slots=True)
class Stream:
    """The frames of one session in one epoch.

    Attributes:
        next: number of the next frame to write; all before it are settled. None until it is known where to begin.
        end: one past the largest number that is known to exist.
        done: numbers written since this process began.
        unfit: since when the generator gives what cannot be recorded, by number.
        refused: numbers that were given up for that.
        ids: ids of frames that the generator listed as pending, to name them should they be lost.
        dead_since_s: when the epoch was found to be over; None while its generator lives.
    """

    epoch: str
    session_id: str
    created_at: float | None = None
    next: int | None = None
    end: int = 0
    done: NumberSet = field(default_factory=NumberSet)
    cached: dict[int, Tapped] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    unfit: dict[int, float] = field(default_factory=dict)
    refused: NumberSet = field(default_factory=NumberSet)
    dead_since_s: float | None = None

    @property
    def finished(self) -> bool:
        """Nothing of it is left to write, as far as is known."""
        return self.next is not None and self.next >= self.end

    def missing(self) -> Iterator[int]:
        """Numbers that are to be written and are not here, in order."""
        if self.next is not None:
            for number in range(self.next, self.end):
                if number not in self.cached and number not in self.done and number not in self.skipped:
                    yield number

    def expects(self, frame_id: str) -> bool:
        """Whether a frame of this id is here or was listed, and is not written."""
        listed = (held for number, held in self.ids.items() if number not in self.done)
        return frame_id in listed or any(tapped.frame.frame_id == frame_id for tapped in self.cached.values())

    def reach(self, number: int) -> None:
        """There is a frame of this number.

        Raises:
            ValueError: it is so far from the others that what is between cannot be missing.
        """
        first = min(self.cached, default=number) if self.next is None else self.next
        end = max(self.end, number + 1)
        if end - min(first, number) > MAX_GAP and number >= (self.next or 0):
            raise ValueError(f"{number} is too far from the other numbers of its session")
        self.end = end

    def advance(self) -> None:
        """Step over what is written or given up."""
        while self.next is not None and (self.next in self.done or self.next in self.skipped):
            self.skipped.discard(self.next)
            self.next += 1


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A frame of an epoch that is over, which did not come. ``frame_id`` is None where it was never heard."""

    session_id: str
    epoch: str
    record_seq: int
    frame_id: str | None


class Intake:
    """Everything known of frames that may have to be written.

    Attributes:
        epoch: the generator's epoch; None until it is heard.
        wants_listing: the generator should be asked what is pending.
        dropped: frames of the stream that did not fit into the cache, and are fetched when their turn comes.
        listings: how often the generator has said what is pending.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self.epoch: str | None = None
        self.wants_listing = True
        self.dropped = 0
        self.listings = 0
        self._heard_at = 0.0
        self._cache_bytes = cache_bytes
        self._cached_bytes = 0
        self._sessions: dict[str, list[Stream]] = {}
        self._refused: list[GivenUp] = []

    # -- what is heard ------------------------------------------------------------------------------------------------

    def hear_epoch(self, epoch: str, at_s: float, now_s: float, *, certain: bool = False) -> bool:
        """A message of an epoch, sent at ``at_s`` by its own clock; whether the epoch is a new one.

        Messages of a dead generator may arrive behind those of its successor, so the later one counts;
        ``certain``: it is an answer, which only a living generator gives.
        """
        if epoch == self.epoch:
            self._heard_at = max(self._heard_at, at_s)
            return False
        if self.epoch is not None and not certain and at_s < self._heard_at:
            return False
        self.epoch, self._heard_at, self.wants_listing = epoch, at_s, True
        for streams in self._sessions.values():
            for stream in streams:
                stream.dead_since_s = None if stream.epoch == epoch else stream.dead_since_s or now_s
        return True

    def add(self, frame: Frame, png: bytes, now_s: float, *, asked: bool = False) -> None:
        """A frame from the stream; ``asked``: one that was fetched, for which there is always room.

        One of no session is passed over.
        """
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
        settled = number in stream.done or (stream.next is not None and number < stream.next)
        if settled or number in stream.cached:
            return
        if self._cached_bytes + len(png) > self._cache_bytes and number != stream.next and not asked:
            self.dropped += 1
            return
        stream.skipped.discard(number)
        stream.cached[number] = Tapped(frame, png)
        self._cached_bytes += len(png)

    def hear_backlog(self, epoch: str, session_id: str, last_record_seq: int, frames: int, now_s: float) -> None:
        """The generator's heartbeat says that ``frames`` of a session wait, the last being ``last_record_seq``."""
        if epoch != self.epoch:
            return
        stream = self._stream(epoch, session_id, now_s)
        stream.reach(last_record_seq)
        if stream.next is None or (stream.finished and frames):
            self.wants_listing = True  # where to begin; or which acknowledgements went astray

    def hear_listing(self, listing: Listing, now_s: float) -> list[FrameRef]:
        """The generator's answer to ``pending``; those of it that are written, to be acknowledged again."""
        self.hear_epoch(listing.epoch, self._heard_at, now_s, certain=True)
        self.wants_listing = False
        self.listings += 1
        pending: dict[str, dict[int, str]] = {}
        for frame in listing.frames:
            pending.setdefault(frame.session_id, {})[frame.record_seq] = frame.frame_id
        again: list[FrameRef] = []
        for session_id, end in listing.next_record_seq.items():
            numbers = pending.get(session_id, {})
            if not numbers and self._find(listing.epoch, session_id) is None:
                continue
            stream = self._stream(listing.epoch, session_id, now_s)
            stream.end = max(stream.end, end)
            first = min(numbers, default=end)
            stream.next = first if stream.next is None else max(stream.next, first)
            if stream.end - stream.next > MAX_GAP:
                stream.end = max(end, stream.next)
            stream.advance()
            for number in [n for n in stream.cached if n < stream.next]:
                self._forget(stream, number)
            stream.ids = {number: frame_id for number, frame_id in numbers.items() if number not in stream.done}
            again += [
                FrameRef(session_id=session_id, epoch=listing.epoch, record_seq=number)
                for number in sorted(numbers)
                if number in stream.done or number in stream.refused
            ]
        return again

    # -- what is to be done -------------------------------------------------------------------------------------------

    def to_fetch(self) -> list[FrameRef]:
        """The next missing frame of each session whose turn has come, and for which there is room."""
        found: list[FrameRef] = []
        for session_id in self._sessions:
            stream = self._current(session_id)
            if stream is None or stream.dead_since_s is not None:
                continue
            number = next(stream.missing(), None)
            if number is not None and (number == stream.next or self._cached_bytes < self._cache_bytes):
                found.append(FrameRef(session_id=session_id, epoch=stream.epoch, record_seq=number))
        return found

    def ready(self) -> list[str]:
        """Sessions whose next frame is here."""
        return [session_id for session_id in self._sessions if next(self.upcoming(session_id), None) is not None]

    def upcoming(self, session_id: str) -> Iterator[Tapped]:
        """The frames of a session that can be written now, in order. They stay until :meth:`wrote`."""
        stream = self._current(session_id)
        if stream is None or stream.next is None:
            return
        number = stream.next
        while number in stream.cached:
            yield stream.cached[number]
            number += 1

    def created_at(self, session_id: str) -> float | None:
        """When a session was begun, as far as its frames say."""
        return next((stream.created_at for stream in self._sessions.get(session_id, ()) if stream.created_at), None)

    def wrote(self, refs: Iterable[FrameRef]) -> None:
        """These frames are on disk."""
        for ref in refs:
            stream = self._find(ref.epoch, ref.session_id)
            if stream is None:
                continue
            stream.end = max(stream.end, ref.record_seq + 1)
            stream.done.add(ref.record_seq)
            self._forget(stream, ref.record_seq)
            stream.ids.pop(ref.record_seq, None)
            stream.unfit.pop(ref.record_seq, None)
            stream.advance()
        self._tidy()

    def refuse(self, ref: FrameRef) -> None:
        """A cached frame's bytes are wrong: let it go, so that it is fetched."""
        stream = self._find(ref.epoch, ref.session_id)
        if stream is not None:
            self._forget(stream, ref.record_seq)

    def unfit(self, ref: FrameRef, now_s: float, frame_id: str | None = None) -> bool:
        """The generator gave what cannot be recorded in a frame's place. Whether that has gone on for so long that the
        frame is given up; it is among those that :meth:`give_up` tells next."""
        stream = self._find(ref.epoch, ref.session_id)
        number = ref.record_seq
        if stream is None or now_s < stream.unfit.setdefault(number, now_s) + UNFIT_S:
            return False
        del stream.unfit[number]
        if number in stream.cached:
            frame_id = frame_id or stream.cached[number].frame.frame_id
            self._forget(stream, number)
        stream.refused.add(number)
        stream.skipped.add(number)
        stream.advance()
        self._refused.append(GivenUp(ref.session_id, ref.epoch, number, stream.ids.pop(number, frame_id)))
        return True

    def give_up(self, now_s: float, waiting: Container[str] = ()) -> list[GivenUp]:
        """Frames of epochs that are over and did not come within the grace; they are stepped over.

        Sessions in ``waiting`` get more time: their frames may still come from elsewhere.
        """
        lost, self._refused = self._refused, []
        for session_id, streams in self._sessions.items():
            if session_id in waiting:
                continue
            for stream in streams:
                if stream.dead_since_s is None or now_s < stream.dead_since_s + DEAD_GRACE_S:
                    continue
                if stream.next is None:  # where it began was never known: only what is here counts
                    stream.next = min(stream.cached, default=stream.end)
                for number in list(stream.missing()):
                    lost.append(GivenUp(session_id, stream.epoch, number, stream.ids.get(number)))
                    stream.skipped.add(number)
                stream.advance()
        self._tidy()
        return lost

    # -- what is asked ------------------------------------------------------------------------------------------------

    def pending(self, session_id: str) -> int:
        """Frames of a session known to exist and not yet on disk."""
        return sum(
            max(0, stream.end - stream.next - stream.done.count(stream.next, stream.end))
            if stream.next is not None
            else max(1, len(stream.cached))
            for stream in self._sessions.get(session_id, ())
        )

    def sessions(self) -> list[str]:
        """Sessions with frames that are not on disk yet."""
        return [session_id for session_id, streams in self._sessions.items() if any(not s.finished for s in streams)]

    def is_done(self, ref: FrameRef) -> bool:
        """Whether a frame was written since this process began."""
        stream = self._find(ref.epoch, ref.session_id)
        return stream is not None and ref.record_seq in stream.done

    def is_waiting(self, ref: FrameRef) -> bool:
        """Whether a frame is known to exist and not to be on disk."""
        stream = self._find(ref.epoch, ref.session_id)
        if stream is None or stream.next is None:
            return False
        return stream.next <= ref.record_seq < stream.end and ref.record_seq not in stream.done

    def may_come(self, ref: FrameRef, frame_id: str = "") -> bool:
        """Whether a frame may still be written: its generator lives or is not known, or its stream is not given up.

        Where it is called by an id, that of no frame that is on its way: who gives such a frame another epoch or number
        makes it no lost one.
        """
        if self.epoch is None or ref.epoch == self.epoch or frame_id.startswith(f"{self.epoch}-"):
            return True
        streams = [stream for stream in self._sessions.get(ref.session_id, ()) if not stream.finished]
        return any(stream.epoch == ref.epoch or stream.expects(frame_id) for stream in streams)

    def forget_session(self, session_id: str) -> None:
        """A session was deleted: nothing of it is here any more, but where its next frame begins."""
        for stream in self._sessions.get(session_id, ()):
            for number in list(stream.cached):
                self._forget(stream, number)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _find(self, epoch: str, session_id: str) -> Stream | None:
        return next((s for s in self._sessions.get(session_id, ()) if s.epoch == epoch), None)

    def _stream(self, epoch: str, session_id: str, now_s: float) -> Stream:
        found = self._find(epoch, session_id)
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
        return next((stream for stream in self._sessions.get(session_id, ()) if not stream.finished), None)

    def _forget(self, stream: Stream, number: int) -> None:
        tapped = stream.cached.pop(number, None)
        if tapped is not None:
            self._cached_bytes -= len(tapped.png)

    def _tidy(self) -> None:
        """Drop streams of dead epochs that are finished: memory must not grow with the generator's lives."""
        for session_id in list(self._sessions):
            streams = self._sessions[session_id]
            streams[:] = [s for s in streams if s.dead_since_s is None or not s.finished]
            if not streams:
                del self._sessions[session_id]
