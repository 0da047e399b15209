"""Waiting for another hand: who writes into a session that is being recorded may be in the midst of it."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from shared.session.text import contents, lines

SETTLE_S = 1.0
"""So long metadata that cannot be understood must lie still before it is written anew."""


class Settling:
    """One file, as often as it is found changed."""

    def __init__(self) -> None:
        self._version: tuple[int, int, int, int] | None = None
        self._since_s = 0.0

    def check(self, path: Path) -> None:
        """Raises OSError where the author of a file may be in the midst of it: it cannot be understood, and has not
        lain still."""
        fd = lines.open_file(path)
        try:
            version = lines.identity(os.fstat(fd))
            problem = contents.read(fd).problem
        finally:
            os.close(fd)
        now_s = time.monotonic()
        if problem is not None and self._version != version:
            self._version, self._since_s = version, now_s
        if problem is not None and now_s < self._since_s + SETTLE_S:
            raise OSError(errno.EAGAIN, f"metadata.json is being written by another hand ({problem})")
        self._version = None
