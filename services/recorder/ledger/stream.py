"""The frames of one session in one life of the generator, by number: which are here, written, missing, stepped over."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from shared.frame import Frame, FrameRef
from shared.session.format.numbers import NumberSet
from shared.session.writing.journal import JournaledFrame

MAX_GAP = 1_000_000
"""More frames than a generator can hold. A number that is further from those that are known is a mistake, and what
would be missing before it is not looked for."""


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """A frame that is here, and its PNG."""

    frame: Frame
    png: bytes


@dataclass(slots=True)
class Stream:
    """The frames of one session in one epoch.

    Attributes:
        next: number of the next frame to write; all before it are settled. None until it is known where to begin.
        end: one past the largest number that is known to exist.
        done: numbers written since this process began.
        tries: how often the generator gave what cannot be recorded, by number.
        aside: numbers that were set aside for that, and are named as lost.
        ids: of frames that the generator listed as pending, or that its journal has, to name them should they be lost.
        unanswered: numbers of those that nobody was given.
        dead_since_s: when the epoch was found to be over; None while its generator lives.
    """

    epoch: str
    session_id: str
    created_at: float | None = None
    next: int | None = None
    end: int = 0
    done: NumberSet = field(default_factory=NumberSet)
    cached: dict[int, ReceivedFrame] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    unanswered: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    tries: dict[int, int] = field(default_factory=dict)
    aside: NumberSet = field(default_factory=NumberSet)
    dead_since_s: float | None = None

    @property
    def finished(self) -> bool:
        """Nothing of it is left to write, as far as is known."""
        return self.next is not None and self.next >= self.end

    @property
    def pending(self) -> int:
        """How many frames are known to exist, and are not on disk."""
        if self.next is None:
            return max(1, len(self.cached))
        return max(0, self.end - self.next - self.done.count(self.next, self.end))

    def is_settled(self, number: int) -> bool:
        """Whether a frame is written, or stepped over for good."""
        return number in self.done or (self.next is not None and number < self.next)

    def is_waiting(self, number: int) -> bool:
        """Whether a frame is known to exist and not to be on disk."""
        return self.next is not None and self.next <= number < self.end and number not in self.done

    def missing(self) -> Iterator[int]:
        """Numbers that are to be written and are not here, in order."""
        if self.next is not None:
            for number in range(self.next, self.end):
                if number not in self.cached and number not in self.done and number not in self.skipped:
                    yield number

    def upcoming(self) -> Iterator[ReceivedFrame]:
        """The frames that can be written now, in order."""
        number = self.next
        while number is not None and number in self.cached:
            yield self.cached[number]
            number += 1

    def expects(self, frame_id: str) -> bool:
        """Whether a frame of this id is here or was listed, and is not written."""
        listed = (held for number, held in self.ids.items() if number not in self.done)
        return frame_id in listed or any(received.frame.frame_id == frame_id for received in self.cached.values())

    def reach(self, number: int) -> None:
        """There is a frame of this number. Raises ValueError where it is so far from the others that what is between
        cannot be missing."""
        first = min(self.cached, default=number) if self.next is None else self.next
        end = max(self.end, number + 1)
        if end - min(first, number) > MAX_GAP and number >= (self.next or 0):
            raise ValueError(f"{number} is too far from the other numbers of its session")
        self.end = end

    def begin_at(self, first: int, end: int, ids: dict[int, str]) -> None:
        """The generator said what it holds: numbers from ``first``, with their ids; the next frame will be ``end``."""
        self.end = max(self.end, end)
        self.next = first if self.next is None else max(self.next, first)
        if self.end - self.next > MAX_GAP:
            self.end = max(end, self.next)
        self.advance()
        self.ids = {number: frame_id for number, frame_id in ids.items() if number not in self.done}

    def end_with(self, frames: Collection[JournaledFrame]) -> None:
        """Its generator has ended, and its journal has these frames. Of others this is not heard for the first time:
        where nothing is known yet, they were settled before."""
        ids = {frame.key.record_seq: frame.key.frame_id for frame in frames}
        known = ids.keys() | self.cached.keys()
        is_new = self.next is None
        if self.next is None:
            self.next = min(known)
        for number in sorted(ids):
            self.reach(number)
        if is_new:
            self.skipped |= {number for number in range(self.next, self.end) if number not in known}
        self.ids.update(ids)
        self.unanswered |= {frame.key.record_seq for frame in frames if not frame.answered}
        self.advance()

    def step_over(self, number: int) -> None:
        """A frame will not be written."""
        self.skipped.add(number)
        self.advance()

    def advance(self) -> None:
        """Step over what is written or given up."""
        while self.next is not None and (self.next in self.done or self.next in self.skipped):
            self.skipped.discard(self.next)
            self.next += 1

    def ref(self, number: int) -> FrameRef:
        """One of its frames."""
        return FrameRef(session_id=self.session_id, epoch=self.epoch, record_seq=number)
