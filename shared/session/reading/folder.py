"""What the folder of a session tells without its metadata."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from shared.errors import SessionNotFound
from shared.session.format.layout import INPUT_EXTENSIONS, input_name, parse_frame_name
from shared.session.format.metadata import DamagedMetadata
from shared.session.format.plain import located

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def find_input(folder: Path, sha256: str) -> Path | None:
    """The file under ``inputs/`` that holds the bytes of a hash, or None."""
    if not _SHA256.match(sha256):
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


def not_found(folder: Path) -> SessionNotFound | DamagedMetadata:
    """A folder with frames but without its index is a session that needs repair, not an absent one."""
    if has_frames(os.fspath(folder)):
        return DamagedMetadata("metadata.json is gone")
    return SessionNotFound(f"there is no session {folder.name!r}")
