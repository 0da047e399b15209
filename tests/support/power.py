"""A disk whose power is cut: what was not synced is gone, or not, as the test draws.

A file's bytes are sure from the fsync of the file on, and a name from the fsync of its folder on. Everything else may
have reached the medium or not, each for itself: POSIX promises no more, and this disk gives no more.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shared.system.disk import Buffer, Disk, StrPath
from tests.support.scripted_disk import Died


@dataclass
class _Node:
    """A file or folder as the medium has it. ``names`` is None for a file."""

    path: Path
    data: bytes = b""
    names: dict[str, _Node] | None = None
    current: bytes | None = field(default=None)


class PowerDisk(Disk):
    """Keeps, beside the real files, what a power cut would leave of them. It dies at step ``dies_at``."""

    def __init__(self, root: Path, dies_at: int | None = None) -> None:
        self._root = root
        self._dies_at = dies_at
        self._dead = False
        self.steps = 0
        self._nodes: dict[int, _Node] = {}
        self._fds: dict[int, _Node] = {}
        self._top = self._adopt(root)

    def mkdir(self, path: Path) -> None:
        self._tick()
        super().mkdir(path)
        self._nodes[path.stat().st_ino] = _Node(path, names={})

    def create(self, path: StrPath, mode: int = 0o644) -> int:
        self._tick()
        path = Path(path)
        is_new = not path.exists()
        fd = super().create(path, mode)
        if is_new:
            self._nodes[path.stat().st_ino] = _Node(path)
        self._fds[fd] = self._nodes[os.fstat(fd).st_ino]
        return fd

    def open(self, path: Path) -> int:
        self._tick()
        fd = super().open(path)
        self._fds[fd] = self._nodes[os.fstat(fd).st_ino]
        return fd

    def write(self, fd: int, data: Buffer) -> int:
        self._tick()
        return super().write(fd, data)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        self._tick()
        return super().pwrite(fd, data, offset)

    def fsync(self, fd: int) -> None:
        self._tick()
        self._fds[fd].data = _content(fd)

    def close(self, fd: int) -> None:
        self._tick()
        self._fds.pop(fd).current = _content(fd)
        super().close(fd)

    def rename(self, source: StrPath, target: StrPath) -> None:
        self._tick()
        super().rename(source, target)

    def unlink(self, path: StrPath) -> None:
        self._tick()
        super().unlink(path)

    def rmdir(self, path: Path) -> None:
        self._tick()
        super().rmdir(path)

    def fsync_dir(self, path: Path) -> None:
        self._tick()
        if path.stat().st_ino in self._nodes:
            self._nodes[path.stat().st_ino].names = self._listing(path)

    def cut(self, into: Path, reached: Callable[[], float]) -> None:
        """Lay down what is left. ``reached`` draws, for each thing that was not synced, how much of it was (0 to 1)."""
        into.mkdir()
        self._lay(self._top, self._root, into, reached)

    def _lay(self, node: _Node, real: Path, into: Path, reached: Callable[[], float]) -> None:
        names = dict(node.names or {})
        now = self._listing(real) if real.is_dir() else {}
        for name in sorted(set(now) - set(names)):
            if reached() > 0.5:
                names[name] = now[name]
        for name in sorted(set(node.names or {}) - set(now)):
            if reached() > 0.5:
                del names[name]
        for name, child in names.items():
            if child.names is not None:
                (into / name).mkdir()
                self._lay(child, self._place_of(child) or real / name, into / name, reached)
            else:
                (into / name).write_bytes(_mixed(child, reached))

    def _place_of(self, node: _Node) -> Path | None:
        for path in itertools.chain([self._root], self._root.rglob("*")):
            if path.is_dir() and self._nodes.get(path.stat().st_ino) is node:
                return path
        return None

    def _listing(self, path: Path) -> dict[str, _Node]:
        return {item.name: self._nodes[item.stat().st_ino] for item in path.iterdir()}

    def _adopt(self, path: Path) -> _Node:
        """Take what is there before the test as safe."""
        if path.is_dir():
            node = _Node(path, names={child.name: self._adopt(child) for child in path.iterdir()})
        else:
            data = path.read_bytes()
            node = _Node(path, data, None, data)
        self._nodes[path.stat().st_ino] = node
        return node

    def _tick(self) -> None:
        if self._dead:
            raise Died
        if self.steps == self._dies_at:
            for fd in list(self._fds):
                self._fds.pop(fd).current = _content(fd)
                super().close(fd)
            self._dead = True
            raise Died
        self.steps += 1


def _content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0) if _readable(fd) else Path(f"/proc/self/fd/{fd}").read_bytes()


def _readable(fd: int) -> bool:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY


def _mixed(node: _Node, reached: Callable[[], float]) -> bytes:
    """Of a file that was written since its last fsync: a beginning of the new bytes, and the old ones behind it."""
    if node.current is None or node.current == node.data:
        return node.data
    share = reached()
    at = int(len(node.current) * share)
    return node.current[:at] + node.data[at:]
