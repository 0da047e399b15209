"""Frames that did not come and can come no more: named in their session, once it is known what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.recorder.ledger.streams import GivenUp

NAMING_S = 10.0
"""A frame whose id was never heard waits so long for the API, which may know it, before it is named by its number."""
TOLD = 1000
"""Ids of lost frames that ``status`` tells, by session, the last ones."""


@dataclass(slots=True)
class _Unwritten:
    frame_id: str | None
    due_s: float


class Losses:
    """What is lost, and what of it is not yet written down.

    Attributes:
        told: ids of lost frames by session, since this process began.
    """

    def __init__(self) -> None:
        self._unwritten: dict[str, dict[tuple[str, int], _Unwritten]] = {}
        self.told: dict[str, list[str]] = {}

    def add(self, frames: Iterable[GivenUp], now_s: float) -> None:
        """These frames did not come."""
        for frame in frames:
            due_s = now_s if frame.frame_id else now_s + NAMING_S
            key = (frame.epoch, frame.record_seq)
            self._unwritten.setdefault(frame.session_id, {})[key] = _Unwritten(frame.frame_id, due_s)

    def due(self, now_s: float) -> dict[str, dict[tuple[str, int], str]]:
        """By session, the frames to write down now: by epoch and number, each with its name."""
        found: dict[str, dict[tuple[str, int], str]] = {}
        for session_id, frames in self._unwritten.items():
            due = {
                # Epoch and number alone may be those of a frame in the session that this one is a copy of.
                key: frame.frame_id or f"{key[0]}#{session_id}#{key[1]}"
                for key, frame in frames.items()
                if now_s >= frame.due_s
            }
            if due:
                found[session_id] = due
        return found

    def settled(self, session_id: str, keys: Iterable[tuple[str, int]], lost: Iterable[str]) -> None:
        """These were looked at; those of them in ``lost`` are written down."""
        unwritten = self._unwritten.get(session_id, {})
        for key in keys:
            unwritten.pop(key, None)
        if not unwritten:
            self._unwritten.pop(session_id, None)
        told = self.told.setdefault(session_id, [])
        told += [frame_id for frame_id in lost if frame_id not in told]
        del told[:-TOLD]
        if not told:
            del self.told[session_id]
