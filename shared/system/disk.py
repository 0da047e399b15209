"""Every write to the disk, one named step a method.

Services make a plain :class:`Disk`. A test passes a subclass whose steps fail with an errno of its choice, write short,
are slow, or kill the process: so each promise about full disks and torn writes is tested without being root. The steps
at the top touch the system once each. The composites below them are built of steps alone.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

Buffer = bytes | bytearray | memoryview
StrPath = str | Path
"""A frame's own path is a plain string: pathlib interns each part of a path, and frames have no end of names."""

TEMP_PREFIX = ".tmp-"
"""What the name of a half-written file begins with: such a file may be removed whenever nobody writes it."""

_BINARY = getattr(os, "O_BINARY", 0)
_NOT_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""A link that somebody put in a file's place must not lead a write elsewhere."""
_CHUNK_BYTES = 8 << 20


class Disk:
    """The steps of writing. Each raises :class:`OSError` as the system gives it."""

    group: int | None = None
    """Who may read the sessions beside this user, by number; ``shared/session/writing/root.py`` gives them theirs."""

    def __init__(self, group: int | None = None) -> None:
        self.group = group

    # -- steps ---------------------------------------------------------------------------------------------------

    def mkdir(self, path: Path) -> None:
        """Make one folder, whose parent stands."""
        os.mkdir(path)

    def create(self, path: StrPath, mode: int = 0o644) -> int:
        """Open a new or emptied file for writing; a file descriptor."""
        return os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | _BINARY | _NOT_LINKS, mode)

    def open(self, path: Path) -> int:
        """Open a file that stands, for reading and writing in place; a file descriptor."""
        return os.open(path, os.O_RDWR | _BINARY | _NOT_LINKS)

    def write(self, fd: int, data: Buffer) -> int:
        """Write once at the descriptor's place; how many bytes were taken, perhaps fewer than given."""
        return os.write(fd, data)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Write once at ``offset``; how many bytes were taken, perhaps fewer than given."""
        if sys.platform == "win32":
            os.lseek(fd, offset, os.SEEK_SET)
            return os.write(fd, data)
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, size_bytes: int) -> None:
        os.ftruncate(fd, size_bytes)

    def fsync(self, fd: int) -> None:
        """Bring a file's bytes to the medium (past the drive's cache on macOS, where fsync alone does not)."""
        if sys.platform == "darwin":
            import fcntl

            try:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
                return
            except OSError as error:  # a network file system without it: plain fsync is all there is
                if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                    raise
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor; on some file systems (NFS, quotas) this is where a write fails."""
        os.close(fd)

    def rename(self, source: StrPath, target: StrPath) -> None:
        """Give a file its name, in place of any that has it."""
        os.replace(source, target)

    def fsync_dir(self, path: Path) -> None:
        """Bring a folder's names to the medium. Where folders can't be opened (Windows) it does nothing."""
        if sys.platform == "win32":
            return
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without folder fsync say so
                raise
        finally:
            os.close(fd)

    def unlink(self, path: StrPath) -> None:
        os.unlink(path)

    def rmdir(self, path: Path) -> None:
        os.rmdir(path)

    def chmod(self, path: Path, mode: int) -> None:
        os.chmod(path, mode)

    def free_bytes(self, path: Path) -> int:
        """Bytes that this user may still write where ``path`` lies."""
        return shutil.disk_usage(path).free

    # -- composites ----------------------------------------------------------------------------------------------

    def write_all(self, fd: int, data: Buffer) -> None:
        """Write everything, however short the single writes are."""
        rest = memoryview(data).cast("B")
        while rest:
            taken = self.write(fd, rest[:_CHUNK_BYTES])
            if taken <= 0:
                raise OSError(errno.EIO, "a write took no bytes")
            rest = rest[taken:]

    def pwrite_all(self, fd: int, data: Buffer, offset: int) -> None:
        """Write everything at ``offset``: one system call unless the system takes less."""
        rest = memoryview(data).cast("B")
        while rest:
            taken = self.pwrite(fd, rest, offset)
            if taken <= 0:
                raise OSError(errno.EIO, "a write took no bytes")
            rest = rest[taken:]
            offset += taken

    def make_folders(self, path: Path) -> bool:
        """Make a folder and the parents it lacks, each entered durably in its own parent; whether any was made."""
        missing: list[Path] = []
        at = path
        while not at.is_dir():
            missing.append(at)
            if at.parent == at:
                break
            at = at.parent
        for folder in reversed(missing):
            with suppress(FileExistsError):
                self.mkdir(folder)
            self.fsync_dir(folder.parent)
        return bool(missing)

    def stage(
        self, folder: Path, name: str, parts: Iterable[Buffer], mode: int = 0o644, *, durable: bool = True
    ) -> str:
        """Write ``parts`` under a temporary name in ``folder``, for :meth:`rename` to ``name`` later; durably unless
        that is not wanted. On an error nothing stays behind, as far as the disk allows; what does stay is recognised
        by its name."""
        temporary = os.path.join(folder, f"{TEMP_PREFIX}{name}")
        fd = self.create(temporary, mode)
        try:
            try:
                for part in parts:
                    self.write_all(fd, part)
                if durable:
                    self.fsync(fd)
            finally:
                self.close(fd)
        except OSError:
            self.discard(temporary)
            raise
        return temporary

    def put(self, path: Path, *parts: Buffer, mode: int = 0o644) -> None:
        """Write one file so that it is there whole and durably, or not at all (an older one then stays)."""
        self.put_parts(path, parts, mode=mode)

    def put_parts(
        self,
        path: Path,
        parts: Iterable[Buffer],
        *,
        staged_as: str | None = None,
        mode: int = 0o644,
        durable: bool = True,
    ) -> None:
        """:meth:`put`, for parts that come one by one. Two who may put the same file at a time stage it under names of
        their own: what was renamed last stays. Where it need not be ``durable``, it outlives processes alone."""
        temporary = self.stage(path.parent, staged_as or path.name, parts, mode, durable=durable)
        try:
            self.rename(temporary, path)
        except OSError:
            self.discard(temporary)
            raise
        if durable:
            self.fsync_dir(path.parent)

    def append_line(self, path: Path, line: bytes) -> None:
        """Add one line to a file durably, on a line of its own even after one that was cut short."""
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            self.put(path, line, b"\n")
            return
        if not stat.S_ISREG(status.st_mode):  # opening a pipe waits for who writes into it
            raise OSError(errno.EINVAL, "it is no plain file; put one in its place", str(path))
        size = status.st_size
        with path.open("rb") as file:
            file.seek(max(size - 1, 0))
            glue = b"" if file.read(1) in (b"\n", b"") else b"\n"
        fd = self.open(path)
        try:
            self.pwrite_all(fd, glue + line + b"\n", size)
            self.fsync(fd)
        finally:
            self.close(fd)

    def discard(self, path: StrPath) -> None:
        """Remove a file that may be gone, or that may stay when the disk refuses: its name says it is no one's."""
        try:
            self.unlink(path)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("could not remove %s (%s); it is removed at the next start", path, error)

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and all in it, deepest first; links are removed, never followed, ``path`` itself included."""
        if is_link(path):
            self.unlink(path)
            self.fsync_dir(path.parent)
            return
        for folder, subfolders, files in os.walk(path, topdown=False, followlinks=False):
            for name in files:
                self.unlink(Path(folder, name))
            for name in subfolders:
                child = Path(folder, name)
                if is_link(child):
                    self.unlink(child)
                else:
                    self.rmdir(child)
        self.rmdir(path)
        self.fsync_dir(path.parent)


def is_link(path: Path) -> bool:
    """A symbolic link, or a junction of Windows, which ``os.walk`` would go through."""
    status = os.lstat(path)
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(status.st_mode) or (junction is not None and getattr(status, "st_reparse_tag", 0) == junction)
