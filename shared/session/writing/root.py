"""The sessions folder: made where it is missing, and closed to all but its owner and a group that may read it."""

from __future__ import annotations

import logging
import os
import shlex
import stat
import sys
from pathlib import Path

from shared.system.disk import Disk

log = logging.getLogger(__name__)

_OWNER = 0o700
_GROUP_READS = 0o050


def make_root(disk: Disk, root: Path) -> None:
    """Make the sessions folder, and the parents it lacks, for this user and the disk's group.

    One that stands is closed too: what earlier versions recorded was readable by everybody. It is left as it is, with
    a word in the log, where that would take from others what is not ours, or where it cannot be done: recording is
    never refused for it, and what is recorded from now on is private by its own mode.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (root, *root.parents) if not os.path.lexists(path)]
    disk.make_folders(root)
    if sys.platform == "win32":
        return
    for path in dict.fromkeys((*reversed(missing), root)):
        try:
            _close(disk, path)
        except OSError as error:
            _warn(path, error.strerror or str(error))


def _close(disk: Disk, path: Path) -> None:
    status = path.stat()
    wanted = (status.st_mode & _OWNER) | (0 if disk.group is None else _GROUP_READS)
    # What this process makes belongs to its own group where the folder says nothing else.
    passed_on = bool(status.st_mode & stat.S_ISGID) or disk.group == os.getegid()
    in_group = disk.group is None or (status.st_gid == disk.group and passed_on)
    if stat.S_IMODE(status.st_mode) & 0o777 == wanted and in_group:
        return
    reason = _not_ours(path, status)
    if reason is None:
        _permit(disk, path, wanted)
        if stat.S_IMODE(path.stat().st_mode) & 0o077 & ~wanted:
            reason = "its file system keeps no modes"
    if reason is not None:
        _warn(path, reason)


def _permit(disk: Disk, path: Path, mode: int) -> None:
    if disk.group is None or sys.platform == "win32":
        disk.chmod(path, mode)
        return
    if path.stat().st_gid != disk.group:
        try:
            os.chown(path, -1, disk.group)
        except PermissionError as error:  # it is in no such group, or its supervisor lets it give files to none
            name = shlex.quote(str(path))
            by_hand = f"chgrp -R {disk.group} {name} && chmod 2750 {name}"
            raise PermissionError(error.errno, f"this process may not change its group; run {by_hand}") from error
    try:
        disk.chmod(path, mode | stat.S_ISGID)
    except PermissionError:  # a hardened service may set no such bit, and needs none where it is of that group
        if disk.group != os.getegid():
            raise
        disk.chmod(path, mode)


def _not_ours(path: Path, status: os.stat_result) -> str | None:
    """Why a folder is not ours alone to close; None where it is."""
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    if status.st_mode & stat.S_ISVTX or path.resolve().parent == path.resolve():
        return "it is there for everybody"
    with os.scandir(path) as entries:
        foreign = next((entry.name for entry in entries if _owner(entry) not in (None, status.st_uid)), None)
    return None if foreign is None else f"{foreign!r} in it belongs to another user"


def _owner(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except OSError:  # removed meanwhile
        return None


def _warn(path: Path, reason: str) -> None:
    log.warning(
        "who may read %s stays as it is (%s); it may be others than the settings say who can read what was recorded",
        path,
        reason,
    )
