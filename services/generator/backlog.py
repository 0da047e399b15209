"""Frames, and the inputs they need, that are not yet safe on disk: held in memory, bounded in bytes.

Room is reserved when a request is accepted, for the largest frame it can make, so that the bound holds whatever is in
flight and a request is refused before it spends a step, never after.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from shared.bus.requests.generator import ListedFrame
from shared.errors import RecordingBacklogFull
from shared.frame import Frame, FrameKey, FrameRef
from shared.images import ImageFormat

PNG_OVERHEAD_BYTES = 128 * 1024
"""Room for a PNG's text, profile and chunk heads, beyond its pixels."""


def largest_png(width: int, height: int) -> int:
    """Bytes that an 8-bit RGB PNG of this size can weigh: incompressible pixels are stored, at 5 bytes in 65,535 more
    (RFC 1951, 3.2.4), with one filter byte a row."""
    raw = height * (3 * width + 1)
    return raw + raw // 10_000 + PNG_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class HeldInput:
    """An input image as it came."""

    sha256: str
    format: ImageFormat
    data: bytes


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A frame of a session, its PNG, and its input."""

    key: FrameKey
    frame: Frame
    png: bytes
    input: HeldInput


class Backlog:
    """What the recorder has not acknowledged; frames, inputs and reservations together are at most ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._reserved: dict[str, tuple[str, int]] = {}
        self._sessions: dict[str, dict[int, HeldFrame]] = {}
        self._inputs: dict[str, tuple[HeldInput, int]] = {}
        self._frame_bytes = 0
        self._input_bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames and inputs held."""
        return self._frame_bytes + self._input_bytes

    def __len__(self) -> int:
        """Frames held."""
        return sum(len(frames) for frames in self._sessions.values())

    def reserve(self, request_id: str, session_id: str, input_bytes: int, width: int, height: int) -> None:
        """Set room aside for a request's input and the largest frame it can make. Raises RecordingBacklogFull."""
        wanted = input_bytes + largest_png(width, height)
        if self.held_bytes + sum(size for _, size in self._reserved.values()) + wanted > self._limit_bytes:
            raise RecordingBacklogFull(
                f"{len(self)} frames ({self.held_bytes} bytes) wait for the recorder and this picture may not fit into "
                f"the {self._limit_bytes} bytes allowed; see /health for why the recorder is behind, or stop recording."
            )
        self._reserved[request_id] = (session_id, wanted)

    def release(self, request_id: str) -> None:
        """Give a reservation back: the request came to nothing, or its frame is held now."""
        self._reserved.pop(request_id, None)

    def making(self) -> dict[str, int]:
        """Frames that have room set aside and are not made yet, by session."""
        return dict(Counter(session_id for session_id, _ in self._reserved.values()))

    def add(self, frame: HeldFrame) -> None:
        """Hold a frame until it is acknowledged."""
        self._sessions.setdefault(frame.key.session_id, {})[frame.key.record_seq] = frame
        self._frame_bytes += len(frame.png)
        held, users = self._inputs.get(frame.input.sha256, (frame.input, 0))
        if users == 0:
            self._input_bytes += len(frame.input.data)
        self._inputs[frame.input.sha256] = (held, users + 1)

    def acknowledge(self, ref: FrameRef) -> HeldFrame | None:
        """Let a frame go, and its input where no other frame needs it; None if it is not here (any more)."""
        frame = self.frame(ref)
        if frame is None:
            return None
        frames = self._sessions[ref.session_id]
        del frames[ref.record_seq]
        if not frames:
            del self._sessions[ref.session_id]
        self._frame_bytes -= len(frame.png)
        held, users = self._inputs.pop(frame.input.sha256)
        if users > 1:
            self._inputs[frame.input.sha256] = (held, users - 1)
        else:
            self._input_bytes -= len(held.data)
        return frame

    def frame(self, ref: FrameRef) -> HeldFrame | None:
        """A held frame."""
        frame = self._sessions.get(ref.session_id, {}).get(ref.record_seq)
        return frame if frame is not None and frame.key.epoch == ref.epoch else None

    def input(self, sha256: str) -> HeldInput | None:
        """A held input."""
        held = self._inputs.get(sha256)
        return held[0] if held else None

    def frames(self) -> list[HeldFrame]:
        """All held frames, by session, in order of ``record_seq``."""
        return [frames[number] for frames in self._sessions.values() for number in sorted(frames)]

    def inputs(self) -> list[HeldInput]:
        """All held inputs."""
        return [held for held, _ in self._inputs.values()]

    def pending(self) -> tuple[ListedFrame, ...]:
        """What ``pending`` answers."""
        return tuple(
            ListedFrame(**frame.key.model_dump(), bytes=len(frame.png), input_sha256=frame.input.sha256)
            for frame in self.frames()
        )

    def counts(self) -> dict[str, int]:
        """Frames held, by session."""
        return {session_id: len(frames) for session_id, frames in self._sessions.items()}
