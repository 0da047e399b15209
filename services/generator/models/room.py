"""Whether the disk has room for what is to be fetched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from services.generator.models.memory import GB


def free_disk() -> tuple[int, Path]:
    """Bytes that are free on the file system of the hub's cache, and its folder."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free, folder


def too_little_disk(to_fetch_bytes: int, disk: tuple[int, Path]) -> Iterator[str]:
    """Why a model cannot be fetched; nothing where there is room for it."""
    free, folder = disk
    if to_fetch_bytes > free:
        yield (
            f"{to_fetch_bytes / GB:.2f} GB are to be fetched, and {folder} has {free / GB:.2f} GB free. Make room, or "
            "set HF_HOME to a folder on another disk."
        )
