"""A disk that counts what it is asked to do."""

from __future__ import annotations

from pathlib import Path

from shared.system.disk import Buffer, Disk, StrPath


class CountingDisk(Disk):
    """Counts bytes written and steps taken."""

    def __init__(self) -> None:
        self.written_bytes = 0
        self.steps = 0

    def reset(self) -> None:
        self.written_bytes = self.steps = 0

    def write(self, fd: int, data: Buffer) -> int:
        taken = super().write(fd, data)
        self.written_bytes += taken
        self.steps += 1
        return taken

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        taken = super().pwrite(fd, data, offset)
        self.written_bytes += taken
        self.steps += 1
        return taken

    def fsync(self, fd: int) -> None:
        self.steps += 1
        super().fsync(fd)

    def rename(self, source: StrPath, target: StrPath) -> None:
        self.steps += 1
        super().rename(source, target)

    def fsync_dir(self, path: Path) -> None:
        self.steps += 1
        super().fsync_dir(path)

    def create(self, path: StrPath, mode: int = 0o644) -> int:
        self.steps += 1
        return super().create(path, mode)
