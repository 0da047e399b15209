"""Delivery tracking: whether each frame of a session is on disk, lost or pending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from services.api.bus.pending import PendingFrames
from shared.errors import GenerationFailed, GenerationTimeout
from shared.frame import FrameKey

log = logging.getLogger(__name__)

ACKNOWLEDGEMENT_S = 0.05
"""How long an answer waits for its frame to be on disk."""
REMEMBERED_LOST = 1000


class DeliveryTracking:
    """Knows which frames are pending, and which were lost.

    Attributes:
        pending: frames that were made and are not known to be on disk.
        lost: ids of frames found to be lost, by session.
    """

    def __init__(self) -> None:
        self.pending = PendingFrames()
        self.lost: dict[str, list[str]] = {}

    async def acknowledgement(self, frame: FrameKey, *, durable: bool, timeout_s: float) -> str:
        """Wait a short moment until a frame is on disk, with ``durable`` until ``timeout_s``: ``disk`` or ``pending``.

        Raises:
            GenerationTimeout: durable, and not on disk in time.
            GenerationFailed: durable, and known to be lost.
        """
        has_older = self.pending.has_older(frame)
        delivery = self.pending.add(frame)
        if delivery is None:
            return "disk"
        if durable or not has_older:
            await wait_at_most(delivery.settled, timeout_s if durable else ACKNOWLEDGEMENT_S)
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

    def recorded(self, frame_ids: Iterable[str]) -> None:
        """Note that these frames are on disk."""
        for frame_id in frame_ids:
            self.pending.recorded(frame_id)

    def gone(self, frames: Iterable[FrameKey]) -> None:
        """Note that these frames will never be on disk."""
        for frame in frames:
            if self.pending.lost(frame.frame_id):
                log.error("frame %s of session %s is lost", frame.frame_id, frame.session_id)
                ids = self.lost.setdefault(frame.session_id, [])
                ids.append(frame.frame_id)
                del ids[:-REMEMBERED_LOST]


async def wait_at_most(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, or until the time is up."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
