"""Unpacking a stranger's archive into a staging folder: plain files with the names that a session has, and no other.

Nothing is brought to the medium here, so that what turns out to be no session costs its bytes and no more;
:func:`sync` does that for what was proved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from shared.errors import InvalidArchive
from shared.session.format import layout
from shared.session.format.trial_files import FILES, GAZE, is_trial_file, limit_bytes
from shared.session.transfer.tar import Member, TarReader
from shared.system.disk import Disk

MAX_FILES = 2_000_000
MAX_FOLDERS = 10_000
"""A session has three; the rest are those that it lay in."""
MAX_KEPT = 10_000
"""Versions of the metadata that were kept beside it."""

_DESCRIPTIONS = (layout.METADATA, layout.REPAIRS, layout.VERIFICATION)
_MAGIC_BYTES = 12


@dataclass(slots=True)
class Unpacked:
    """What the archive held."""

    base: tuple[str, ...] | None = None
    """The folder of the session."""
    hashes: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 by path inside the session."""
    bytes: int = 0
    kept: int = 0
    folders: set[tuple[str, ...]] = field(default_factory=set)


def unpack(disk: Disk, folder: Path, archive: TarReader) -> Unpacked:
    """Write an archive's files into a folder that is empty. Raises InvalidArchive where one is none of a session, is
    there twice, or is longer than one can be."""
    unpacked = Unpacked()
    for number, member in enumerate(archive.members()):
        if number >= MAX_FILES:
            raise InvalidArchive(f"the archive holds more than {MAX_FILES} files")
        _check_leads_inside(member.name)
        if layout.is_litter(member.name.rstrip("/").split("/")):
            continue  # nothing of it is written, whatever other characters are in its name
        parts = _safe_parts(member.name)
        if member.is_folder or not parts:
            unpacked.folders.add(parts)
            if len(unpacked.folders) > MAX_FOLDERS:
                held = f"more than {MAX_FOLDERS} folders"
                raise InvalidArchive(f"the archive holds {held}; a session is one, with two in it")
            continue
        name = _place(unpacked, parts)
        if name in unpacked.hashes:
            raise InvalidArchive(f"the archive holds {name!r} twice")
        _check_size(name, member)
        if "/" in name:
            disk.make_folders((folder / name).parent)
        unpacked.hashes[name] = _write(disk, folder, name, archive.content())
        unpacked.bytes += member.size
    if not unpacked.hashes:
        raise InvalidArchive("the archive is empty")
    _check_folders(unpacked)
    return unpacked


def sync(disk: Disk, folder: Path, unpacked: Unpacked) -> None:
    """Bring all that was unpacked to the medium. (Of a write that failed meanwhile the system tells who opens the file
    next.)"""
    for name in unpacked.hashes:
        fd = disk.open(folder / name)
        try:
            disk.fsync(fd)
        finally:
            disk.close(fd)
    for inner in (layout.INPUTS, GAZE):
        if any(name.startswith(f"{inner}/") for name in unpacked.hashes):
            disk.fsync_dir(folder / inner)
    disk.fsync_dir(folder)


def _safe_parts(name: str) -> tuple[str, ...]:
    """The name's parts. Raises InvalidArchive where it holds what no name of ours has."""
    if ":" in name or any(ord(char) < 32 or ord(char) == 127 for char in name):
        raise InvalidArchive(f"the archive holds a file with the unsafe name {name[:200]!r}")
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _check_leads_inside(name: str) -> None:
    if name.startswith("/") or "\\" in name:
        raise InvalidArchive(f"the archive holds a file with the unsafe name {name[:200]!r}")
    if ".." in name.split("/"):
        raise InvalidArchive(f"the name {name[:200]!r} leads out of the archive")


def _check_folders(unpacked: Unpacked) -> None:
    """Refuse an archive in which one name is a file's and a folder's: no disk holds that."""
    base = unpacked.base or ()
    for parts in unpacked.folders:
        name = "/".join(parts[len(base) :])
        if parts[: len(base)] == base and name in unpacked.hashes:
            raise InvalidArchive(f"the archive holds {name!r} as a file and as a folder")


def _place(unpacked: Unpacked, parts: tuple[str, ...]) -> str:
    """Where a file belongs inside the session."""
    leaf = parts[-1]
    if layout.parse_input_name(leaf) is not None and parts[-2:-1] == (layout.INPUTS,):
        base, name = parts[:-2], f"{layout.INPUTS}/{leaf}"
    elif is_trial_file("/".join(parts[-2:])):
        base, name = parts[:-2], "/".join(parts[-2:])
    elif leaf in _DESCRIPTIONS or leaf in FILES or layout.is_kept(leaf) or layout.parse_frame_name(leaf) is not None:
        base, name = parts[:-1], leaf
    else:
        raise InvalidArchive(f"{'/'.join(parts)[:200]!r} is not a file of a session")
    if unpacked.base is None:
        unpacked.base = base
    elif unpacked.base != base:
        one, other = "/".join(unpacked.base)[:200], "/".join(base)[:200]
        raise InvalidArchive(f"the archive holds more than one session ({one!r}, {other!r}); import one at a time")
    unpacked.kept += layout.is_kept(name)
    if unpacked.kept > MAX_KEPT:
        raise InvalidArchive(f"the archive holds more than {MAX_KEPT} versions of metadata.json from before a repair")
    return name


def _check_size(name: str, member: Member) -> None:
    limit = layout.MAX_METADATA_BYTES if name in _DESCRIPTIONS or layout.is_kept(name) else layout.MAX_PICTURE_BYTES
    if is_trial_file(name):
        limit = limit_bytes(name)
    if member.size > limit:
        raise InvalidArchive(f"{name} has {member.size} bytes; more than {limit} is not a file of a session")


def _write(disk: Disk, folder: Path, name: str, chunks: Iterator[bytes]) -> bytes:
    """Write one file; its SHA-256. The folder is no session yet, so the name may be the final one."""
    digest = hashlib.sha256()
    first = next(chunks, b"")
    _check_picture(name, first[:_MAGIC_BYTES])
    fd = disk.create(folder / name)
    try:
        for chunk in chain([first], chunks):
            digest.update(chunk)
            disk.write_all(fd, chunk)
    finally:
        disk.close(fd)
    parent, _, leaf = name.rpartition("/")
    if parent == layout.INPUTS and layout.parse_input_name(leaf) != digest.hexdigest():
        raise InvalidArchive(f"the bytes of {name} do not have the hash in its name")
    return digest.digest()


def _check_picture(name: str, start: bytes) -> None:
    """Refuse a frame or an input that does not begin as the picture that its name says, before it is written."""
    if name in _DESCRIPTIONS or layout.is_kept(name) or is_trial_file(name):
        return
    wanted = name.rpartition(".")[2]
    try:
        found = layout.image_extension(start)
    except ValueError:
        found = None
    if found != wanted:
        kind = {"png": "PNG", "jpg": "JPEG", "webp": "WebP"}[wanted]
        raise InvalidArchive(f"{name} is no picture: it does not begin as a {kind} does")
