"""What becomes of each frame of a session: on disk, lost, or not known yet. A journal keeps it past our own end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.api.bus.journal import HANDOVER_S, Journal, for_a_while
from services.api.bus.pending import PendingFrames
from shared.bus.requests.recorder import Settled
from shared.errors import GenerationFailed, GenerationTimeout
from shared.frame import FrameKey
from shared.system.disk import Disk

log = logging.getLogger(__name__)

ACKNOWLEDGEMENT_S = 0.05
"""How long an answer waits to hear that its frame is on disk."""
REMEMBERED_LOST = 1000


class Fates:
    """The frames that are pending, and those that were lost.

    Attributes:
        pending: frames that were made and are not known to be on disk.
        journal: where they are kept past our own end.
        lost: ids of frames that were made and never reached the disk, by session, as far as we found out ourselves.
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
        waiting = self.pending.add(frame)
        if waiting is None:
            return "disk"
        try:
            if durable or not has_older:
                await for_a_while(waiting.settled, timeout_s if durable else ACKNOWLEDGEMENT_S)
        finally:
            handed_over = self.journal.add(frame) if waiting.fate is None else None
        if handed_over is not None and not durable:
            await for_a_while(handed_over, HANDOVER_S)
        if waiting.fate == "disk":
            return "disk"
        if not durable:
            return "pending"
        if waiting.fate == "lost":
            raise GenerationFailed(f"The frame {frame.frame_id} was made, and lost before it was on disk; ask again.")
        raise GenerationTimeout(
            f"The frame {frame.frame_id} is made and will be recorded, but was not on disk within the time; "
            "/session/status and /health say what the recorder waits for."
        )

    def recorded(self, frame_ids: Iterable[str]) -> None:
        """These frames are on disk."""
        known = [frame_id for frame_id in frame_ids if self.pending.recorded(frame_id)]
        if known:
            self.journal.settle(known)

    async def settled(self, asked: Sequence[FrameKey], found: Settled) -> None:
        """What the recorder found of frames whose generator is no more."""
        self.recorded(found.recorded)
        await for_a_while(self.journal.settle(found.lost), HANDOVER_S)
        sessions = {frame.frame_id: frame.session_id for frame in asked}
        for frame_id in found.lost:
            if self.pending.lost(frame_id):
                session_id = sessions.get(frame_id, "unknown")
                log.error("frame %s of session %s is lost", frame_id, session_id)
                ids = self.lost.setdefault(session_id, [])
                ids.append(frame_id)
                del ids[:-REMEMBERED_LOST]
