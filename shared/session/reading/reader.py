"""One session as it is read: its entries, and the files that they name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from shared.errors import FrameCorrupt, FrameMissing, InvalidSessionId, SessionNotFound
from shared.session.format import ids
from shared.session.format.entries import Entry, file_named_in
from shared.session.format.layout import MAX_INDEX, parse_frame_name
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.plain import find_input, read_plain
from shared.session.reading.metadata_reader import MetadataReader


class NoInput(Exception):
    """The input of a recorded frame is not to be had; the message says why."""


class SessionReader(MetadataReader):
    """One session, as it was when it was opened or last refreshed. Close it, or use it as a context manager."""

    _out_of_order: tuple[int, int, dict[int, int]] = (0, 0, {})
    """Positions by index, of so many entries of which reading of the file."""
    _has_broken = False
    """Whether some of those are none."""

    def shown(self, position: int) -> tuple[Entry, str | None]:
        """The entry at a position and None; or, where that cannot be understood, what the name of its file says, and
        what is wrong, with the place. Raises IndexError where there is none."""
        try:
            return self.entry(position), None
        except DamagedMetadata as error:
            return self._stand_in(position), error.detail

    def shown_from(self, first: int) -> Iterator[tuple[Entry, str | None]]:
        """:meth:`shown` from a position on."""
        for position, found in enumerate(self.each(first), first):
            if isinstance(found, DamagedMetadata):
                yield self._stand_in(position), found.detail
            else:
                yield found, None

    def index_at(self, position: int) -> int:
        """The index of the entry at a position; where that is no entry, one past the index before it."""
        for at in range(position, -1, -1):
            try:
                return min(self.entry(at).index + position - at, MAX_INDEX)
            except DamagedMetadata:
                continue
        return position

    def position_of(self, index: int) -> int | None:
        """The position of the entry with an ``index``, or None."""
        if 0 <= index < self.count and self._index(index) == index:
            return index
        low, high = 0, min(self.count - 1, index)
        while low <= high:
            middle = (low + high) // 2
            found = self._index(middle)
            if found is None:
                break  # a place where there is no entry: nothing says on which side to look
            if found == index:
                return middle
            low, high = (middle + 1, high) if found < index else (low, middle - 1)
        return self._position_out_of_order(index)

    def frame_path(self, entry: Entry) -> Path:
        """Where the image of an entry lies. Raises FrameMissing where it names no file of this folder: metadata may
        come from anywhere."""
        if parse_frame_name(entry.filename) is None:
            problem = f"names no frame: {entry.filename!r}"
            raise FrameMissing(f"entry {entry.index} of session {self.session_id} {problem}")
        return self.folder / entry.filename

    def frame_bytes(self, entry: Entry) -> bytes:
        """The image of an entry, its hash compared with the recorded one (where the entry has one). Raises FrameMissing
        (the file is gone or cannot be read) or FrameCorrupt (it holds other bytes than were recorded)."""
        path = self.frame_path(entry)
        data = self.file_bytes(path.name)
        if entry.sha256 and hashlib.sha256(data).hexdigest() != entry.sha256:
            raise FrameCorrupt(
                f"{path.name} of session {self.session_id} no longer holds the recorded bytes; "
                f"'parafovea check {self.session_id}' reads the whole session"
            )
        return data

    def file_bytes(self, name: str) -> bytes:
        """The bytes of a file of the session. Raises FrameMissing where it is gone, cannot be read, or is no plain file
        of this folder."""
        try:
            return read_plain(self.folder, name)
        except OSError as error:
            raise FrameMissing(f"{name} of session {self.session_id} cannot be read: {error.strerror}") from None

    def file_of(self, index: int) -> str | None:
        """The file of a frame by its index, in a session whose metadata is not understood all through; None where there
        is none, or more than one, or where the metadata tells."""
        self._position_out_of_order(index)
        if self.problem is None and not self._has_broken:
            return None
        try:
            names = os.listdir(self.folder)
        except OSError:
            return None
        found = [name for name in names if (parsed := parse_frame_name(name)) and parsed.index == index]
        return found[0] if len(found) == 1 else None

    def input_path(self, entry: Entry) -> Path | None:
        """Where the input image of an entry lies in this session, or None when the session does not hold it."""
        if entry.input_file is not None and parse_frame_name(entry.input_file):
            return self.folder / entry.input_file
        return find_input(self.folder, entry.input_sha256) if entry.input_sha256 is not None else None

    def input_bytes(self, path: Path) -> bytes:
        """The bytes of what :meth:`input_path` gave. Raises OSError where it is gone, cannot be read, or is no plain
        file of this folder."""
        return read_plain(self.folder, path.relative_to(self.folder).as_posix())

    def recorded_input(self, entry: Entry) -> bytes:
        """The input image of an entry, its hash compared with the recorded one (where the entry has one). Raises
        NoInput where it was not recorded, cannot be read, or holds other bytes."""
        path = self.input_path(entry)
        if path is None:
            raise NoInput("its input was not recorded")
        try:
            data = self.input_bytes(path)
        except OSError as error:
            raise NoInput(f"its input {path.name} cannot be read: {error.strerror}") from None
        if entry.input_sha256 and hashlib.sha256(data).hexdigest() != entry.input_sha256:
            raise NoInput(f"its input {path.name} no longer holds the recorded bytes")
        return data

    def _stand_in(self, position: int) -> Entry:
        name = file_named_in(self._text(position))
        parsed = parse_frame_name(name) if name is not None else None
        if parsed is None:
            return Entry({"index": self.index_at(position), "filename": "", "target_sector": None})
        return Entry({"index": parsed.index, "filename": name, "target_sector": parsed.sector})

    def _index(self, position: int) -> int | None:
        try:
            return self.entry(position).index
        except DamagedMetadata:
            return None

    def _position_out_of_order(self, index: int) -> int | None:
        """Where entries are not in their order, or are none: look through them all, once."""
        loads, looked_at, found = self._out_of_order
        if loads != self._loads:
            looked_at, found, self._has_broken = 0, {}, False
        for position, entry in enumerate(self.each(looked_at), looked_at):
            if isinstance(entry, DamagedMetadata):
                self._has_broken = True
            else:
                found.setdefault(entry.index, position)
        self._out_of_order = self._loads, self.count, found
        return found.get(index)


def open_session(root: Path, session_id: str, *, salvage: bool = False) -> SessionReader:
    """Open a session for reading. Raises SessionNotFound (there is none of this id, or the id could be none's) or
    DamagedMetadata (its metadata cannot be understood, or not be read; with ``salvage``, what can be understood is)."""
    try:
        ids.validate(session_id)
    except InvalidSessionId:
        raise SessionNotFound(f"there is no session {session_id!r}") from None
    return open_folder(root / session_id, salvage=salvage)


def open_folder(folder: Path, *, salvage: bool = False) -> SessionReader:
    """The same of the session in a folder, whatever the folder is called."""
    try:
        return SessionReader(folder, salvage=salvage)
    except OSError as error:
        raise DamagedMetadata(f"session {folder.name!r} cannot be read: {error.strerror or error}") from None
