"""Frames that will not be recorded, until they are named in their session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from shared.frame import FrameRef

NAMED = 1000
"""Ids of lost frames that ``status`` tells, by session, the last ones."""
REASONS = 100
"""Of frames that were set aside, the last ones."""
HELD_BYTES = 64 * 1024 * 1024
"""Of frames that are to be set aside, until the disk takes them. What is beyond is not kept."""

_Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class SetAside:
    """What there is of a frame that cannot be recorded, and why it cannot, for a human: what was said of it, as JSON,
    and its picture, as it came; empty where none came."""

    reason: str
    header: bytes = b"{}"
    png: bytes = b""

    @classmethod
    def of(cls, reason: str, header: Mapping[str, Any], png: bytes) -> SetAside:
        """From what the generator said, whatever that is."""
        return cls(reason, orjson.dumps(header, option=orjson.OPT_INDENT_2), png)

    @property
    def bytes(self) -> int:
        return len(self.header) + len(self.png)


@dataclass(frozen=True, slots=True)
class LostFrame:
    """A frame that will not be recorded. ``frame_id`` is None where neither it nor its line in a journal is there;
    ``aside`` is of one that came and cannot be recorded."""

    ref: FrameRef
    frame_id: str | None
    aside: SetAside | None = None
    answered: bool = True


class Losses:
    """What is lost, and what of it is not yet written down.

    Attributes:
        named: ids by session, since this process began.
        reasons: by id, why what was set aside could not be recorded.
        unanswered: ids of those named that nobody was given.
    """

    def __init__(self) -> None:
        self._unwritten: dict[_Place, LostFrame] = {}
        self._held_bytes = 0
        self.named: dict[str, list[str]] = {}
        self.reasons: dict[str, str] = {}
        self.unanswered: dict[str, None] = {}

    def add(self, frame: LostFrame) -> None:
        """This frame will not be recorded."""
        aside = frame.aside
        if aside is not None and self._held_bytes + aside.bytes > HELD_BYTES:
            aside = SetAside(aside.reason)
        self._drop(frame.ref)
        self._held_bytes += aside.bytes if aside is not None else 0
        # Epoch and number alone may be those of a frame in the session that this one is a copy of.
        name = frame.frame_id or "#".join(map(str, _place(frame.ref)))
        self._unwritten[_place(frame.ref)] = replace(frame, frame_id=name, aside=aside)

    def is_unwritten(self, ref: FrameRef) -> bool:
        """Whether a frame is lost, and not yet written down."""
        return _place(ref) in self._unwritten

    def due(self) -> dict[str, list[LostFrame]]:
        """By session, the frames to write down, each with a name."""
        found: dict[str, list[LostFrame]] = {}
        for frame in self._unwritten.values():
            found.setdefault(frame.ref.session_id, []).append(frame)
        return found

    def settled(self, session_id: str, frames: Iterable[LostFrame], lost: Iterable[str]) -> None:
        """These frames of a session were looked at; those in ``lost`` are written down."""
        written = dict.fromkeys(lost)
        for frame in frames:
            self._drop(frame.ref)
            if frame.frame_id not in written:
                continue
            if frame.aside is not None:
                self.reasons[frame.frame_id] = frame.aside.reason
            if not frame.answered:
                self.unanswered[frame.frame_id] = None
        for told, limit in ((self.reasons, REASONS), (self.unanswered, NAMED)):
            while len(told) > limit:
                del told[next(iter(told))]
        named = self.named.setdefault(session_id, [])
        named += [frame_id for frame_id in written if frame_id not in named]
        del named[:-NAMED]
        if not named:
            del self.named[session_id]

    def _drop(self, ref: FrameRef) -> None:
        frame = self._unwritten.pop(_place(ref), None)
        if frame is not None and frame.aside is not None:
            self._held_bytes -= frame.aside.bytes


def _place(ref: FrameRef) -> _Place:
    return ref.epoch, ref.session_id, ref.record_seq
