"""The ends of a session's files of trials: what was half-written is cut off, and more is written behind it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal

from shared.gaze.record.lines import FILES, LINE_VERSION, encode
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.format.plain import open_plain
from shared.session.format.trial_files import GAZE, samples_number
from shared.session.reading.record import whole_lines
from shared.system.disk import Buffer, Disk


class Changed(OSError):
    """A file is not as it was left: it is to be looked at anew."""


def trial_files(folder: Path) -> list[str]:
    """The files of lines and samples that there are, in order. Raises OSError: the folder of samples is a link."""
    if (folder / GAZE).is_symlink():
        raise OSError(errno.ELOOP, "it is a link; put the folder itself in its place", os.fspath(folder / GAZE))
    names = [name for name in FILES if os.path.lexists(folder / name)]
    if (folder / GAZE).is_dir():
        found = (f"{GAZE}/{item}" for item in os.listdir(folder / GAZE))
        names += sorted(name for name in found if samples_number(name) is not None)
    return names


def whole_bytes(folder: Path, name: str) -> tuple[int, int]:
    """Of a file, how many of its bytes are whole lines or records, and how many there are; 0 of one that is gone."""
    try:
        fd = open_plain(folder, name)
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0
    try:
        size = os.fstat(fd).st_size
        return (whole_lines(fd, size) if name in FILES else size - size % RECORD_BYTES), size
    finally:
        os.close(fd)


def cut_tails(disk: Disk, folder: Path) -> list[str]:
    """Cut off half-written ends, and bring what is there to the medium; a sentence for each file that was cut. Raises
    OSError: the disk refuses."""
    did = []
    for name in trial_files(folder):
        whole, size = whole_bytes(folder, name)
        fd = disk.open(folder / name)
        try:
            if whole != size:
                disk.truncate(fd, whole)
                did.append(f"{name} ended in {size - whole} bytes that were half-written, and is cut there")
            disk.fsync(fd)
        finally:
            disk.close(fd)
    return did


def append(disk: Disk, folder: Path, name: str, data: Buffer, size: int) -> None:
    """Write behind the ``size`` bytes of a file, which is made where that is 0, durably.

    Raises:
        Changed: the file has another length.
        OSError: the disk refuses; the file is as it was, or :func:`cut_tails` is needed.
    """
    path = folder / name
    exists = os.path.lexists(path)
    if (os.path.getsize(path) if exists else 0) != size:
        raise Changed(errno.EAGAIN, "it was changed by another hand", os.fspath(path))
    fd = disk.open(path) if exists else disk.create(path)
    try:
        try:
            disk.pwrite_all(fd, data, size)
            disk.fsync(fd)
        except OSError:
            # What the medium did not confirm is written again, not believed.
            disk.truncate(fd, size)
            raise
    finally:
        disk.close(fd)
    if not exists:
        disk.fsync_dir(path.parent)


def end_line(
    trial_id: str, n: int, t_ns: int, time: float | None, reason: str, by: Literal["recorder", "repair"]
) -> bytes:
    """The end of a trial that never got one: the line of the input behind its last. ``time``: Unix seconds at
    ``t_ns``, where the trial's beginning tells."""
    line = {"v": LINE_VERSION, "n": n, "id": str(n), "trial_id": trial_id, "step": "end", "caused_by": None}
    return encode({**line, "t_ns": t_ns, "time": time, "outcome": "interrupted", "reason": reason, "by": by})
