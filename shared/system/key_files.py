"""Who else can read a file that holds a secret, or change the files of a key folder: whoever can is as good as a holder
of the keys."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

SECRET = "secret"
"""Is in the name of each file that nobody else may read."""

_WRITES = {stat.S_IWGRP: stat.S_IXGRP, stat.S_IWOTH: stat.S_IXOTH}
"""A bit that lets others change a file, and the bit of the folder above without which they don't get there."""


def open_to_others(path: Path) -> str | None:
    """Who else can read a file that holds a secret; None where nobody can.

    A file that belongs to another user (root, mostly) may be open to the group through which this one reads it. Raises
    OSError: it is not there.
    """
    if sys.platform == "win32":
        return None
    status = path.stat()
    if status.st_mode & stat.S_IRWXO:
        return "every user of this machine"
    if status.st_mode & stat.S_IRWXG and status.st_uid == os.geteuid():
        return "every member of its group"
    return None


def problem_of(folder: Path) -> str | None:
    """What is wrong with the modes in a key folder, in a sentence that says what to do; None for a private one, for
    one that is not there, and on Windows."""
    if sys.platform == "win32" or not folder.is_dir():
        return None
    mode = folder.stat().st_mode
    reached = {write for write, enter in _WRITES.items() if mode & enter}
    for path in _all(folder):
        try:
            whose = open_to_others(path) if SECRET in path.name else None
            writes = path.stat().st_mode
        except FileNotFoundError:  # a link to nowhere
            continue
        if whose is not None:
            return (
                f"the secret in {path} can be read by {whose}; run 'chmod 600 {path}', and make new keys with "
                "'parafovea keys' where somebody else may have read it"
            )
        if any(writes & bit for bit in reached):
            return f"{path} can be changed by other users, who could let themselves in; run 'chmod go-w {path}'"
    return None


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(at, name)
