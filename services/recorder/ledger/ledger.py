"""The ledger: what is known, held, lost and due. No socket, no disk, no clock of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from services.recorder.ledger.backoff import Backoff
from services.recorder.ledger.left import LeftBehind
from services.recorder.ledger.losses import Losses, LostFrame, SetAside
from services.recorder.ledger.stream import ReceivedFrame
from services.recorder.ledger.streams import CACHE_BYTES, Streams
from shared.frame import FrameRef, SessionStamp

log = logging.getLogger(__name__)

BATCH_FRAMES = 16
BATCH_BYTES = 32 * 1024 * 1024
LEASE_S = 60.0
"""How long a session that is recorded beside the active one stays open without a frame."""


class Ledger:
    """One for a process: whether a frame is safe is asked here, and nowhere else. Times are monotonic, and given.

    Attributes:
        streams: the frames that the generator has, or had.
        backoff: what the disk refuses, and when it is tried again.
        losses: frames that will not be recorded.
        left: what generators left that have ended.
        active: the session that new frames belong to.
        stopped: the one that somebody stopped last, unless it was begun again.
        recorded: entries by session, of those that are open.
        free_bytes: where the sessions are, at the last look; None where it cannot be told.
        recovered: what an earlier life of the recorder left was looked at.
        in_trial: sessions of trials that go on, or of which more is to come.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self.streams = Streams(cache_bytes)
        self.backoff = Backoff()
        self.losses = Losses()
        self.left = LeftBehind(self.streams, self.losses)
        self.active: SessionStamp | None = None
        self.stopped: str | None = None
        self.recorded: dict[str, int] = {}
        self.free_bytes: int | None = None
        self.recovered = False
        self.in_trial: frozenset[str] = frozenset()
        self._leases: dict[str, float] = {}
        self._changes = 0

    # -- frames -------------------------------------------------------------------------------------------------------

    def is_safe(self, ref: FrameRef) -> bool | None:
        """Whether a frame is on disk: it was written by this process, or is known to wait. None: the disk knows, if
        anybody does."""
        stream = self.streams.find(ref.epoch, ref.session_id)
        if stream is not None and ref.record_seq in stream.done:
            return True
        return False if stream is not None and stream.is_waiting(ref.record_seq) else None

    @property
    def is_settled(self) -> bool:
        """Whether everything that a generator of the past left has been looked at."""
        return self.recovered and not self.left.is_wanted

    def may_come(self, ref: FrameRef, frame_id: str = "") -> bool:
        """Whether a frame may still be written: its generator lives or is not known, its stream is not given up,
        what was left behind has not been looked at, or it is lost and not named yet.

        Where it is called by an id, that of no frame that is on its way: who gives such a frame another epoch or number
        makes it no lost one.
        """
        stream, epoch = self.streams.find(ref.epoch, ref.session_id), self.streams.epoch
        if not self.is_settled or ref.session_id in self.left.spilled or self.losses.is_unwritten(ref):
            return True
        if stream is not None and ref.record_seq in stream.aside:
            return False
        if epoch is None or ref.epoch == epoch or frame_id.startswith(f"{epoch}-"):
            return True
        coming = [stream for stream in self.streams.of(ref.session_id) if not stream.finished]
        return any(stream.epoch == ref.epoch or stream.expects(frame_id) for stream in coming)

    def sessions(self) -> list[str]:
        """Sessions with frames that are not on disk yet."""
        waiting = (stream.session_id for stream in self.streams if not stream.finished)
        return list(dict.fromkeys([*self.left.spilled, *waiting]))

    def pending(self, session_id: str) -> int:
        """Frames of a session known to exist and not yet on disk."""
        streams = sum(stream.pending for stream in self.streams.of(session_id))
        spilled = (spilled.frame.key for spilled in self.left.spilled.get(session_id, ()))
        return streams + sum(key is not None and self.is_safe(key) is not False for key in spilled)

    def ready(self) -> list[str]:
        """Sessions with a frame that can be written, those of the spill first."""
        return list(dict.fromkeys([*self.left.spilled, *self.streams.ready()]))

    def batch(self, session_id: str) -> list[ReceivedFrame]:
        """The frames of a session to write next, together."""
        batch: list[ReceivedFrame] = []
        size = 0
        for received in islice(self.streams.upcoming(session_id), BATCH_FRAMES):
            size += len(received.png)
            if batch and size > BATCH_BYTES:
                break
            batch.append(received)
        return batch

    def wrote(self, session_id: str, refs: Sequence[FrameRef], count: int, now_s: float) -> None:
        """These frames of a session are on disk, which has ``count`` entries now."""
        self.recorded[session_id] = count
        if session_id in self._leases:
            self.lease(session_id, now_s)
        self.streams.wrote(refs)

    def unfit(self, ref: FrameRef, frame_id: str | None, aside: SetAside) -> bool:
        """What the generator gave for a frame cannot be recorded. Whether that was so often enough: the frame is set
        aside, and those behind it go on."""
        lost = self.streams.give_up_unfit(ref, frame_id, aside)
        if lost is not None:
            log.error("frame %d of session %s cannot be recorded: %s", ref.record_seq, ref.session_id, aside.reason)
            self.losses.add(lost)
        return lost is not None

    def give_up(self, now_s: float) -> None:
        """Step over frames that can come no more: their generator is gone, and so is its spill."""
        if self.is_settled:
            for lost in self.streams.give_up(now_s, waiting=self.left.spilled, ending=self.left.ending):
                self.losses.add(lost)

    def losses_due(self, now_s: float) -> dict[str, list[LostFrame]]:
        """By session, the lost frames to write down now, each with a name."""
        if not self.is_settled:
            return {}
        due = self.losses.due().items()
        return {s: frames for s, frames in due if s not in self.left.spilled and self.backoff.may_try(s, now_s)}

    def named(self, session_id: str, frames: Sequence[LostFrame], lost: Iterable[str]) -> None:
        """These lost frames of a session were looked at; those in ``lost`` are written down, the others recorded."""
        self.losses.settled(session_id, frames, lost)
        self.streams.named(frame.ref for frame in frames if frame.aside is not None)
        self.recorded.setdefault(session_id, 0)

    # -- sessions -----------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While another session is about to be opened, none is closed."""
        self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1

    def opened(self, session_id: str, count: int) -> None:
        """A session is open, with so many entries."""
        self.recorded[session_id] = count
        self.backoff.succeeded(session_id)

    def may_close(self, session_id: str, now_s: float) -> bool:
        """Whether a session is to be closed now: it is not active, nothing of it waits and no frame is expected."""
        return not (
            self._changes
            or self.is_active(session_id)
            or self.is_leased(session_id, now_s)
            or session_id in self.in_trial
            or self.pending(session_id)
            or not self.backoff.may_try(session_id, now_s)
        )

    def closed(self, session_id: str) -> int:
        """A session is closed; how many entries it has."""
        self.backoff.succeeded(session_id)
        return self.recorded.pop(session_id, 0)

    def forget(self, session_id: str) -> None:
        """A session was deleted."""
        self.closed(session_id)
        self.release(session_id)
        self.streams.forget_session(session_id)

    def is_active(self, session_id: str) -> bool:
        """Whether new frames belong to it."""
        return self.active is not None and self.active.session_id == session_id

    def lease(self, session_id: str, now_s: float) -> None:
        """Keep a session open between its frames though it is not active: opening it again costs a reading of it all.

        Whoever makes its frames may die, so the lease ends after some time without any."""
        self._leases[session_id] = now_s + LEASE_S

    def is_leased(self, session_id: str, now_s: float) -> bool:
        """Whether more frames are expected of a session that is not the active one."""
        return self._leases.get(session_id, 0.0) > now_s

    def release(self, session_id: str) -> None:
        """No more frames are expected: it is closed once those that there are are on disk."""
        self._leases.pop(session_id, None)

    def is_stuck(self) -> bool:
        """Whether nothing can be written now: no frame is here, or the disk refuses each session that has one."""
        return self.backoff.folder is not None or all(map(self.backoff.reason, self.streams.ready()))
