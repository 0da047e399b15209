"""One holder a channel, one a folder for each who keeps something there, one a journal: a lock file held for life.

libzmq lets whoever binds an ipc path last take it from the one who had it, without an error on either side. So a
process locks a file beside the socket first; a second one refuses to start, and says why.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


class AlreadyHeld(Exception):
    """Another process holds what this one needs; the message names it."""


class Holder:
    """An exclusive claim on ``path``, until :meth:`release`, the end of a ``with`` block, or the end of the process."""

    def __init__(self, path: Path, what: str, mode: int | None = None) -> None:
        """Claim it. ``mode``: of the lock file; by default what the umask leaves. Raises AlreadyHeld: another living
        process has it; OSError: the lock file cannot be made, or this file system has no locks."""
        self._path = path
        self._lock = FileLock(path) if mode is None else FileLock(path, mode=mode)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise AlreadyHeld(f"another process already holds {what} (lock file {path}); stop that one first") from None
        except NotImplementedError as error:
            raise OSError(errno.ENOLCK, "this file system has no file locks", str(path)) from error
        self._folder = _open_folder(path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it up and leave nothing behind.

        The file is removed while it is still locked: whoever waits for the lock sees that its file is gone and makes
        a new one. It is looked for in the folder that it was made in, which may have been renamed, or mounted over.
        Windows cannot remove an open file, so there the removal comes after.
        """
        if sys.platform == "win32":
            self._lock.release()
            with suppress(FileNotFoundError, PermissionError):  # the next holder has it open already
                self._path.unlink()
            return
        try:
            os.unlink(self._path if self._folder is None else self._path.name, dir_fd=self._folder)
        except FileNotFoundError:
            log.debug("%s is gone already", self._path)
        finally:
            self._lock.release()
            if self._folder is not None:
                os.close(self._folder)
                self._folder = None


def _open_folder(folder: Path) -> int | None:
    """A descriptor that stands for a folder whatever becomes of its path; None where there are none of the kind."""
    if os.unlink not in os.supports_dir_fd:
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
