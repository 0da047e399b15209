"""What generators left that have ended: frames in the spill, and the names of others in their journals."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.recorder.ledger.losses import Losses, LostFrame, SetAside
from services.recorder.ledger.streams import Streams
from shared.frame import FrameKey
from shared.session.writing.journal import JournaledFrame, LeftJournal
from shared.session.writing.spill import SpilledFrame

log = logging.getLogger(__name__)


class LeftBehind:
    """What is to be taken in before anything that a successor makes.

    Attributes:
        ending: epochs of generators that may not have ended yet; they are looked at again.
        spilled: by session, the frames that wait in the spill.
    """

    def __init__(self, streams: Streams, losses: Losses) -> None:
        self._streams = streams
        self._losses = losses
        self._taken_in = 0
        self._unusable: set[str] = set()
        self._journals: dict[Path, LeftJournal] = {}
        self.ending: set[str] = set()
        self.spilled: dict[str, list[SpilledFrame]] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether a generator has gone: what it left is to be read, journals first, then the spill."""
        return self._taken_in < self._streams.generations

    def look_again(self) -> None:
        """A generator may have ended meanwhile."""
        if self.ending:
            self._taken_in = 0

    # -- journals -----------------------------------------------------------------------------------------------------

    def take_journals(self, journals: Iterable[LeftJournal], ending: Iterable[str], now_s: float) -> None:
        """The journals of generators that have ended, less what is recorded."""
        self.ending = set(ending)
        for left in journals:
            self._journals[left.path] = left
            streams: dict[tuple[str, str], list[JournaledFrame]] = {}
            for frame in left.frames:
                streams.setdefault((frame.key.epoch, frame.key.session_id), []).append(frame)
            for (epoch, session_id), frames in streams.items():
                try:
                    self._streams.end_with(epoch, session_id, frames, now_s)
                except ValueError as error:
                    log.error("the journal %s is wrong about session %s: %s", left.path.name, session_id, error)

    def settled_journals(self) -> list[LeftJournal]:
        """Those of whose frames each is on disk, or named as lost. They are forgotten here."""
        settled = [left for left in self._journals.values() if all(self._is_over(frame.key) for frame in left.frames)]
        for left in settled:
            del self._journals[left.path]
        return settled

    def _is_over(self, key: FrameKey) -> bool:
        stream = self._streams.find(key.epoch, key.session_id)
        is_coming = (stream is not None and stream.is_waiting(key.record_seq)) or key.session_id in self.spilled
        return not is_coming and not self._losses.is_unwritten(key)

    # -- the spill ----------------------------------------------------------------------------------------------------

    def take_spill(self, frames: Sequence[SpilledFrame], generations: int) -> None:
        """What the generators left of which there were so many when it was read."""
        if frames:
            log.warning("%d frames of a stopped generator are in the spill; they are taken in first", len(frames))
        self._taken_in = generations
        self.spilled.clear()
        for spilled in frames:
            if spilled.path.name not in self._unusable and spilled.frame.session_id is not None:
                self.spilled.setdefault(spilled.frame.session_id, []).append(spilled)

    def took_out(self, session_id: str, frames: Sequence[SpilledFrame]) -> bool:
        """These are in their session, or lost; whether nothing at all is left in the spill."""
        left = self.spilled.pop(session_id, [])[len(frames) :]
        if left:
            self.spilled[session_id] = left
        return not self.spilled and not self._unusable

    def spoilt(self, spilled: SpilledFrame, reason: str) -> None:
        """A frame of the spill cannot be used. Its file stays there for a human."""
        self._unusable.add(spilled.path.name)
        if (key := spilled.frame.key) is not None:
            self._losses.add(LostFrame(key, key.frame_id, SetAside.of(reason, spilled.frame.flat(), b"")))
