"""The sessions, as the recorder's one writing thread sees them. Everything here blocks.

Nothing here knows of sockets; the event loop hands work over and gets plain results back.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.recorder.folder import SessionsFolder
from shared.bus.requests.recorder import AskedFrame
from shared.errors import InvalidSessionId, SessionNotFound
from shared.frame import Frame, FrameKey, SessionStamp
from shared.session.format import ids, layout
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.numbers import FrameIds
from shared.session.reading.reader import open_session
from shared.session.reading.sessions import is_session
from shared.session.transfer.staging import adopt
from shared.session.writing.examine import examine
from shared.session.writing.frames import FrameToWrite, MissingInput, RecordedFrame
from shared.session.writing.journal import LeftJournal, read_left
from shared.session.writing.repair import repair
from shared.session.writing.spill import SpilledFrame
from shared.session.writing.writer import SessionWriter
from shared.system.disk import TEMP_PREFIX, Disk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: frames that are safe, or else hashes of the inputs that it needs first."""

    frames: tuple[RecordedFrame, ...] = ()
    inputs_wanted: tuple[str, ...] = ()
    count: int = 0


class Archive:
    """The sessions of one folder, and those of them that are open.

    Whatever writes raises FolderUnusable or OSError where the disk refuses: try again.
    """

    def __init__(self, disk: Disk, folder: SessionsFolder) -> None:
        self.folder = folder
        self._disk = disk
        self._root = folder.path
        self._writers: dict[str, SessionWriter] = {}

    def is_open(self, session_id: str) -> bool:
        """Whether a session is open here."""
        return session_id in self._writers

    def start(
        self, session_id: str | None, *, resume: bool, extra: Mapping[str, Any] | None = None
    ) -> tuple[SessionStamp, bool, int]:
        """Make a session, or with ``resume`` go on with one: its stamp, whether it was there, and its frames.

        ``extra`` goes into the head of a new one.

        Raises:
            InvalidSessionId, SessionExists: see :mod:`shared.session.format.ids`.
            DamagedMetadata: its metadata cannot be understood, and somebody may yet mend it.
        """
        self.folder.claim()
        now = time.time()
        resumed = False
        if session_id is None:
            session_id = ids.automatic(self._root, now)
        elif resume and self._is_session(ids.validate(session_id)):
            if session_id not in self._writers:
                self.folder.check_understood(session_id)
            resumed = True
        else:
            self.folder.claim_id(session_id, self._is_session)
        writer = self._open(session_id, now, extra)
        return SessionStamp(session_id=session_id, created_at=writer.created_at), resumed, writer.recorded

    def resume(self, stamp: SessionStamp) -> int:
        """Go on with a session that is known to be active; made anew where its folder is gone. Its frames."""
        self.folder.claim()
        return self._open(ids.validate(stamp.session_id), stamp.created_at).recorded

    def hold(self, stamp: SessionStamp) -> tuple[Path, int]:
        """Have a session open, made anew where its folder is gone; that folder, and how many entries it has."""
        self.folder.claim()
        writer = self._open(ids.validate(stamp.session_id), stamp.created_at)
        if not writer.folder.exists():
            writer.reread()
        return writer.folder, writer.recorded

    def created_at(self, session_id: str) -> float | None:
        """When a session was begun; None where nothing tells."""
        if (writer := self._writers.get(session_id)) is not None:
            return writer.created_at
        try:
            with open_session(self._root, session_id) as reader:
                return reader.created_at
        except (DamagedMetadata, SessionNotFound):
            return None

    def write(
        self,
        session_id: str,
        created_at: float | None,
        frames: Sequence[tuple[Frame, bytes]],
        inputs: Mapping[str, bytes | None],
    ) -> Written:
        """Record frames, given inputs by hash (None: nobody has it any more). Raises CorruptFrame where bytes and hash
        of a frame, or of an input, do not fit."""
        self.folder.claim()
        writer = self._open(session_id, created_at or time.time())
        wanted = [sha256 for sha256 in writer.inputs_wanted(frame for frame, _ in frames) if sha256 not in inputs]
        if wanted:
            return Written(inputs_wanted=tuple(wanted), count=writer.recorded)
        pending = []
        for frame, png in frames:
            given = inputs.get(frame.input_sha256, b"")
            pending.append(FrameToWrite(frame, png, given or None, input_lost=given is None))
        return self._append(writer, pending)

    def write_spilled(self, session_id: str, frames: Sequence[SpilledFrame]) -> Written:
        """Record frames of the spill, and take them out of it. Raises ValueError, which names it, where a frame's file
        is torn, and CorruptFrame as :meth:`write`."""
        self.folder.claim()
        loaded = [frame.load() for frame in frames]
        first = frames[0].frame
        created_at = first.session_created_at or first.timestamp or time.time()
        written = self._append(self._open(session_id, created_at), loaded)
        for frame in frames:
            self._disk.unlink(frame.path)  # where that fails, recording it again is harmless
        return written

    def close(self, session_id: str) -> None:
        """End the recording of a session."""
        writer = self._writers.get(session_id)
        if writer is not None:
            writer.close()
            del self._writers[session_id]

    def close_all(self) -> None:
        """End everything and give the folder up. What the disk refuses is left to the next start's repair."""
        for session_id in list(self._writers):
            try:
                self.close(session_id)
            except (OSError, DamagedMetadata) as error:
                log.warning("session %s could not be closed: %s", session_id, error)
        self.folder.release()

    def delete(self, session_id: str) -> None:
        """Remove a session and all in it; of one that is a link, the link. Out of sight at once, so that a death leaves
        no half of it. Raises SessionNotFound where there is none."""
        self.folder.claim()
        # By its exact name: where case does not count for the disk, it counts here.
        if not is_session(self._root, session_id) or session_id not in os.listdir(self._root):
            raise SessionNotFound(f"there is no session {session_id!r}")
        self._writers.pop(session_id, None)
        doomed = self._root / f"{TEMP_PREFIX}deleted-{session_id}"
        if os.path.lexists(doomed):
            self._disk.remove_tree(doomed)
        self._disk.rename(layout.folder_to_write(self._root, session_id), doomed)
        self._disk.fsync_dir(self._root)
        self._disk.remove_tree(doomed)

    def adopt(self, staged: str, session_id: str) -> None:
        """Give an imported session its place; see :func:`shared.session.transfer.staging.adopt`."""
        self.folder.claim()
        adopt(self._disk, self._root, staged, session_id)

    def repair(self, session_id: str) -> list[str]:
        """Mend a session; a sentence for each thing done. Raises SessionNotFound where there is none."""
        self.folder.claim()
        if not self._is_session(session_id):
            raise SessionNotFound(f"there is no session {session_id!r}")
        writer = self._writers.get(session_id)
        if writer is None:
            return repair(self._disk, self._root / session_id).did
        writer.reread()
        return writer.repaired.did if writer.repaired else []

    def mark_lost(self, session_id: str, frame_ids: Sequence[str]) -> list[str]:
        """Name as lost those of these frames that are not recorded after all; which they are."""
        self.folder.claim()
        if not self._is_session(session_id):
            return list(frame_ids)
        writer = self._open(session_id, time.time())
        lost = [frame_id for frame_id in frame_ids if not writer.has(frame_id)]
        writer.mark_lost(lost)
        return lost

    def read_journals(self, living: str | None) -> tuple[list[LeftJournal], set[str]]:
        """See :func:`read_left`, less what is recorded; nothing where the folder cannot be read."""
        try:
            journals, ending = read_left(self._root, living)
        except OSError as error:
            log.error("the journals of generators cannot be read: %s", error)
            return [], set()
        left = []
        for journal in journals:
            recorded = self.recorded([frame.key for frame in journal.frames])
            frames = [frame for frame, is_safe in zip(journal.frames, recorded, strict=True) if not is_safe]
            left.append(replace(journal, frames=frames))
        return left, ending

    def recorded(self, frames: Sequence[AskedFrame | FrameKey]) -> list[bool]:
        """Whether each frame is on disk. Of a session that is not open, its whole metadata is read.

        One that is asked after without its id is not affirmed: numbers alone may be another frame's.
        """
        found: dict[str, FrameIds] = {}
        for frame in frames:
            if frame.session_id not in found:
                writer = self._writers.get(frame.session_id)
                found[frame.session_id] = writer.recorded_ids if writer else self._recorded_in(frame.session_id)
        return [frame.frame_id in found[frame.session_id] for frame in frames]

    # -- parts --------------------------------------------------------------------------------------------------------

    def _open(self, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None) -> SessionWriter:
        writer = self._writers.get(session_id)
        if writer is None:
            writer = SessionWriter.open_or_create(self._disk, self._root, session_id, created_at, extra)
            self._writers[session_id] = writer
        return writer

    def _append(self, writer: SessionWriter, frames: Sequence[FrameToWrite]) -> Written:
        try:
            done = writer.append(frames)
        except MissingInput as missing:  # removed by its owner in this very moment
            return Written(inputs_wanted=(missing.sha256,), count=writer.recorded)
        return Written(tuple(done), (), writer.recorded)

    def _is_session(self, session_id: str) -> bool:
        """Whether there is a session of this id. Any other folder is none of ours, whatever it is called."""
        if session_id in self._writers and (self._root / session_id).is_dir():
            return True  # whatever was done to it meanwhile
        return is_session(self._root, session_id)

    def _recorded_in(self, session_id: str) -> FrameIds:
        try:
            return examine(self._root / ids.validate(session_id)).recorded
        except (OSError, InvalidSessionId):
            return FrameIds()
