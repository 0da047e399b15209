"""Delivery tracking: whether each frame of a session is on disk, lost or pending."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from shared.errors import GenerationFailed, GenerationTimeout
from shared.frame import FrameKey
from shared.system.waiting import wait_at_most

log = logging.getLogger(__name__)

Outcome = Literal["disk", "lost"]

ACKNOWLEDGEMENT_S = 0.05
"""How long an answer waits for its frame to be on disk."""
REMEMBERED_ANNOUNCEMENTS = 4096
"""Frames announced as recorded before the generator's answer was read; older ones are forgotten."""
REMEMBERED_LOST = 1000


@dataclass(slots=True, eq=False)
class Delivery:
    """One frame, and its outcome (None: not known yet)."""

    frame: FrameKey
    outcome: Outcome | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class DeliveryTracking:
    """Knows which frames were made and are not known to be on disk; ``lost``: ids of those found lost, by session."""

    def __init__(self) -> None:
        self._pending: dict[str, Delivery] = {}
        self._announced: OrderedDict[str, None] = OrderedDict()
        self.lost: dict[str, list[str]] = {}

    async def acknowledgement(
        self, frame: FrameKey, *, durable: bool, timeout_s: float, in_a_hurry: bool = False
    ) -> str:
        """Wait a short moment until a frame is on disk, with ``durable`` until ``timeout_s``, and ``in_a_hurry`` not at
        all: ``disk`` or ``pending``.

        Raises:
            GenerationTimeout: durable, and not on disk in time.
            GenerationFailed: durable, and known to be lost.
        """
        has_older = self.has_older(frame)
        delivery = self.add(frame)
        if delivery is None:
            return "disk"
        if durable or not has_older:
            await wait_at_most(delivery.settled, timeout_s if durable else 0.0 if in_a_hurry else ACKNOWLEDGEMENT_S)
        if delivery.outcome == "disk":
            return "disk"
        if not durable:
            return "pending"
        if delivery.outcome == "lost":
            raise GenerationFailed(f"The frame {frame.frame_id} was made, and lost before it was on disk; ask again.")
        raise GenerationTimeout(
            f"The frame {frame.frame_id} is made and will be recorded, but was not on disk within the time; "
            "/session/status and /health say what the recorder waits for."
        )

    def add(self, frame: FrameKey) -> Delivery | None:
        """Wait for a frame; None when it is already known to be on disk."""
        if self._announced.pop(frame.frame_id, self) is None:
            return None
        return self._pending.setdefault(frame.frame_id, Delivery(frame))

    def has_older(self, frame: FrameKey) -> bool:
        """Whether a frame of the same session that was made earlier is still pending."""
        others = (other.frame for other in self._pending.values() if other.frame.session_id == frame.session_id)
        return any(other.epoch != frame.epoch or other.record_seq < frame.record_seq for other in others)

    def recorded(self, frame_id: str) -> None:
        """Note that a frame is on disk."""
        if not self._settle(frame_id, "disk"):
            self._announced[frame_id] = None
            if len(self._announced) > REMEMBERED_ANNOUNCEMENTS:
                self._announced.popitem(last=False)

    def gone(self, frame: FrameKey) -> None:
        """Note that a frame will never be on disk."""
        if self._settle(frame.frame_id, "lost"):
            log.error("frame %s of session %s is lost", frame.frame_id, frame.session_id)
            ids = self.lost.setdefault(frame.session_id, [])
            ids.append(frame.frame_id)
            del ids[:-REMEMBERED_LOST]

    def oldest(self, limit: int) -> list[FrameKey]:
        """The frames that have waited longest."""
        return [delivery.frame for delivery in islice(self._pending.values(), limit)]

    def counts(self) -> Counter[str]:
        """How many are pending, by session."""
        return Counter(delivery.frame.session_id for delivery in self._pending.values())

    def _settle(self, frame_id: str, outcome: Outcome) -> bool:
        delivery = self._pending.pop(frame_id, None)
        if delivery is not None:
            delivery.outcome = outcome
            delivery.settled.set()
        return delivery is not None
