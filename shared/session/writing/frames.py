"""Frames on their way into a session: what is to be written, what was, and why something cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from shared.frame import Frame


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
