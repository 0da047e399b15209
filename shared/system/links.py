"""Links in the place of files and folders."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def is_link(path: Path) -> bool:
    """A symbolic link, or a junction of Windows, which ``os.walk`` would go through."""
    status = os.lstat(path)
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(status.st_mode) or (junction is not None and getattr(status, "st_reparse_tag", 0) == junction)
