"""Sessions on their way in: each is built in a folder of its own beside the others, and renamed when it is whole.

``<sessions>/.import/<token>/<id>/`` with a lock file beside it, held while its importer lives; what has no living
importer is swept away by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from shared.errors import NotFound, SessionExists
from shared.ids import new_id
from shared.session.format import ids
from shared.session.format.layout import METADATA, STAGING_TOKEN, folder_to_write
from shared.session.writing.root import make_root
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

IMPORT = ".import"


@contextlib.contextmanager
def staging(disk: Disk, root: Path) -> Iterator[Path]:
    """An empty folder under ``root/.import``; it goes, with what is still in it, at the end."""
    base = root / IMPORT
    make_root(disk, root)
    _check(base)
    disk.make_folders(base)
    sweep(disk, root, keep_base=True)
    folder = base / new_id()
    try:
        with Holder(folder.with_suffix(".lock"), "this import"):
            try:
                disk.mkdir(folder)
                yield folder
            finally:
                if folder.exists():
                    disk.remove_tree(folder)
    finally:
        _remove_if_empty(disk, base)


def sweep(disk: Disk, root: Path, *, keep_base: bool = False) -> None:
    """Remove what importers that died left behind."""
    base = root / IMPORT
    _check(base)
    if not base.is_dir():
        return
    for folder in sorted({base / path.stem for path in base.iterdir()}):
        with contextlib.suppress(AlreadyHeld), Holder(folder.with_suffix(".lock"), "this import"):
            if folder.exists():
                disk.remove_tree(folder)
    if not keep_base:
        _remove_if_empty(disk, base)


def adopt(disk: Disk, root: Path, token: str, session_id: str) -> Path:
    """Give a staged session its place among the others, all at once; its folder. Raises InvalidSessionId or
    SessionExists (the id cannot be had any more), NotFound (nothing of that name is staged) or OSError (the disk
    refuses; the session is still only staged)."""
    ids.claim(root, session_id)
    if not STAGING_TOKEN.match(token):
        raise NotFound(f"{token[:40]!r} names nothing that is staged")
    base = root / IMPORT
    staged = base / token / session_id
    # Made by an importer, and no way to anywhere else.
    if any(path.is_symlink() for path in (base, base / token, staged)) or not (staged / METADATA).is_file():
        raise NotFound(f"no session {session_id!r} is staged under {token!r}")
    folder = folder_to_write(root, session_id)
    try:
        disk.rename(staged, folder)
    except OSError:
        # A folder that is not empty cannot be renamed over: of two that want one id, exactly one gets it.
        if folder.exists():
            raise SessionExists(f"session {session_id!r} exists; choose another id") from None
        raise
    disk.fsync_dir(root)
    return folder


def _check(base: Path) -> None:
    """Refuse a link in the place of the folder of imports: what is swept away would lie elsewhere."""
    if base.is_symlink():
        raise OSError(errno.ELOOP, "it is a link; remove it", os.fspath(base))


def _remove_if_empty(disk: Disk, base: Path) -> None:
    try:
        disk.rmdir(base)
    except OSError:  # another import is under way; the last one removes it
        return
