"""A session as one archive, streamed: what was recorded up to one moment, however long the sending takes.

The metadata of that moment says which files belong to it, and a recorded file never changes: so recording may go on.
The names are those of ``tar -czf out.tar.gz generation/sessions/<id>/``; unpacked by hand in another project's folder
the session lies where it belongs. Files come in the order of their frames, so the same session gives the same archive.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from shared.errors import FrameMissing
from shared.session.format import layout, metadata
from shared.session.format.plain import open_plain
from shared.session.format.trial_files import INDEX, limit_bytes
from shared.session.reading.reader import open_session
from shared.session.transfer.tar import END, header, padding
from shared.session.transfer.trials import to_export

PREFIX = "generation/sessions"

_CHUNK_BYTES = 1 << 20
_LEVEL = 1  # pictures are compressed already
_GZIP_BITS = 31


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the session: its name there, its length when the archive was begun, the Unix seconds it is given.

    Those come from the recording, not from the file system: a session that was imported gives its old archive again.
    """

    name: str
    size: int
    modified_s: float


class Export:
    """The archive of one session. Iterate :meth:`chunks` once, or :meth:`close` it.

    Raises (when made, so that an answer can still say so):
        SessionNotFound, DamagedMetadata: see :func:`shared.session.reading.reader.open_session`.
        FrameMissing: a recorded file is gone, and no check has written that down yet.
    """

    def __init__(self, root: Path, session_id: str) -> None:
        self._reader = open_session(root, session_id)
        self._created_at = self._reader.created_at or 0.0
        self._held: dict[str, BinaryIO] = {}
        try:
            self._metadata_bytes = sum(len(part) for part in self._metadata())
            self._files = list(self._list())
        except BaseException:
            self.close()
            raise

    @property
    def files(self) -> int:
        """How many files the archive holds."""
        return len(self._files) + 1

    @property
    def content_bytes(self) -> int:
        """Bytes of all files; the archive is hardly smaller."""
        return self._metadata_bytes + sum(file.size for file in self._files)

    def chunks(self) -> Iterator[bytes]:
        """The bytes of a ``.tar.gz``, in pieces of about a megabyte at most. The session is closed at the end. Raises
        FrameMissing (a file went or changed meanwhile; what was given so far is no whole archive) or OSError (a file
        cannot be read)."""
        compressor = isal_zlib.compressobj(level=_LEVEL, wbits=_GZIP_BITS)
        try:
            for part in self._parts():
                if data := compressor.compress(part):
                    yield data
            yield compressor.flush()
        finally:
            self.close()

    def close(self) -> None:
        """Let the session go."""
        self._reader.close()
        for file in self._held.values():
            file.close()

    def _parts(self) -> Iterator[bytes]:
        prefix = f"{PREFIX}/{self._reader.session_id}"
        yield header(f"{prefix}/{layout.METADATA}", self._metadata_bytes, self._created_at)
        yield from self._metadata()
        yield padding(self._metadata_bytes)
        for file in self._files:
            yield header(f"{prefix}/{file.name}", file.size, file.modified_s)
            yield from self._content(file)
            yield padding(file.size)
        yield END

    def _metadata(self) -> Iterator[bytes]:
        """The metadata of the moment, its recording ended there."""
        tail = replace(self._reader.tail, open=False)
        return metadata.file_parts(self._reader.written_head, self._reader.texts(), tail)

    def _list(self) -> Iterator[_File]:
        folder, missing = self._reader.folder, set(self._reader.tail.missing)
        listed: set[str] = set()
        for held in (layout.REPAIRS, layout.VERIFICATION, INDEX, *sorted(filter(layout.is_kept, os.listdir(folder)))):
            if not (folder / held).is_symlink() and (folder / held).is_file():
                # These may be replaced or grow meanwhile: the file of this moment is kept open.
                self._held[held] = _open(folder, held)
                size = os.fstat(self._held[held].fileno()).st_size
                _check_length(held, size, layout.MAX_METADATA_BYTES)
                yield _File(held, size, self._created_at)
        for held, size in to_export(folder, is_open=self._reader.tail.open).items():
            self._held[held] = _open(folder, held)  # a repair may put another in its place
            _check_length(held, size, limit_bytes(held))
            yield _File(held, size, self._created_at)
        for entry in self._reader.entries():
            for name in (entry.input_file, entry.filename):
                if name is None or name in listed:
                    continue
                if name in missing and not (_is_ours(name) and os.path.lexists(folder / name)):
                    continue
                if not _is_ours(name):
                    raise FrameMissing(f"entry {entry.index} names no file of the session: {name!r}")
                listed.add(name)
                yield _File(name, _size(folder, name), entry.timestamp or self._created_at)

    def _content(self, file: _File) -> Iterator[bytes]:
        left = file.size
        with self._held.get(file.name) or _open(self._reader.folder, file.name) as stream:
            while left and (data := stream.read(min(left, _CHUNK_BYTES))):
                left -= len(data)
                yield data
        if left:
            raise FrameMissing(f"{file.name} was cut while it was exported")


def _is_ours(name: str) -> bool:
    """Metadata may come from anywhere, and an export must not carry other files of the machine away."""
    parent, _, leaf = name.rpartition("/")
    return layout.parse_frame_name(name) is not None or (
        parent == layout.INPUTS and layout.parse_input_name(leaf) is not None
    )


def _size(folder: Path, name: str) -> int:
    try:
        status = os.stat(folder / name, follow_symlinks=False)
    except OSError:
        raise _gone(folder, name) from None
    if not stat.S_ISREG(status.st_mode) or (os.path.islink((folder / name).parent) and "/" in name):
        raise FrameMissing(f"{name} of session {folder.name} is not a plain file; put the file itself in its place")
    _check_length(name, status.st_size, layout.MAX_PICTURE_BYTES)
    return status.st_size


def _check_length(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise FrameMissing(f"{name} has {size} bytes, and a session is exported with at most {limit} in such a file")


def _open(folder: Path, name: str) -> BinaryIO:
    try:
        return os.fdopen(open_plain(folder, name), "rb")
    except OSError:
        raise _gone(folder, name) from None


def _gone(folder: Path, name: str) -> FrameMissing:
    return FrameMissing(
        f"{name} of session {folder.name} is gone, or cannot be read; 'parafovea check {folder.name} --repair' writes "
        "that down, and the rest can be exported then"
    )
