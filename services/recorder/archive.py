"""The sessions folder, as the recorder's one writing thread sees it. Everything here blocks.

Nothing here knows of sockets; the event loop hands work over and gets plain results back.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.bus.requests.recorder import AskedFrame
from shared.errors import InvalidSessionId, SessionExists, SessionNotFound
from shared.frame import Frame, SessionStamp
from shared.session.format import ids, layout
from shared.session.format.frame_ids import FrameIds
from shared.session.format.metadata import DamagedMetadata, with_advice
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import is_session
from shared.session.text.contents import left_open
from shared.session.transfer.staging import adopt, sweep
from shared.session.writing import spill
from shared.session.writing.examine import examine
from shared.session.writing.frames import MissingInput, PendingFrame, RecordedFrame
from shared.session.writing.repair import repair
from shared.session.writing.root import make_root
from shared.session.writing.spill import Spill, SpilledFrame
from shared.session.writing.writer import SessionWriter
from shared.system.disk import TEMP_PREFIX, Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)


class RootTrouble(Exception):
    """The sessions folder as a whole cannot be written to; the message says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: frames that are safe, or else hashes of the inputs that it needs first."""

    frames: tuple[RecordedFrame, ...] = ()
    inputs_wanted: tuple[str, ...] = ()
    count: int = 0


@dataclass(slots=True)
class Recovered:
    """What a start found: sessions that were repaired, and what a generator left for us."""

    repaired: dict[str, list[str]] = field(default_factory=dict)
    spill: Spill = field(default_factory=Spill)


class Archive:
    """The open sessions and the folder they lie in."""

    def __init__(self, disk: Disk, root: Path) -> None:
        self._disk = disk
        self._root = root
        self._holder: Holder | None = None
        self._writers: dict[str, SessionWriter] = {}

    # -- the folder as a whole ----------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Make the sessions folder and take its lock. Called again before each write: the folder may have vanished.

        Raises:
            AlreadyHeld: another recorder has it.
            RootTrouble: it cannot be made or locked.
        """
        lock = self._root / layout.RECORDER_LOCK
        if self._holder is not None and lock.exists():
            return
        try:
            make_root(self._disk, self._root)
            if not self._root.is_dir():
                raise NotADirectoryError(f"{self._root} is not a folder")
            if self._holder is not None:
                self._holder.release()
                self._holder = None
            self._holder = Holder(lock, f"the sessions folder {self._root}")
        except OSError as error:
            raise RootTrouble(f"the sessions folder {self._root}: {_reason(error)}") from error

    def recover(self) -> Recovered:
        """Remove half-made sessions, repair those that were left open, and read the spill's headers.

        Raises:
            AlreadyHeld, RootTrouble: see :meth:`claim`.
        """
        self.claim()
        found = Recovered()
        try:
            names = sorted(os.listdir(self._root))
        except OSError as error:
            raise RootTrouble(f"the sessions folder {self._root}: {_reason(error)}") from error
        for name in names:
            try:
                if name.startswith(TEMP_PREFIX):
                    self._remove(self._root / name)
                elif name[0] != "." and name not in self._writers and self._was_left_open(name):
                    found.repaired[name] = repair(self._disk, self._root / name).did
            except OSError as error:
                log.error("session %s could not be repaired: %s", name, error)
            except Exception:  # whatever is in one folder, the others are recorded
                log.exception("session %s could not be repaired", name)
        try:
            sweep(self._disk, self._root)
        except OSError as error:
            log.error("what an import left behind could not be removed: %s", error)
        found.spill = self.read_spill()
        return found

    def free_bytes(self) -> int | None:
        """Free space where the sessions are; None where it cannot be told."""
        try:
            return self._disk.free_bytes(self._root)
        except OSError:
            return None

    # -- sessions -----------------------------------------------------------------------------------------------------

    def start(
        self, session_id: str | None, *, resume: bool, extra: Mapping[str, Any] | None = None
    ) -> tuple[SessionStamp, bool, int]:
        """Make a session, or with ``resume`` go on with one: its stamp, whether it was there, and its frames.

        ``extra`` goes into the head of a new one.

        Raises:
            InvalidSessionId, SessionExists: see :mod:`shared.session.format.ids`.
            DamagedMetadata: its metadata cannot be understood, and somebody may yet mend it.
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
        now = time.time()
        resumed = False
        if session_id is None:
            session_id = ids.automatic(self._root, now)
        elif resume and self._is_session(ids.validate(session_id)):
            self._check_understood(session_id)
            resumed = True
        else:
            self._claim_id(session_id)
        writer = self._open(session_id, now, extra)
        return SessionStamp(session_id=session_id, created_at=writer.created_at), resumed, writer.recorded

    def resume(self, stamp: SessionStamp) -> int:
        """Go on with a session that is known to be active; made anew where its folder is gone. Its frames.

        Raises:
            InvalidSessionId, RootTrouble, OSError: as :meth:`start`.
        """
        self.claim()
        return self._open(ids.validate(stamp.session_id), stamp.created_at).recorded

    def write(
        self,
        session_id: str,
        created_at: float | None,
        frames: Sequence[tuple[Frame, bytes]],
        inputs: Mapping[str, bytes | None],
    ) -> Written:
        """Record frames, given inputs by hash (None: nobody has it any more).

        Raises:
            CorruptFrame: bytes and hash of a frame, or of an input, do not fit.
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
        writer = self._open(session_id, created_at or time.time())
        wanted = [sha256 for sha256 in writer.inputs_wanted(frame for frame, _ in frames) if sha256 not in inputs]
        if wanted:
            return Written(inputs_wanted=tuple(wanted), count=writer.recorded)
        pending = []
        for frame, png in frames:
            given = inputs.get(frame.input_sha256, b"")
            pending.append(PendingFrame(frame, png, given or None, input_lost=given is None))
        return self._append(writer, pending)

    def write_spilled(self, session_id: str, frames: Sequence[SpilledFrame]) -> Written:
        """Record frames of the spill, and take them out of it.

        Raises:
            ValueError: a frame's file is torn; the message names it.
            CorruptFrame, RootTrouble, OSError: as :meth:`write`.
        """
        self.claim()
        loaded = [frame.load() for frame in frames]
        first = frames[0].frame
        created_at = first.session_created_at or first.timestamp or time.time()
        written = self._append(self._open(session_id, created_at), loaded)
        for frame in frames:
            spill.remove(self._disk, frame)
        return written

    def close(self, session_id: str) -> None:
        """End the recording of a session.

        Raises:
            OSError: the disk refuses; try again.
        """
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
        if self._holder is not None:
            try:
                self._holder.release()
            except OSError as error:
                log.warning("the lock of %s could not be removed: %s", self._root, error)
            self._holder = None

    def delete(self, session_id: str) -> None:
        """Remove a session and all in it; of one that is a link, the link. Out of sight at once, so that a death
        leaves no half of it.

        Raises:
            SessionNotFound: there is none.
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
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
        """Give an imported session its place.

        Raises:
            InvalidSessionId, SessionExists, NotFound: see :func:`shared.session.transfer.staging.adopt`.
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
        adopt(self._disk, self._root, staged, session_id)

    def repair(self, session_id: str) -> list[str]:
        """Mend a session; a sentence for each thing done.

        Raises:
            SessionNotFound: there is none.
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
        if not self._is_session(session_id):
            raise SessionNotFound(f"there is no session {session_id!r}")
        writer = self._writers.get(session_id)
        if writer is None:
            return repair(self._disk, self._root / session_id).did
        writer.reread()
        return writer.repaired.did if writer.repaired else []

    def mark_lost(self, session_id: str, frame_ids: Sequence[str]) -> tuple[list[str], list[str]]:
        """Of these frames, those that are recorded after all, and the others: named as lost.

        Raises:
            RootTrouble, OSError: the disk refuses.
        """
        self.claim()
        if not self._is_session(session_id):
            return [], list(frame_ids)
        writer = self._open(session_id, time.time())
        recorded = [frame_id for frame_id in frame_ids if writer.has(frame_id)]
        lost = [frame_id for frame_id in frame_ids if not writer.has(frame_id)]
        writer.mark_lost(lost)
        return recorded, lost

    def recorded(self, frames: Sequence[AskedFrame]) -> list[bool]:
        """Whether each frame is on disk. Of a session that is not open, its whole metadata is read.

        One that is asked after without its id is not affirmed: numbers alone may be another frame's.
        """
        closed: dict[str, FrameIds] = {}
        answers = []
        for ref in frames:
            writer = self._writers.get(ref.session_id)
            if writer is not None:
                answers.append(ref.frame_id is not None and writer.has(ref.frame_id))
                continue
            if ref.session_id not in closed:
                closed[ref.session_id] = self._recorded_in(ref.session_id)
            answers.append(ref.frame_id in closed[ref.session_id])
        return answers

    # -- the spill ----------------------------------------------------------------------------------------------------

    def read_spill(self) -> Spill:
        """What a generator left; nothing while one is still writing there."""
        try:
            if not (self._root / layout.SPILL).is_dir():
                return Spill()
            holder = spill.hold(self._root)
            try:
                return spill.read_spill(self._root)
            finally:
                holder.release()
        except AlreadyHeld:
            return Spill()
        except OSError as error:
            log.error("the spill cannot be read: %s", error)
            return Spill()

    def clear_spill(self) -> None:
        """Once its frames are safe: nothing of the spill stays."""
        try:
            spill.clear(self._disk, self._root)
        except (AlreadyHeld, OSError) as error:
            log.warning("the spill is not cleared: %s", error)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _open(self, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None) -> SessionWriter:
        writer = self._writers.get(session_id)
        if writer is None:
            writer = SessionWriter.open_or_create(self._disk, self._root, session_id, created_at, extra)
            self._writers[session_id] = writer
        return writer

    def _append(self, writer: SessionWriter, frames: Sequence[PendingFrame]) -> Written:
        try:
            done = writer.append(frames)
        except MissingInput as missing:  # removed by its owner in this very moment
            return Written(inputs_wanted=(missing.sha256,), count=writer.recorded)
        return Written(tuple(done), (), writer.recorded)

    def _claim_id(self, session_id: str) -> None:
        try:
            ids.claim(self._root, session_id)
        except SessionExists as error:
            if self._is_session(session_id):
                raise SessionExists(f"{error.detail}, or pass resume=true to go on with it") from None
            raise SessionExists(
                f"there is something in the sessions folder that is called {session_id!r} and is no session; "
                "choose another id"
            ) from None

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

    def _check_understood(self, session_id: str) -> None:
        """Metadata that a recorder left torn is mended when it is opened; what another hand wrote is not ours to drop.

        Raises:
            DamagedMetadata: it is so.
        """
        if session_id in self._writers:
            return
        try:
            with SessionReader(self._root / session_id, salvage=True) as reader:
                said, size = reader.contents, os.fstat(reader.fileno()).st_size if reader.fileno() >= 0 else 0
        except SessionNotFound:
            return
        if said.problem is not None and size and not said.torn:
            raise DamagedMetadata(with_advice(session_id, said.problem))

    def _was_left_open(self, name: str) -> bool:
        """Whether a session's recorder died; read from the end of the file."""
        try:
            return left_open(self._root / name)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False

    def _remove(self, path: Path) -> None:
        log.warning("%s was left half-made, and is removed", path)
        if path.is_dir() and not path.is_symlink():
            self._disk.remove_tree(path)
        else:
            self._disk.unlink(path)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
