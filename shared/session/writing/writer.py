"""Recording into one session: images durable first, then their entries. Blocking; one thread at a time.

What a frame costs does not depend on how many there were, neither in work nor in memory.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.session.format import layout, metadata
from shared.session.format.entries import moment
from shared.session.format.frame_ids import FrameIds
from shared.session.format.layout import INPUTS, METADATA, folder_to_write
from shared.session.format.metadata import Tail
from shared.session.format.plain import check_inputs
from shared.session.reading.folder import find_input
from shared.session.writing.appending import MetadataFile, Torn
from shared.session.writing.examine import RECENT, Known
from shared.session.writing.repair import Repair, record, repair
from shared.session.writing.settling import Settling
from shared.system.disk import TEMP_PREFIX, Disk

log = logging.getLogger(__name__)


class CorruptFrame(Exception):
    """The bytes of a frame or of its input are not those that its header names; fetch them again.

    ``epoch`` and ``record_seq`` say which frame.
    """

    def __init__(self, frame: PendingFrame, what: str, found: str, named: str) -> None:
        super().__init__(f"{what} of frame {frame.header['frame_id']} has the hash {found}, not {named}")
        self.epoch: str = frame.header["epoch"]
        self.record_seq: int = frame.header["record_seq"]


class MissingInput(Exception):
    """A frame's input is neither in its session nor beside the frame; ask for it by its hash."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"the input {sha256} is not in the session")
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """A frame that is to be recorded: the fields of its ``frame`` message, its PNG, and its input where that is needed.

    ``input_lost`` records the frame without its input, when nobody has those bytes any more.
    """

    header: Mapping[str, Any]
    png: bytes | memoryview
    input: bytes | memoryview | None = None
    input_lost: bool = False

    @property
    def frame_id(self) -> str:
        """The same for every delivery of one frame, and no other frame's for good."""
        frame_id: str = self.header["frame_id"]
        return frame_id


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame that is safe on disk. ``index`` and ``filename`` are None for a duplicate of one recorded long ago."""

    frame_id: str
    epoch: str
    record_seq: int
    sha256: str
    bytes: int
    index: int | None
    filename: str | None
    duplicate: bool


class SessionWriter:
    """One open session.

    Attributes:
        session_id, created_at: as in its head.
        repaired: what its opening found and did; None for a new session.
    """

    def __init__(self, disk: Disk, root: Path, head: Mapping[str, Any], tail: Tail) -> None:
        """Use :meth:`create`, :meth:`open` or :meth:`open_or_create`."""
        self._disk = disk
        self._root = root
        self._head = dict(head)
        self.session_id: str = head["session_id"]
        self.created_at: float = head["created_at"]
        self.repaired: Repair | None = None
        self._tail = tail
        self._file: MetadataFile | None = None
        self._next_index = 0
        self._recorded = FrameIds()
        self._recent: OrderedDict[str, Known] = OrderedDict()
        """By frame id; by file name where an entry has none."""
        self._by_hash: dict[str, str] = {}
        self._settling = Settling()
        self._placed: list[dict[str, Any]] = []
        """Entries of frames whose images have their names, and that are not in the metadata yet."""

    @classmethod
    def create(
        cls, disk: Disk, root: Path, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None
    ) -> SessionWriter:
        """Make a new session; ``extra`` goes into its head for good. The id must have been claimed (see ``ids``).

        Raises:
            InvalidSessionId: no session may have this id.
            FileExistsError: there is a folder of that name.
            OSError: the disk refuses; there is no session.
        """
        if folder_to_write(root, session_id).exists():
            raise FileExistsError(f"there is a session {session_id!r}")
        writer = cls(disk, root, metadata.new_head(session_id, created_at, extra), Tail(open=True))
        writer._make_folder()
        return writer

    @classmethod
    def open(cls, disk: Disk, root: Path, session_id: str) -> SessionWriter:
        """Go on with a session, repaired first where it needs it.

        Raises:
            InvalidSessionId: no session may have this id.
            FileNotFoundError: there is none.
            OSError: the disk refuses.
        """
        return cls._open(disk, root, session_id, None)

    @classmethod
    def _open(cls, disk: Disk, root: Path, session_id: str, created_at: float | None) -> SessionWriter:
        writer = cls(disk, root, metadata.new_head(session_id, created_at or 0.0), Tail())
        writer._reopen(known_head=writer._head if created_at else None, died=True)
        return writer

    @classmethod
    def open_or_create(
        cls, disk: Disk, root: Path, session_id: str, created_at: float, extra: Mapping[str, Any] | None = None
    ) -> SessionWriter:
        """Go on with a session, or make it (anew) when its folder is not there.

        Raises:
            InvalidSessionId: no session may have this id.
            OSError: the disk refuses.
        """
        if folder_to_write(root, session_id).exists():
            return cls._open(disk, root, session_id, created_at)
        return cls.create(disk, root, session_id, created_at, extra)

    @property
    def folder(self) -> Path:
        return folder_to_write(self._root, self.session_id)

    @property
    def recorded(self) -> int:
        """How many entries the session has."""
        return self._file.count if self._file else 0

    @property
    def next_index(self) -> int:
        """One past the largest index that was ever used."""
        return self._next_index

    def has(self, frame_id: str) -> bool:
        """Whether a frame is recorded: its image, its input and its entry."""
        return frame_id in self._recorded

    def inputs_wanted(self, headers: Iterable[Mapping[str, Any]]) -> list[str]:
        """Hashes of the inputs that must come with these frames, in their order: those the session does not hold."""
        coming: set[str] = set()
        wanted: list[str] = []
        for header in headers:
            if self.has(header["frame_id"]):
                continue
            sha256 = header.get("input_sha256")
            if sha256 and sha256 not in coming and self._input_file(sha256) is None:
                wanted.append(sha256)
                coming.add(sha256)
            coming.add(header["sha256"])
        return wanted

    def append(self, frames: Sequence[PendingFrame]) -> list[RecordedFrame]:
        """Record frames in the order given. When it returns, each may be acknowledged; after an error, call it again.

        Raises:
            CorruptFrame, MissingInput: about the first frame that is so; nothing was written.
            OSError: the disk refuses. Frames that are whole on it are finished by the next call.
        """
        self._ensure_ours()
        self._finish()
        new = self._new(frames)
        if new:
            self._place(new)
            self._finish()
        fresh = {frame.frame_id for frame in new}
        return [self._answer(frame, duplicate=frame.frame_id not in fresh) for frame in frames]

    def mark_lost(self, frame_ids: Iterable[str]) -> list[str]:
        """Name frames that will never be recorded; those that were not named before.

        Raises:
            OSError: the disk refuses.
        """
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
        """End the recording. The session can be opened again.

        Raises:
            OSError: the disk refuses; the session still says that it is open.
        """
        if not self._placed and not self.folder.exists():
            return  # removed by its owner, and nothing came since: it stays removed
        self._ensure_ours()
        self._finish()
        self._set_tail(replace(self._tail, open=False))

    def reread(self) -> None:
        """Read the session again and repair what is wrong with it, whoever it was that changed it.

        Raises:
            OSError: the disk refuses.
        """
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
        self._recent.clear()
        self._by_hash.clear()
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
        self.repaired = repair(self._disk, self.folder, known_head=known_head, died=died, appending=True)
        # A process that died may have named the folder, or an image in it, and not have come to the fsync.
        self._disk.fsync_dir(self.folder)
        self._disk.fsync_dir(self._root)
        found = self.repaired.examination
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
        self._next_index = max(self._next_index, found.next_index)
        self._recorded.update(found.recorded)
        self._recent.clear()
        self._by_hash.clear()
        for known in found.recent:
            self._remember(known)
        self._set_tail(tail)

    def _set_tail(self, tail: Tail) -> None:
        file = self._require_file()
        if tail.to_json() != file.tail.to_json():
            try:
                file.set_tail(tail, durable=True)
            except Torn as torn:
                raise self._torn(torn) from torn
        self._tail = tail

    def _require_file(self) -> MetadataFile:
        if self._file is None:
            raise OSError(errno.EIO, f"session {self.session_id} is not open")
        return self._file

    def _torn(self, torn: Torn) -> OSError:
        self._file = None  # the next call repairs it
        cause = torn.__cause__
        return OSError(cause.errno if isinstance(cause, OSError) else None, str(torn))

    # -- frames --------------------------------------------------------------------------------------------------

    def _new(self, frames: Sequence[PendingFrame]) -> list[PendingFrame]:
        """The frames that are not recorded yet, each once, with their bytes proved to be what their headers say."""
        new: dict[str, PendingFrame] = {}
        hashes: set[str] = set()
        for frame in frames:
            if self.has(frame.frame_id) or frame.frame_id in new:
                continue
            _prove(frame, frame.png, frame.header["sha256"], "the picture")
            sha256 = frame.header.get("input_sha256")
            if sha256 and sha256 not in hashes and self._input_file(sha256) is None:
                if frame.input is not None:
                    _prove(frame, frame.input, sha256, "the input")
                elif not frame.input_lost:
                    raise MissingInput(sha256)
                if frame.input is not None:
                    hashes.add(sha256)
            hashes.add(frame.header["sha256"])
            new[frame.frame_id] = frame
        return list(new.values())

    def _place(self, frames: Sequence[PendingFrame]) -> None:
        """Bring inputs, then images to the disk. Images get their names in order, and share one folder fsync."""
        staged: list[tuple[str, dict[str, Any]]] = []
        try:
            index = self._next_index
            coming: dict[str, str] = {}
            for frame in frames:
                sha256 = frame.header.get("input_sha256")
                source = self._input_file(sha256) or coming.get(sha256) if sha256 else None
                if sha256 and source is None and frame.input is not None:
                    source = self._put_input(sha256, frame.input)
                while self._is_there(layout.frame_name(index, frame.header["target_sector"])):
                    index += 1  # put there by someone else
                entry = metadata.entry_from_frame(frame.header, index, frame.header["sha256"], source)
                coming[entry["sha256"]] = entry["filename"]
                staged.append((self._disk.stage(self.folder, entry["filename"], [frame.png]), entry))
                index += 1
            while staged:
                temporary, entry = staged[0]
                self._disk.rename(temporary, os.path.join(self.folder, entry["filename"]))
                del staged[0]
                self._placed.append(entry)
                self._next_index = entry["index"] + 1
        except OSError:
            for temporary, _ in staged:
                self._disk.discard(temporary)
            raise

    def _put_input(self, sha256: str, data: bytes | memoryview) -> str:
        name = layout.input_name(sha256, layout.image_extension(data))
        check_inputs(self.folder)
        self._disk.make_folders(self.folder / INPUTS)
        self._disk.put(self.folder / name, data)
        return name

    def _finish(self) -> None:
        """Make the names of placed images durable and write their entries."""
        if not self._placed:
            return
        self._disk.fsync_dir(self.folder)
        try:
            self._require_file().append(self._placed)
        except Torn as torn:
            raise self._torn(torn) from torn
        for entry in self._placed:
            self._recorded.add(entry["frame_id"])
            self._remember(Known(entry["index"], entry["filename"], entry["sha256"], entry["frame_id"]))
        self._placed.clear()

    def _is_there(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.folder, name))

    def _input_file(self, sha256: str) -> str | None:
        """Where the session holds the bytes of a hash: as a recent frame, or under ``inputs/``."""
        name = self._by_hash.get(sha256)
        if name is not None and self._is_there(name):
            return name
        path = find_input(self.folder, sha256)
        return f"{INPUTS}/{path.name}" if path else None

    def _remember(self, known: Known) -> None:
        self._recent[known.frame_id or known.filename] = known
        if known.sha256:
            self._by_hash[known.sha256] = known.filename
        if len(self._recent) > RECENT:
            _, old = self._recent.popitem(last=False)
            if old.sha256 and self._by_hash.get(old.sha256) == old.filename:
                del self._by_hash[old.sha256]

    def _answer(self, frame: PendingFrame, *, duplicate: bool) -> RecordedFrame:
        known = self._recent.get(frame.frame_id)
        return RecordedFrame(
            frame.frame_id,
            frame.header["epoch"],
            frame.header["record_seq"],
            frame.header["sha256"],
            len(frame.png),
            known.index if known else None,
            known.filename if known else None,
            duplicate,
        )


def _prove(frame: PendingFrame, data: bytes | memoryview, sha256: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CorruptFrame(frame, what, found, sha256)
