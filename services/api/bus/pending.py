"""Frames that were made for a session and are not yet known to be on disk."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from shared.frame import FrameKey

Outcome = Literal["disk", "lost"]

REMEMBERED_ANNOUNCEMENTS = 4096
"""Frames announced as recorded before the generator's answer was read; older ones are forgotten."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One frame, and its outcome (None: not known yet)."""

    frame: FrameKey
    outcome: Outcome | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class PendingFrames:
    """The pending frames by session, oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[str, Delivery] = {}
        self._sessions: dict[str, dict[str, Delivery]] = {}
        self._announced: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, frame: FrameKey) -> Delivery | None:
        """Wait for a frame; None when it is already known to be on disk."""
        if self._announced.pop(frame.frame_id, self) is None:
            return None
        delivery = self._by_id.get(frame.frame_id)
        if delivery is None:
            delivery = self._by_id[frame.frame_id] = Delivery(frame)
            self._sessions.setdefault(frame.session_id, {})[frame.frame_id] = delivery
        return delivery

    def has_older(self, frame: FrameKey) -> bool:
        """Whether a frame of the same session that was made earlier is still pending."""
        return any(
            other.frame.epoch != frame.epoch or other.frame.record_seq < frame.record_seq
            for other in self._sessions.get(frame.session_id, {}).values()
        )

    def recorded(self, frame_id: str) -> bool:
        """Note that a frame is on disk; whether it was pending."""
        if self._settle(frame_id, "disk"):
            return True
        self._announced[frame_id] = None
        if len(self._announced) > REMEMBERED_ANNOUNCEMENTS:
            self._announced.popitem(last=False)
        return False

    def lost(self, frame_id: str) -> bool:
        """Note that a frame will never be on disk; whether it was pending."""
        return self._settle(frame_id, "lost")

    def oldest(self, limit: int) -> list[FrameKey]:
        """The frames that have waited longest."""
        return [delivery.frame for delivery in islice(self._by_id.values(), limit)]

    def count(self, session_id: str) -> int:
        """How many frames of a session are pending."""
        return len(self._sessions.get(session_id, {}))

    def counts(self) -> dict[str, int]:
        """How many are pending, by session."""
        return {session_id: len(frames) for session_id, frames in self._sessions.items()}

    def _settle(self, frame_id: str, outcome: Outcome) -> bool:
        delivery = self._by_id.pop(frame_id, None)
        if delivery is None:
            return False
        session = self._sessions[delivery.frame.session_id]
        del session[frame_id]
        if not session:
            del self._sessions[delivery.frame.session_id]
        delivery.outcome = outcome
        delivery.settled.set()
        return True
