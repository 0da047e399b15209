"""Frames on their way into a session: what is to be written, what was, what was last, and why something cannot be."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from shared.frame import Frame

RECENT = 1024


@dataclass(frozen=True, slots=True)
class FrameToWrite:
    """A frame that is to be recorded, its PNG, and its input where that is needed.

    ``input_lost`` records the frame without its input, when nobody has those bytes any more.
    """

    frame: Frame
    png: bytes | memoryview
    input: bytes | memoryview | None = None
    input_lost: bool = False

    @property
    def frame_id(self) -> str:
        """The same for every delivery of one frame, and no other frame's for good."""
        return self.frame.frame_id


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame that is safe on disk. ``index`` and ``filename`` are None for a duplicate of one recorded long ago."""

    frame_id: str
    epoch: str
    record_seq: int
    sha256: str
    bytes: int
    index: int | None
    filename: str | None
    duplicate: bool


class CorruptFrame(Exception):
    """The bytes of the ``pending`` frame or of its input are not those that it names; fetch them again."""

    def __init__(self, pending: FrameToWrite, what: str, found: str, named: str) -> None:
        super().__init__(f"{what} of frame {pending.frame_id} has the hash {found}, not {named}")
        self.pending = pending


class MissingInput(Exception):
    """A frame's input is neither in its session nor beside the frame; ask for it by its hash."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"the input {sha256} is not in the session")
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class RecentFrame:
    """A recorded frame, as far as a duplicate's answer needs it."""

    index: int
    filename: str
    sha256: str | None
    frame_id: str | None


class RecentFrames:
    """The last :data:`RECENT` frames, of which one may be the input of another, or come twice."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, RecentFrame] = OrderedDict()
        """By frame id; by file name where an entry has none."""
        self._by_hash: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._by_hash.clear()

    def add(self, known: RecentFrame) -> None:
        """This one was recorded."""
        self._known[known.frame_id or known.filename] = known
        if known.sha256:
            self._by_hash[known.sha256] = known.filename
        if len(self._known) > RECENT:
            _, old = self._known.popitem(last=False)
            if old.sha256 and self._by_hash.get(old.sha256) == old.filename:
                del self._by_hash[old.sha256]

    def find(self, frame_id: str) -> RecentFrame | None:
        """A frame, where it is among them."""
        return self._known.get(frame_id)

    def file_of(self, sha256: str) -> str | None:
        """The file's name of a frame with these bytes."""
        return self._by_hash.get(sha256)
