"""The files of a session's folder, which may have come from a stranger: only plain files that lie in it are opened.

A link that leads out of the folder would show, or carry away, what its owner never put there; a pipe or a device would
hold its reader up for good; and a file of a terabyte of nothing takes no room on the disk, and all of it in memory.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from shared.session.format.layout import INPUT_EXTENSIONS, MAX_PICTURE_BYTES, SHA256, input_name, parse_frame_name

StrPath = str | os.PathLike[str]

_FLAGS = os.O_RDONLY
for _flag in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
    _FLAGS |= getattr(os, _flag, 0)
_ANNEX = os.path.join(os.sep, ".git", "annex", "objects", "")
_READ_BYTES = 8 << 20


def open_plain(folder: StrPath, name: str) -> int:
    """A descriptor to read a file of a session's folder from, by the name that metadata has for it. The folder itself
    may be a link. Raises IsADirectoryError (it is a folder) or OSError (it is gone, cannot be read, leads out of the
    folder, or is no plain file)."""
    fd = os.open(located(folder, name), _FLAGS)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", name)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no plain file", name)
    except BaseException:
        os.close(fd)
        raise
    return fd


def located(folder: StrPath, name: str) -> str:
    """Where a file of a session's folder lies; of a link, what it leads to. Raises OSError where that is out of the
    folder, and not where git-annex keeps the folder's files."""
    path = os.path.join(folder, *name.split("/"))
    parent = os.path.dirname(path)
    is_plain = not os.path.islink(path) and (parent == os.fspath(folder) or not os.path.islink(parent))
    if is_plain and sys.platform != "win32":  # where there are junctions, too
        return path
    root, real = os.path.realpath(folder), os.path.realpath(path)
    if not _is_within(root, real) and not _is_annexed(root, real):
        raise OSError(errno.ELOOP, "it is a link that leads out of the session's folder", name)
    return real


def _is_annexed(root: str, real: str) -> bool:
    """Whether git-annex (DataLad) keeps the file, in a repository that the folder is part of."""
    repository, found, _ = real.partition(_ANNEX)
    return found != "" and _is_within(repository or os.sep, root)


def _is_within(folder: str, path: str) -> bool:
    try:
        return os.path.commonpath([folder, path]) == folder
    except ValueError:  # on two drives
        return False


def read_plain(folder: StrPath, name: str, limit_bytes: int = MAX_PICTURE_BYTES) -> bytes:
    """The bytes of a file of a session's folder. Raises OSError as :func:`open_plain` does, or where it is too long."""
    fd = open_plain(folder, name)
    try:
        size = os.fstat(fd).st_size
        if size > limit_bytes:
            raise OSError(errno.EFBIG, f"it has {size} bytes, and such a file has at most {limit_bytes}", name)
        data = bytearray()
        while len(data) <= limit_bytes and (more := os.read(fd, _READ_BYTES)):
            data += more
        return bytes(data)
    finally:
        os.close(fd)


def find_input(folder: Path, sha256: str) -> Path | None:
    """The file under ``inputs/`` that holds the bytes of a hash, or None."""
    if not SHA256.match(sha256):
        return None
    for extension in INPUT_EXTENSIONS:
        name = input_name(sha256, extension)
        path = os.path.join(folder, *name.split("/"))
        if os.path.isfile(path):
            with suppress(OSError):  # a link to a file elsewhere: none of this session
                located(folder, name)
                return Path(path)
    return None


def has_frames(folder: str) -> bool:
    """Whether a folder holds files that are named as frames."""
    try:
        return any(parse_frame_name(name) for name in os.listdir(folder))
    except OSError:
        return False
