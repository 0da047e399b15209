"""A session held open: its folder and metadata, made whole when somebody changed or removed them meanwhile.

Blocking; one thread at a time. What recording adds stands in ``writer.py``.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from shared.session.format import metadata
from shared.session.format.entries import Entry
from shared.session.format.kinds import moment
from shared.session.format.layout import METADATA, folder_to_write
from shared.session.format.metadata import Tail
from shared.session.format.numbers import FrameIds
from shared.session.writing.appending import MetadataFile, Torn
from shared.session.writing.examination import Examination
from shared.session.writing.frames import RecentFrame, RecentFrames
from shared.session.writing.repair import record, repair
from shared.session.writing.settling import Settling
from shared.system.disk import TEMP_PREFIX, Disk

log = logging.getLogger(__name__)


class OpenSession:
    """One open session. Whatever writes raises OSError where the disk refuses.

    Attributes:
        session_id, created_at: as in its head.
        repaired: what its opening found and did; None for a new session.
        next_index: one past the largest index that was ever used.
        recorded_ids: frames whose image, input and entry are on disk.
        recent: the frames recorded last.
    """

    def __init__(self, disk: Disk, root: Path, head: Mapping[str, Any], tail: Tail) -> None:
        """Use :meth:`create`, :meth:`open` or :meth:`open_or_create`."""
        self._disk = disk
        self._root = root
        self._head = dict(head)
        self.session_id: str = head["session_id"]
        self.created_at: float = head["created_at"]
        self.repaired: Examination | None = None
        self._tail = tail
        self._file: MetadataFile | None = None
        self.next_index = 0
        self.recorded_ids = FrameIds()
        self.recent = RecentFrames()
        self._settling = Settling()
        self._placed: list[Entry] = []
        """Entries of frames whose images have their names, and that are not in the metadata yet."""

    @classmethod
    def create(
        cls, disk: Disk, root: Path, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None
    ) -> Self:
        """Make a new session; ``extra`` goes into its head for good. The id must have been claimed (see ``ids``).
        Raises InvalidSessionId (no session may have this id) or FileExistsError (there is a folder of that name)."""
        if folder_to_write(root, session_id).exists():
            raise FileExistsError(f"there is a session {session_id!r}")
        writer = cls(disk, root, metadata.new_head(session_id, created_at, extra), Tail(open=True))
        writer._make_folder()
        return writer

    @classmethod
    def open(cls, disk: Disk, root: Path, session_id: str, created_at: float | None = None) -> Self:
        """Go on with a session, repaired first where it needs it. It began at ``created_at`` where nothing in it says.
        Raises InvalidSessionId (no session may have this id) or FileNotFoundError (there is none)."""
        writer = cls(disk, root, metadata.new_head(session_id, created_at or 0.0), Tail())
        writer._reopen(known_head=writer._head if created_at else None, died=True)
        return writer

    @classmethod
    def open_or_create(
        cls, disk: Disk, root: Path, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None
    ) -> Self:
        """:meth:`open` a session, or :meth:`create` it (anew) where its folder is not there."""
        if folder_to_write(root, session_id).exists():
            return cls.open(disk, root, session_id, created_at)
        return cls.create(disk, root, session_id, created_at, extra)

    @property
    def folder(self) -> Path:
        return folder_to_write(self._root, self.session_id)

    @property
    def recorded(self) -> int:
        """How many entries the session has."""
        return self._file.count if self._file else 0

    def has(self, frame_id: str) -> bool:
        """Whether a frame is recorded: its image, its input and its entry."""
        return frame_id in self.recorded_ids

    def mark_lost(self, frame_ids: Iterable[str]) -> list[str]:
        """Name frames that will never be recorded; those that were not named before."""
        new = [frame_id for frame_id in dict.fromkeys(frame_ids) if frame_id not in self._tail.lost]
        tail = replace(self._tail, lost=[*self._tail.lost, *new])
        if not self.folder.exists():
            self._tail = tail  # said once the session is made anew
        elif new:
            self._ensure_ours()
            record(self._disk, self.folder, did=[f"{len(new)} frames are known to be lost"], lost=new)
            self._set_tail(replace(self._tail, lost=tail.lost))
        return new

    def close(self) -> None:
        """End the recording. Where the disk refuses, the session still says that it is open. It can be opened again."""
        if not self._placed and not self.folder.exists():
            return  # removed by its owner, and nothing came since: it stays removed
        self._ensure_ours()
        self._finish()
        self._set_tail(replace(self._tail, open=False))

    def reread(self) -> None:
        """Read the session again and repair what is wrong with it, whoever it was that changed it."""
        self._file = None
        if not self.folder.exists():
            self._make_folder()
            return
        mended = repair(self._disk, self.folder, known_head=self._head, died=False).did
        self._reopen(known_head=self._head, died=False)
        if self.repaired is not None:
            self.repaired.did[:0] = mended

    # -- the folder ----------------------------------------------------------------------------------------------

    def _ensure_ours(self) -> None:
        """Find out whether somebody removed or changed the session meanwhile, and make it whole if so."""
        try:
            if self._file is not None and self._file.is_ours():
                return
            if self._file is not None:
                self._settling.check(self._file.path)
            log.warning("session %s was changed from outside; it is read again", self.session_id)
        except (FileNotFoundError, NotADirectoryError):
            log.warning("session %s: its metadata was removed; it is made anew", self.session_id)
        if self.folder.exists():
            self._reopen(known_head=self._head, died=False)
        else:
            self._make_folder()

    def _make_folder(self) -> None:
        """Make the folder under another name and rename it, so that no session is ever without its metadata."""
        self._file = None
        self._placed.clear()
        self.recent.clear()
        self._disk.make_folders(self._root)
        half = self._root / f"{TEMP_PREFIX}{self.session_id}"
        if half.exists():
            self._disk.remove_tree(half)
        self._disk.mkdir(half)
        self._disk.put_parts(half / METADATA, metadata.file_parts(self._head, (), replace(self._tail, open=True)))
        self._disk.rename(half, self.folder)
        self._disk.fsync_dir(self._root)
        self._file = MetadataFile.open(self._disk, self.folder / METADATA)
        self._tail = self._file.tail

    def _reopen(self, known_head: Mapping[str, Any] | None, *, died: bool) -> None:
        """Read the session, repair it where needed, and mark it open. ``died``: whoever had it open before is gone."""
        self._file = None
        was = self._tail
        found = self.repaired = repair(self._disk, self.folder, known_head=known_head, died=died, appending=True)
        # A process that died may have named the folder, or an image in it, and not have come to the fsync.
        self._disk.fsync_dir(self.folder)
        self._disk.fsync_dir(self._root)
        self._file = MetadataFile.open(self._disk, self.folder / METADATA)
        self._placed.clear()
        named = (found.head or {}).get("session_id", self.folder.name)
        tail = replace(self._file.tail, open=True, open_as="" if named == self.folder.name else self.folder.name)
        if died:
            head = found.head or {}
            self.created_at = moment(head.get("created_at")) or self.folder.stat().st_mtime
            self._head = {**metadata.new_head(self.session_id, self.created_at), **head}
        else:  # it was open here all the while: whatever was done to it, this process did not die
            tail.interrupted = was.interrupted
            tail.lost = list(dict.fromkeys([*was.lost, *tail.lost]))
            if found.damage is not None:
                tail.extra = {**was.extra, **tail.extra}
        self.next_index = max(self.next_index, found.next_index)
        self.recorded_ids.update(found.recorded)
        self.recent.clear()
        for known in found.recent:
            self.recent.add(known)
        self._set_tail(tail)

    def _set_tail(self, tail: Tail) -> None:
        with self._writing() as file:
            if tail.to_json() != file.tail.to_json():
                file.set_tail(tail)
        self._tail = tail

    @contextmanager
    def _writing(self) -> Iterator[MetadataFile]:
        if self._file is None:
            raise OSError(errno.EIO, f"session {self.session_id} is not open")
        try:
            yield self._file
        except Torn:
            self._file = None  # the next call repairs it
            raise

    def _finish(self) -> None:
        """Make the names of placed images durable and write their entries."""
        if not self._placed:
            return
        self._disk.fsync_dir(self.folder)
        with self._writing() as file:
            file.append(self._placed)
        for entry in self._placed:
            assert entry.frame_id is not None  # it was made here
            self.recorded_ids.add(entry.frame_id)
            self.recent.add(RecentFrame(entry.index, entry.filename, entry.sha256, entry.frame_id))
        self._placed.clear()
