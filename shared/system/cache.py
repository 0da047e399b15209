"""Where what can be made again is kept: thumbnails, comparisons, hashes of models, tiny models for tests."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

log = logging.getLogger(__name__)

OVERRIDE = "XDG_CACHE_HOME"
"""The variable that moves caches elsewhere, on every system."""


def cache_root() -> Path:
    """Our folder in the user's cache folder, which may not be there yet: ``~/.cache/parafovea``,
    ``~/Library/Caches/parafovea``, ``%LOCALAPPDATA%\\parafovea``."""
    if base := os.environ.get(OVERRIDE):
        return Path(base) / "parafovea"
    return user_cache_path("parafovea", appauthor=False, opinion=False)


def private_cache(name: str) -> Path:
    """A folder of :func:`cache_root` for what is made of recordings, closed to others as these are; where it can't be
    written, or is another user's, a temporary one."""
    folder = cache_root() / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            if sys.platform == "win32" or _is_private(folder):
                return folder
    except OSError as error:
        log.debug("%s are not kept: %s", name, error)
    return Path(tempfile.mkdtemp(prefix=f"parafovea-{name}-"))


def _is_private(folder: Path) -> bool:
    """Close the folder to others: a thumbnail is a recording made small. Whether it is ours, so that it is closed."""
    if folder.stat().st_uid != os.geteuid():
        return False
    folder.chmod(0o700)
    return True
