"""Taking a session in from an archive: our own export, or any tar of a session's folder. Nothing in it is trusted.

Everything is written into a staging folder and proved there: names, hashes, metadata. Only a session that is whole is
brought to the medium, and leaves it; of any other nothing stays.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.bus.clients import RecorderClient
from shared.bus.requests.recorder import IMPORT, ImportSession
from shared.errors import InsufficientStorage, InvalidArchive, InvalidSessionId, RecorderUnavailable
from shared.process.privacy import sessions_group, take_umask
from shared.process.runner import calling
from shared.process.settings import Settings
from shared.refusals import request_of
from shared.session.format import ids, metadata
from shared.session.format.entries import MAX_ENTRY_BYTES, Entry
from shared.session.format.kinds import moment, whole_number
from shared.session.format.layout import INPUTS, METADATA, RECORDER_LOCK, parse_frame_name
from shared.session.format.metadata import FORMAT, DamagedMetadata
from shared.session.format.pictures import is_whole
from shared.session.reading.reader import SessionReader
from shared.session.text import lines
from shared.session.transfer.compression import MAX_ARCHIVE_BYTES, ArchiveStream
from shared.session.transfer.staging import adopt, staging
from shared.session.transfer.tar import TarReader
from shared.session.transfer.trials import prove_trials
from shared.session.transfer.unpacking import MAX_FILES, Unpacked, sync, unpack
from shared.session.writing.examine import examine
from shared.session.writing.repair import repair
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

ADOPT_TIMEOUT_S = 30.0
MAX_FOREIGN_METADATA_BYTES = 64 << 20
"""Of metadata that is not laid out as ours, and has to be read in one piece."""
MAX_UNNAMED = 1000
"""Inputs that no entry names, beside as many as there are entries: a frame that never came to be leaves one."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A session that was taken in."""

    session_id: str
    frames: int
    bytes: int
    renamed_from: str | None = None
    """The id it had, where it was given another one."""


def take_in(settings: Settings, read: Callable[[int], bytes], session_id: str | None = None) -> Imported:
    """Prove an archive, and make it a session: see :func:`stage_archive`. Of one that is refused nothing stays. Raises
    RecorderUnavailable too, where a recorder holds the sessions folder and does not answer."""
    disk = Disk(sessions_group(settings))
    take_umask(settings)
    with staging(disk, settings.sessions_dir) as staged:
        imported = stage_archive(disk, staged, read, session_id=session_id)
        asyncio.run(_adopt(settings, disk, staged.name, imported.session_id))
    return imported


async def _adopt(settings: Settings, disk: Disk, token: str, session_id: str) -> None:
    """Have the recorder make it a session, which owns that folder; without one do it here."""
    async with calling(settings, RecorderClient) as recorder:
        try:
            wanted = request_of(ImportSession, staged=token, session_id=session_id)
            await recorder.ask(IMPORT, wanted, timeout_s=ADOPT_TIMEOUT_S)
            return
        except RecorderUnavailable as error:
            if recorder.met:  # there is one, so nobody else may do it
                raise RecorderUnavailable(f"{error.detail} Import again when it is well.") from None
    try:
        with Holder(settings.sessions_dir / RECORDER_LOCK, f"the sessions folder {settings.sessions_dir}"):
            adopt(disk, settings.sessions_dir, token, session_id)
    except AlreadyHeld:
        raise RecorderUnavailable(
            f"a recorder holds {settings.sessions_dir}, and none answers on the bus {settings.bus_address}; "
            "set PARAFOVEA_BUS to the one it is on"
        ) from None


def stage_archive(
    disk: Disk,
    staged: Path,
    read: Callable[[int], bytes],
    *,
    session_id: str | None = None,
    limit_bytes: int = MAX_ARCHIVE_BYTES,
) -> Imported:
    """Unpack an archive into ``staged/<id>``, where ``staged`` is an empty folder, and prove it;
    :func:`shared.session.transfer.staging.adopt` makes it a session.

    ``read`` gives up to so many of the archive's bytes, none at the end; ``session_id`` is the id it is to have instead
    of its own, and ``limit_bytes`` how long it may be, before and after decompression.

    Raises InvalidArchive, InvalidSessionId (its id, or the one asked for, cannot be one), PayloadTooLarge,
    InsufficientStorage (the disk is full) or OSError (the disk refuses otherwise)."""
    if session_id is not None:
        ids.validate(session_id)
    archive = TarReader(ArchiveStream(read, limit_bytes).read)
    try:
        return _stage(disk, staged, archive, session_id)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InsufficientStorage("the disk of the sessions is full; free some space and import again") from error
        raise


def _stage(disk: Disk, staged: Path, archive: TarReader, session_id: str | None) -> Imported:
    folder = staged / "unpacked"
    disk.mkdir(folder)
    unpacked = unpack(disk, folder, archive)
    had = _prove(folder, unpacked)
    prove_trials(folder, unpacked.hashes)
    _take_in_strays(disk, folder, unpacked)
    wanted = session_id or had
    renamed_from = _name_session(disk, folder, wanted)
    sync(disk, folder, unpacked)
    disk.rename(folder, staged / wanted)
    with SessionReader(staged / wanted) as reader:
        return Imported(wanted, reader.count, unpacked.bytes, renamed_from)


# -- proving ----------------------------------------------------------------------------------------------------------


def _prove(folder: Path, unpacked: Unpacked) -> str:
    """Compare what the metadata says with what is there; the session's id."""
    if METADATA not in unpacked.hashes:
        raise InvalidArchive("the archive holds no metadata.json")
    try:
        _check_layout(folder / METADATA)
        with SessionReader(folder) as reader:
            had = _prove_head(reader.head, unpacked)
            missing = set(reader.tail.missing)
            named: set[str] = set()
            last = -1
            for position, entry in enumerate(reader.entries()):
                if entry.index <= last:
                    raise InvalidArchive(f"index {entry.index} is out of order in metadata.json")
                last = entry.index
                _prove_entry(folder, entry, unpacked, missing)
                if problems := reader.breaches(position, entry):  # what its owner added may be anything
                    said = "; ".join(problems)
                    raise InvalidArchive(f"entry {last} of metadata.json breaks the format: {said}")
                if entry.input_file is not None:
                    named.add(entry.input_file)
            unnamed = [name for name in unpacked.hashes if name.startswith(f"{INPUTS}/") and name not in named]
            if len(unnamed) > MAX_UNNAMED + reader.count:
                raise InvalidArchive(f"the archive holds {len(unnamed)} inputs that no entry of metadata.json names")
    except DamagedMetadata as error:
        problem = error.detail.partition("; 'parafovea check ")[0]  # the advice is for another machine
        raise InvalidArchive(f"metadata.json is damaged ({problem}); repair the session and export it again") from None
    return had


def _check_layout(path: Path) -> None:
    """Refuse what would take too much memory to read: a large file that is not laid out so that it is read in parts."""
    with path.open("rb") as file:
        try:
            index = lines.scan(file.fileno())
        except DamagedMetadata:
            if path.stat().st_size > MAX_FOREIGN_METADATA_BYTES:
                raise
            return  # formatted by another hand, perhaps
    if len(index.starts) > MAX_FILES:
        raise InvalidArchive(f"metadata.json has {len(index.starts)} entries; a session has at most {MAX_FILES}")
    for position in range(len(index.starts)):
        start, stop = index.span(position)
        if stop - start > MAX_ENTRY_BYTES:
            raise InvalidArchive(f"an entry of metadata.json has {stop - start} bytes")


def _prove_head(head: dict[str, Any], unpacked: Unpacked) -> str:
    said, version, created_at = head.get("session_id"), head.get("format", FORMAT), head.get("created_at")
    if whole_number(version) is None or version > FORMAT:
        said_version = str(version)[:40]
        raise InvalidArchive(f"the session has format {said_version}; this version reads up to {FORMAT}: update it")
    if moment(created_at) is None:
        raise InvalidArchive("metadata.json says no time of creation")
    if not isinstance(said, str):
        raise InvalidArchive("metadata.json says no session id")
    try:
        # A folder that its owner renamed has the name that its owner means.
        return ids.validate(unpacked.base[-1] if unpacked.base else said)
    except InvalidSessionId as error:
        raise InvalidSessionId(f"the session in the archive cannot keep its name: {error.detail}") from None


def _prove_entry(folder: Path, entry: Entry, unpacked: Unpacked, missing: set[str]) -> None:
    name, index = entry.filename, entry.index
    parsed = parse_frame_name(name)
    if parsed is None or parsed.index != index or parsed.sector != (entry.target_sector or parsed.sector):
        raise InvalidArchive(f"entry {index} of metadata.json names the file {name[:200]!r}")
    digest = unpacked.hashes.get(name)
    if digest is None:
        if name not in missing:
            raise InvalidArchive(f"{name} is missing from the archive")
    elif entry.sha256 is None:
        if not is_whole((folder / name).read_bytes()):
            raise InvalidArchive(f"{name} is not a whole PNG")
    elif digest.hex() != entry.sha256:
        raise InvalidArchive(f"the bytes of {name} do not have the hash in metadata.json")
    source = entry.input_file
    if source is None or source in missing:
        return
    found = unpacked.hashes.get(source)
    if found is None:
        raise InvalidArchive(f"the input of {name}, {source[:200]!r}, is missing from the archive")
    if entry.input_sha256 is not None and found.hex() != entry.input_sha256:
        raise InvalidArchive(f"the bytes of {source}, the input of {name}, do not have the hash in metadata.json")


def _take_in_strays(disk: Disk, folder: Path, unpacked: Unpacked) -> None:
    """Frames that were recorded while the archive was made have no entry yet: each carries what its entry says."""
    with SessionReader(folder) as reader:
        known = {entry.filename for entry in reader.entries()}
        tail = reader.tail
    strays = [name for name in unpacked.hashes if parse_frame_name(name) and name not in known]
    if not strays:
        return
    left = examine(folder).strays
    if left:
        name, reason = left[0]
        raise InvalidArchive(f"{name} has no entry in metadata.json: {reason}")
    with SessionReader(folder) as reader:
        _rewrite(disk, folder, reader, reader.written_head, replace(tail, open=False))
    repair(disk, folder)


def _name_session(disk: Disk, folder: Path, session_id: str) -> str | None:
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
