"""``metadata.json`` as its recorder writes it: append over the tail, change the tail, undo what failed."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from shared.session.format import metadata
from shared.session.format.entries import Entry
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.text import lines
from shared.system.disk import Disk

log = logging.getLogger(__name__)


class Torn(OSError):
    """A write failed and so did putting the old bytes back: the file needs repair before it is written again."""


class MetadataFile:
    """The end of one session's metadata file. It is opened for each write, so its owner may remove it at any time."""

    def __init__(self, disk: Disk, path: Path, *, count: int, tail_at: int, text: bytes, tail: Tail) -> None:
        self._disk = disk
        self.path = path
        self.count = count
        self.tail = tail
        self._tail_at = tail_at
        self._tail_text = text
        self._identity = lines.identity(os.stat(path))

    @classmethod
    def open(cls, disk: Disk, path: Path) -> MetadataFile:
        """Find the end of a file that has just been repaired. Raises OSError where it cannot be read, or was damaged
        again in this moment."""
        fd = lines.open_file(path)
        try:
            index = lines.scan(fd)
            text = lines.pread(fd, index.size - index.tail_at, index.tail_at)
        except DamagedMetadata as error:
            raise OSError(errno.EIO, f"metadata.json was changed while it was repaired: {error}") from error
        finally:
            os.close(fd)
        return cls(disk, path, count=len(index.starts), tail_at=index.tail_at, text=text, tail=index.tail)

    def is_ours(self) -> bool:
        """Whether the file is still the one that was opened, as it was left, with the tail that it got. Raises
        FileNotFoundError where it is gone."""
        if lines.identity(os.stat(self.path)) != self._identity:
            return False
        fd = lines.open_file(self.path)
        try:
            return lines.pread(fd, len(self._tail_text) + 1, self._tail_at) == self._tail_text
        finally:
            os.close(fd)

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries behind the last one: one write, of their own length and the tail's, at any length of the file.
        Raises OSError (nothing was appended, and the file is as it was) or Torn (nothing was appended, and the file is
        not as it was)."""
        text = b"".join(
            metadata.line_bytes(orjson.dumps(entry.fields), first=self.count == 0 and not number)
            for number, entry in enumerate(entries)
        )
        self._write(text, self.tail)
        self.count += len(entries)

    def set_tail(self, tail: Tail) -> None:
        """Change the tail only, durably. Where that fails it is as it was, unless the error is :class:`Torn`."""
        self._write(b"", tail, durable=True)

    def _write(self, text: bytes, tail: Tail, *, durable: bool = False) -> None:
        data = (text + metadata.tail_bytes(tail)).ljust(len(self._tail_text))
        fd = self._disk.open(self.path)
        try:
            try:
                self._disk.pwrite_all(fd, data, self._tail_at)
                if durable:
                    self._disk.fsync(fd)
            except OSError as error:
                self._undo(fd, error)
                raise
        finally:
            self._disk.close(fd)
        self._tail_at += len(text)
        self._tail_text = data[len(text) :]
        self.tail = tail
        self._identity = self._left()

    def _left(self) -> tuple[int, int, int, int]:
        """What the file is like after a write of ours: somebody who wrote to it in this moment is found out, too."""
        was = self._identity
        try:
            status = os.stat(self.path)
        except OSError:
            return was  # gone meanwhile: the next look at it says so
        return lines.identity(status) if status.st_size == self._tail_at + len(self._tail_text) else was

    def _undo(self, fd: int, error: OSError) -> None:
        try:
            self._disk.pwrite_all(fd, self._tail_text, self._tail_at)
            self._disk.truncate(fd, self._tail_at + len(self._tail_text))
            self._identity = self._left()
        except OSError as second:
            log.error("%s was left torn: a write failed (%s), and so did undoing it (%s)", self.path, error, second)
            raise Torn(second.errno, f"{self.path} was left torn: {error}") from second
