"""The sessions folder as a whole: its lock, which ids are free, what was left in it, the spill, the journals
of generators that have ended, and frames that were set aside. Everything here blocks; one thread at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from services.recorder.ledger.losses import LostFrame
from services.recorder.set_aside import keep
from shared.errors import SessionExists, SessionNotFound
from shared.session.format import ids, layout
from shared.session.format.metadata import DamagedMetadata, with_advice
from shared.session.reading.reader import SessionReader
from shared.session.text.contents import left_open
from shared.session.transfer.staging import sweep
from shared.session.writing import journal, spill
from shared.session.writing.journal import LeftJournal
from shared.session.writing.repair import repair
from shared.session.writing.root import make_root
from shared.session.writing.spill import SpilledFrame
from shared.system.disk import TEMP_PREFIX, Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)


class FolderUnusable(Exception):
    """The sessions folder as a whole cannot be written to; the message says why."""


class SessionsFolder:
    """The folder that all sessions lie in, at a ``path``, held by one recorder."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self.path = path
        self.left_open: list[str] = []
        """Sessions that were being recorded when an earlier recorder died."""
        self._holder: Holder | None = None

    def claim(self) -> None:
        """Make the sessions folder and take its lock. Called again before each write: the folder may have vanished.
        Raises AlreadyHeld where another recorder has it, FolderUnusable where it cannot be made or locked."""
        lock = self.path / layout.RECORDER_LOCK
        if self._holder is not None and lock.exists():
            return
        try:
            make_root(self._disk, self.path)
            if not self.path.is_dir():
                raise NotADirectoryError(f"{self.path} is not a folder")
            if self._holder is not None:
                self._holder.release()
                self._holder = None
            self._holder = Holder(lock, f"the sessions folder {self.path}")
        except OSError as error:
            raise self._unusable(error) from error

    def release(self) -> None:
        """Give the lock up."""
        holder, self._holder = self._holder, None
        if holder is not None:
            try:
                holder.release()
            except OSError as error:
                log.warning("the lock of %s could not be removed: %s", self.path, error)

    def recover(self, is_open: Callable[[str], bool]) -> None:
        """Remove half-made sessions, and repair those that were left open; not those that ``is_open`` here."""
        self.claim()
        try:
            names = sorted(os.listdir(self.path))
        except OSError as error:
            raise self._unusable(error) from error
        for name in names:
            try:
                if name.startswith(TEMP_PREFIX):
                    self._remove(self.path / name)
                elif name[0] != "." and not is_open(name) and self._was_left_open(name):
                    self.left_open.append(name)
                    repair(self._disk, self.path / name)
            except OSError as error:
                log.error("session %s could not be repaired: %s", name, error)
            except Exception:  # whatever is in one folder, the others are recorded
                log.exception("session %s could not be repaired", name)
        try:
            sweep(self._disk, self.path)
        except OSError as error:
            log.error("what an import left behind could not be removed: %s", error)

    def claim_id(self, session_id: str, is_session: Callable[[str], bool]) -> None:
        """See that a new session may have this id. Raises InvalidSessionId or SessionExists where it may not."""
        try:
            ids.claim(self.path, session_id)
        except SessionExists as error:
            if is_session(session_id):
                raise SessionExists(f"{error.detail}, or pass resume=true to go on with it") from None
            raise SessionExists(
                f"there is something in the sessions folder that is called {session_id!r} and is no session; "
                "choose another id"
            ) from None

    def check_understood(self, session_id: str) -> None:
        """Raises DamagedMetadata where another hand may yet mend what it wrote: that is not ours to drop. What a
        recorder left torn is mended when it is opened."""
        try:
            with SessionReader(self.path / session_id, salvage=True) as reader:
                said, size = reader.contents, os.fstat(reader.fileno()).st_size if reader.fileno() >= 0 else 0
        except SessionNotFound:
            return
        if said.problem is not None and size and not said.torn:
            raise DamagedMetadata(with_advice(session_id, said.problem))

    def free_bytes(self) -> int | None:
        """Free space where the sessions are; None where it cannot be told."""
        try:
            return self._disk.free_bytes(self.path)
        except OSError:
            return None

    def read_spill(self) -> list[SpilledFrame]:
        """What a generator left; nothing while one is still writing there."""
        try:
            if not (self.path / layout.SPILL).is_dir():
                return []
            with spill.claim(self.path):
                return spill.read_spill(self.path)
        except AlreadyHeld:
            return []
        except OSError as error:
            log.error("the spill cannot be read: %s", error)
            return []

    def remove_journal(self, left: LeftJournal) -> None:
        """What it says is known elsewhere. Where it stays, it is read again at the next start."""
        try:
            journal.remove_left(self._disk, self.path, left)
        except OSError as error:
            log.warning("the journal %s is not removed: %s", left.path, error)

    def clear_spill(self) -> None:
        """Once its frames are safe: nothing of the spill stays."""
        try:
            spill.clear(self._disk, self.path)
        except (AlreadyHeld, OSError) as error:
            log.warning("the spill is not cleared: %s", error)

    def set_aside(self, lost: LostFrame) -> None:
        """Keep what there is of a frame that cannot be recorded, for a human, as far as there is room."""
        try:
            keep(self._disk, self.path, lost)
        except OSError as error:
            log.error("what there is of frame %s cannot be kept: %s", lost.frame_id, error.strerror or error)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _unusable(self, error: OSError) -> FolderUnusable:
        return FolderUnusable(f"the sessions folder {self.path}: {error.strerror or error}")

    def _was_left_open(self, name: str) -> bool:
        try:
            return left_open(self.path / name)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False

    def _remove(self, path: Path) -> None:
        log.warning("%s was left half-made, and is removed", path)
        if path.is_dir() and not path.is_symlink():
            self._disk.remove_tree(path)
        else:
            self._disk.unlink(path)
