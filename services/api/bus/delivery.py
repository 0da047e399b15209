"""Delivery tracking: whether each frame of a session is on disk, lost or pending. A journal outlives this process."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.api.bus.journal import HANDOVER_S, Journal, wait_at_most
from services.api.bus.pending import PendingFrames
from shared.bus.requests.recorder import Settled
from shared.errors import GenerationFailed, GenerationTimeout
from shared.frame import FrameKey
from shared.system.disk import Disk

log = logging.getLogger(__name__)

ACKNOWLEDGEMENT_S = 0.05
"""How long an answer waits for its frame to be on disk."""
REMEMBERED_LOST = 1000


class DeliveryTracking:
    """Knows which frames are pending, and which were lost.

    Attributes:
        pending: frames that were made and are not known to be on disk.
        journal: keeps them across restarts.
        lost: ids of frames found to be lost, by session.
    """

    def __init__(self, disk: Disk, root: Path) -> None:
        self.pending = PendingFrames()
        self.journal = Journal(disk, root, self.pending.restore)
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
        try:
            if durable or not has_older:
                await wait_at_most(delivery.settled, timeout_s if durable else ACKNOWLEDGEMENT_S)
        finally:
            handed_over = self.journal.add(frame) if delivery.outcome is None else None
        if handed_over is not None and not durable:
            await wait_at_most(handed_over, HANDOVER_S)
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
        known = [frame_id for frame_id in frame_ids if self.pending.recorded(frame_id)]
        if known:
            self.journal.settle(known)

    async def settled(self, asked: Sequence[FrameKey], found: Settled) -> None:
        """Note what the recorder found out about frames whose generator has ended."""
        self.recorded(found.recorded)
        await wait_at_most(self.journal.settle(found.lost), HANDOVER_S)
        sessions = {frame.frame_id: frame.session_id for frame in asked}
        for frame_id in found.lost:
            if self.pending.lost(frame_id):
                session_id = sessions.get(frame_id, "unknown")
                log.error("frame %s of session %s is lost", frame_id, session_id)
                ids = self.lost.setdefault(session_id, [])
                ids.append(frame_id)
                del ids[:-REMEMBERED_LOST]
