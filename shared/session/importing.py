"""Taking a session in from an archive: our own export, or any tar of a session's folder. Nothing in it is trusted.

Everything is written into a staging folder and proved there: names, hashes, metadata. Only a session that is whole
leaves it; of any other nothing stays.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shared.disk import Disk
from shared.errors import InsufficientStorage, InvalidArchive, InvalidSessionId
from shared.session import ids, lines, metadata
from shared.session.compression import MAX_ARCHIVE_BYTES, ArchiveStream
from shared.session.entries import MAX_ENTRY_BYTES, moment, whole_number
from shared.session.layout import (
    INPUTS,
    METADATA,
    REPAIRS,
    VERIFICATION,
    is_kept,
    is_litter,
    parse_frame_name,
    parse_input_name,
)
from shared.session.metadata import FORMAT, DamagedMetadata
from shared.session.pictures import is_whole
from shared.session.reader import SessionReader
from shared.session.repair import repair
from shared.session.tar import Member, TarReader

MAX_FILES = 2_000_000
MAX_METADATA_BYTES = 1 << 30
MAX_FOREIGN_METADATA_BYTES = 64 << 20
"""Of metadata that is not laid out as ours, and has to be read in one piece."""
MAX_PICTURE_BYTES = 128 << 20
"""The largest frame or input: more than twice an uncompressed picture of the largest size."""

_DESCRIPTIONS = (METADATA, REPAIRS, VERIFICATION)


@dataclass(frozen=True, slots=True)
class Imported:
    """A session that was taken in."""

    session_id: str
    frames: int
    bytes: int
    renamed_from: str | None = None
    """The id it had, where it was given another one."""


@dataclass(slots=True)
class _Unpacked:
    """What the archive held."""

    base: tuple[str, ...] | None = None
    hashes: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 by path inside the session."""
    bytes: int = 0


def stage_archive(
    disk: Disk,
    staged: Path,
    read: Callable[[int], bytes],
    *,
    session_id: str | None = None,
    limit_bytes: int = MAX_ARCHIVE_BYTES,
    on_bytes: Callable[[int], None] | None = None,
) -> Imported:
    """Unpack an archive into ``staged/<id>`` and prove it; :func:`shared.session.staging.adopt` makes it a session.

    Args:
        disk: every write goes through it.
        staged: an empty folder; see :func:`shared.session.staging.staging`.
        read: gives up to so many of the archive's bytes, none at the end.
        session_id: the id it is to have; by default the one it has.
        limit_bytes: how long the archive may be, before and after decompression.
        on_bytes: told of each file's size once that is written.

    Raises:
        InvalidArchive: with the reason; so are what follows.
        InvalidSessionId: its id (or the one asked for) cannot be one.
        PayloadTooLarge: longer than the limit.
        InsufficientStorage: the disk is full.
        OSError: the disk refuses otherwise.
    """
    if session_id is not None:
        ids.validate(session_id)
    archive = TarReader(ArchiveStream(read, limit_bytes).read)
    try:
        return _stage(disk, staged, archive, session_id, on_bytes or (lambda _: None))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InsufficientStorage("the disk of the sessions is full; free some space and import again") from error
        raise


def _stage(
    disk: Disk, staged: Path, archive: TarReader, session_id: str | None, on_bytes: Callable[[int], None]
) -> Imported:
    folder = staged / "unpacked"
    disk.mkdir(folder)
    unpacked = _unpack(disk, folder, archive, on_bytes)
    had = _prove(folder, unpacked)
    _take_in_strays(disk, folder, unpacked)
    wanted = session_id or had
    renamed_from = _settle(disk, folder, wanted)
    disk.rename(folder, staged / wanted)
    with SessionReader(staged / wanted) as reader:
        return Imported(wanted, reader.count, unpacked.bytes, renamed_from)


# -- unpacking --------------------------------------------------------------------------------------------------------


def _unpack(disk: Disk, folder: Path, archive: TarReader, on_bytes: Callable[[int], None]) -> _Unpacked:
    unpacked = _Unpacked()
    for number, member in enumerate(archive.members()):
        if number >= MAX_FILES:
            raise InvalidArchive(f"the archive holds more than {MAX_FILES} files")
        if is_litter(member.name.rstrip("/").split("/")):
            continue  # nothing of it is written, whatever its name
        parts = _safe_parts(member)
        if member.is_folder or not parts:
            continue
        name = _place(unpacked, parts)
        if name in unpacked.hashes:
            raise InvalidArchive(f"the archive holds {name!r} twice")
        _check_size(name, member.size)
        if name.startswith(f"{INPUTS}/"):
            disk.make_folders(folder / INPUTS)
        unpacked.hashes[name] = _write(disk, folder / name, archive.content())
        unpacked.bytes += member.size
        on_bytes(member.size)
    if not unpacked.hashes:
        raise InvalidArchive("the archive is empty")
    disk.fsync_dir(folder)
    if (folder / INPUTS).is_dir():
        disk.fsync_dir(folder / INPUTS)
    return unpacked


def _safe_parts(member: Member) -> tuple[str, ...]:
    """The name's parts.

    Raises:
        InvalidArchive: it leads out of the folder, or holds what no name of ours has.
    """
    name = member.name
    if name.startswith("/") or "\\" in name or ":" in name or any(ord(char) < 32 or ord(char) == 127 for char in name):
        raise InvalidArchive(f"the archive holds a file with the unsafe name {name[:200]!r}")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise InvalidArchive(f"the name {name[:200]!r} leads out of the archive")
    return parts


def _place(unpacked: _Unpacked, parts: tuple[str, ...]) -> str:
    """Where a file belongs inside the session."""
    leaf = parts[-1]
    if parse_input_name(leaf) is not None and parts[-2:-1] == (INPUTS,):
        base, name = parts[:-2], f"{INPUTS}/{leaf}"
    elif leaf in _DESCRIPTIONS or is_kept(leaf) or parse_frame_name(leaf) is not None:
        base, name = parts[:-1], leaf
    else:
        raise InvalidArchive(f"{'/'.join(parts)[:200]!r} is not a file of a session")
    if unpacked.base is None:
        unpacked.base = base
    elif unpacked.base != base:
        one, other = "/".join(unpacked.base), "/".join(base)
        raise InvalidArchive(f"the archive holds more than one session ({one!r}, {other!r}); import one at a time")
    return name


def _check_size(name: str, size: int) -> None:
    limit = MAX_METADATA_BYTES if name in _DESCRIPTIONS or is_kept(name) else MAX_PICTURE_BYTES
    if size > limit:
        raise InvalidArchive(f"{name} has {size} bytes; more than {limit} is not a file of a session")


def _write(disk: Disk, path: Path, chunks: Iterator[bytes]) -> bytes:
    """Write one file durably; its SHA-256. The folder is no session yet, so the name may be the final one."""
    digest = hashlib.sha256()
    fd = disk.create(path)
    try:
        for chunk in chunks:
            digest.update(chunk)
            disk.write_all(fd, chunk)
        disk.fsync(fd)
    finally:
        disk.close(fd)
    return digest.digest()


# -- proving ----------------------------------------------------------------------------------------------------------


def _prove(folder: Path, unpacked: _Unpacked) -> str:
    """Compare what the metadata says with what is there; the session's id."""
    if METADATA not in unpacked.hashes:
        raise InvalidArchive("the archive holds no metadata.json")
    for name, digest in unpacked.hashes.items():
        if name.startswith(f"{INPUTS}/") and parse_input_name(name.removeprefix(f"{INPUTS}/")) != digest.hex():
            raise InvalidArchive(f"the bytes of {name} do not have the hash in its name")
    try:
        _check_layout(folder / METADATA)
        with SessionReader(folder) as reader:
            had = _prove_head(reader.head, unpacked)
            missing = set(reader.tail.missing)
            last = -1
            for position, entry in enumerate(reader.entries()):
                if entry["index"] <= last:
                    raise InvalidArchive(f"index {entry['index']} is out of order in metadata.json")
                last = entry["index"]
                _prove_entry(folder, entry, unpacked, missing)
                _prove_limits(reader, position, entry)
    except DamagedMetadata as error:
        raise InvalidArchive(
            f"metadata.json is damaged ({_bare(error)}); repair the session and export it again"
        ) from None
    return had


def _bare(error: DamagedMetadata) -> str:
    """Without the advice: the session is another machine's."""
    return error.detail.partition("; 'parafovea check ")[0]


def _check_layout(path: Path) -> None:
    """Refuse what would take too much memory to read: a large file that is not laid out so that it is read in parts."""
    with path.open("rb") as file:
        try:
            index = lines.scan(file.fileno())
        except DamagedMetadata:
            if path.stat().st_size > MAX_FOREIGN_METADATA_BYTES:
                raise
            return  # formatted by another hand, perhaps
    for position in range(len(index.starts)):
        start, stop = index.span(position)
        if stop - start > MAX_ENTRY_BYTES:
            raise InvalidArchive(f"an entry of metadata.json has {stop - start} bytes")


def _prove_limits(reader: SessionReader, position: int, entry: dict[str, Any]) -> None:
    """Whether what an entry says keeps to the format. What its owner added may be anything."""
    problems = reader.breaches(position, entry)
    if problems:
        raise InvalidArchive(f"entry {entry['index']} of metadata.json breaks the format: {'; '.join(problems)}")


def _prove_head(head: dict[str, Any], unpacked: _Unpacked) -> str:
    said, version, created_at = head.get("session_id"), head.get("format", FORMAT), head.get("created_at")
    if whole_number(version) is None or version > FORMAT:
        raise InvalidArchive(f"the session has format {version!r}; this version reads up to {FORMAT}: update it")
    if moment(created_at) is None:
        raise InvalidArchive("metadata.json says no time of creation")
    if not isinstance(said, str):
        raise InvalidArchive("metadata.json says no session id")
    try:
        # A folder that its owner renamed has the name that its owner means.
        return ids.validate(unpacked.base[-1] if unpacked.base else said)
    except InvalidSessionId as error:
        raise InvalidSessionId(f"the session in the archive cannot keep its name: {error.detail}") from None


def _prove_entry(folder: Path, entry: dict[str, Any], unpacked: _Unpacked, missing: set[str]) -> None:
    name, index = entry["filename"], entry["index"]
    parsed = parse_frame_name(name)
    if parsed is None or parsed.index != index or parsed.sector != (entry.get("target_sector") or parsed.sector):
        raise InvalidArchive(f"entry {index} of metadata.json names the file {str(name)[:200]!r}")
    digest, sha256 = unpacked.hashes.get(name), entry.get("sha256")
    if digest is None:
        if name not in missing:
            raise InvalidArchive(f"{name} is missing from the archive")
    elif sha256 is None:
        if not is_whole((folder / name).read_bytes()):
            raise InvalidArchive(f"{name} is not a whole PNG")
    elif digest.hex() != sha256:
        raise InvalidArchive(f"the bytes of {name} do not have the hash in metadata.json")
    source, wanted = entry.get("input_file"), entry.get("input_sha256")
    if source is None or (isinstance(source, str) and source in missing):
        return
    found = unpacked.hashes.get(source) if isinstance(source, str) else None
    if found is None:
        raise InvalidArchive(f"the input of {name}, {str(source)[:200]!r}, is missing from the archive")
    if wanted is not None and found.hex() != wanted:
        raise InvalidArchive(f"the bytes of {source}, the input of {name}, do not have the hash in metadata.json")


def _take_in_strays(disk: Disk, folder: Path, unpacked: _Unpacked) -> None:
    """Frames that were recorded while the archive was made have no entry yet: each carries what its entry says."""
    with SessionReader(folder) as reader:
        known = {entry["filename"] for entry in reader.entries()}
        tail = reader.tail
    strays = [name for name in unpacked.hashes if parse_frame_name(name) and name not in known]
    if not strays:
        return
    with SessionReader(folder) as reader:
        _rewrite(disk, folder, reader, reader.written_head, replace(tail, open=False))
    left = repair(disk, folder).examination.strays
    if left:
        name, reason = left[0]
        raise InvalidArchive(f"{name} has no entry in metadata.json: {reason}")


def _settle(disk: Disk, folder: Path, session_id: str) -> str | None:
    """Give the metadata the id that the session gets, and end its recording; the id it had, if that was another."""
    with SessionReader(folder) as reader:
        had: str = reader.head["session_id"]
        head = dict(reader.written_head)
        if had != session_id:
            head = {**head, "session_id": session_id, "renamed_from": had}
        if had != session_id or reader.tail.open:
            _rewrite(disk, folder, reader, head, replace(reader.tail, open=False))
    return had if had != session_id else None


def _rewrite(disk: Disk, folder: Path, reader: SessionReader, head: dict[str, Any], tail: metadata.Tail) -> None:
    disk.put_parts(folder / METADATA, metadata.file_parts(head, reader.texts(), tail))
