"""Making a session whole again: after a death at any instant, a torn write, or the loss of its metadata.

Images are the truth and the metadata is an index over them. So: half-written files go, an image without an entry gets
one from the text it carries, and an entry whose image is gone stays (the record of what was made must not shrink)
and is named under ``missing``. What was done is logged, and kept in ``repairs.jsonl`` beside the metadata.
"""

from __future__ import annotations

import errno
import filecmp
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from shared.session.format import layout, metadata
from shared.session.format.entries import on_one_line, parse_entry, trimmed
from shared.session.format.kinds import moment
from shared.session.format.metadata import DamagedMetadata, Tail, opened_as
from shared.session.text import lines
from shared.session.writing.appending import MetadataFile
from shared.session.writing.examination import Examination
from shared.session.writing.examine import examine
from shared.system.disk import Disk

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20


def repair(
    disk: Disk,
    folder: Path,
    *,
    known_head: Mapping[str, Any] | None = None,
    died: bool = True,
    appending: bool = False,
) -> Examination:
    """Make a session that nobody is writing to whole; what was found and done. Safe to break off and to repeat.

    A session that says it is open, and is laid out as ours, was left so by a process that died: it becomes
    ``interrupted``. Metadata that has to be written anew keeps every key and value that can be understood, as it was
    written; the file as it was is kept beside it.

    ``known_head`` is its head, for a folder where nothing tells it; ``died``, whether whoever had it open is gone. With
    ``appending`` it does what appending needs, and nothing else: a layout that cannot be appended to is made anew, and
    entries that cannot be understood are left to their author.

    Raises FileNotFoundError (there is no such folder) or OSError (the disk refuses; the session is as it was, or
    further on the way)."""
    found = examine(folder, known_head, appending=appending)
    for path in found.leftovers:
        disk.unlink(path)
        found.did.append(f"{path.relative_to(folder).as_posix()} was half-written and is removed")
    says_other = found.damage is not None or found.rebuilt or found.tail.open or found.missing != found.tail.missing
    writes = says_other or (found.foreign and appending)
    not_understood = found.foreign or found.damage is not None
    in_order = all(entry.index >= found.next_index_of_entries for entry in found.rebuilt)
    rewrites = writes and (not_understood or not (in_order or found.broken))
    was_died = died and found.tail.open and found.looks_ours
    was_died = was_died and (found.torn or opened_as(found.head, found.tail, folder.name))
    if rewrites and not_understood:
        kept = None if found.torn else _keep(disk, folder)
        found.did.append(_say_rewritten(found, kept))
        if found.damage is not None and found.rebuilt and kept:
            found.did.append(_say_remade(len(found.rebuilt), kept))
    found.did += [f"{entry.filename} had no entry and has one again" for entry in found.rebuilt]
    if found.missing != found.tail.missing:
        found.did.append(_say_missing(found.missing))
    if was_died:
        found.did.append("its recorder had died while it was open; it is marked as interrupted")
    for name, reason in found.strays:
        log.warning("session %s: %s is left alone: %s", folder.name, name, reason)
    if found.did:
        for sentence in found.did:
            log.warning("session %s repaired: %s", folder.name, sentence)
        record(disk, folder, did=found.did, interrupted=was_died or found.tail.interrupted, lost=found.tail.lost)
    if writes:
        tail = replace(
            found.tail,
            open=found.tail.open and not died,
            interrupted=found.tail.interrupted or was_died,
            missing=found.missing,
        )
        try:
            _write(disk, found, tail, rewrites=rewrites)
        except DamagedMetadata as error:
            raise OSError(errno.EIO, f"metadata.json was changed while it was repaired: {error}") from error
    return found


def _keep(disk: Disk, folder: Path) -> str | None:
    """Keep the metadata as it is beside itself, under a name that nothing has; that name. None where nothing is in
    it."""
    source = folder / layout.METADATA
    try:
        fd = lines.open_file(source)
    except (FileNotFoundError, IsADirectoryError):
        return None
    with os.fdopen(fd, "rb") as file:
        if not os.fstat(fd).st_size:
            return None
        for name in sorted((item for item in os.listdir(folder) if layout.is_kept(item)), reverse=True):
            if filecmp.cmp(source, folder / name, shallow=False):
                return name
        names = (layout.kept_name(time.time(), number) for number in count(1))
        name = next(name for name in names if not os.path.lexists(folder / name))
        disk.put_parts(folder / name, iter(lambda: file.read(_BLOCK_BYTES), b""))
        return name


def record(disk: Disk, folder: Path, **what: Any) -> None:
    """Keep what was done to a session with it, durably."""
    line = {"time": time.time(), **{key: value for key, value in what.items() if value}}
    disk.append_line(folder / layout.REPAIRS, orjson.dumps(line))


def _write(disk: Disk, found: Examination, tail: Tail, *, rewrites: bool) -> None:
    path = found.folder / layout.METADATA
    if rewrites:
        rebuilt = ((entry.index, orjson.dumps(entry.fields)) for entry in found.rebuilt)
        merged = sorted([*_numbered(found), *rebuilt], key=lambda item: item[0])
        disk.put_parts(path, metadata.file_parts(_head(found), (text for _, text in merged), tail))
    else:
        file = MetadataFile.open(disk, path)
        if found.rebuilt:
            file.append(found.rebuilt)
        file.set_tail(tail)
    found.tail = tail


def _numbered(found: Examination) -> Iterator[tuple[int, bytes]]:
    """The entries there are by index, each frame once, on one line and as they were written; those that cannot be
    understood stay where nothing was made of them."""
    texts = _on_lines(found.entries) if found.entries is not None else _lines(found.folder / layout.METADATA)
    seen: set[tuple[int, str]] = set()
    last = 0
    for text in texts:
        try:
            entry = parse_entry(text)
        except DamagedMetadata:
            if found.keeps_broken:
                yield last, text
                continue
            kept = trimmed(text)
            if kept is None:
                continue
            text, entry = kept
        last = entry.index
        if (last, entry.filename) not in seen:
            seen.add((last, entry.filename))
            yield last, text


def _on_lines(texts: Iterable[bytes]) -> Iterator[bytes]:
    for text in texts:
        try:
            yield on_one_line(text)
        except DamagedMetadata:
            continue  # nothing that could stand in a sequence: it stays in the file that is kept


def _lines(path: Path) -> Iterator[bytes]:
    fd = lines.open_file(path)
    try:
        yield from lines.scan(fd).texts(fd)
    finally:
        os.close(fd)


def _head(found: Examination) -> dict[str, Any]:
    head = {**found.added, **(found.head or {})}
    if not isinstance(head.get("session_id"), str):
        head["session_id"] = found.folder.name
    if moment(head.get("created_at")) is None:
        head["created_at"] = found.folder.stat().st_mtime
    head.setdefault("format", metadata.FORMAT)
    return {key: head[key] for key in ("session_id", "created_at", "format")} | head


def _say_rewritten(found: Examination, kept: str | None) -> str:
    beside = f"; the file as it was is kept as {kept}" if kept else ""
    if found.damage is None:
        return f"{layout.METADATA} was laid out by another hand; it was written anew, with all that it says{beside}"
    dropped = f" ({len(found.broken)} could not be understood)" if found.broken and not found.keeps_broken else ""
    return f"{found.damage}; it was written anew with {found.count} entries{dropped}{beside}"


def _say_remade(count: int, kept: str) -> str:
    which = (
        "1 entry was made anew from its image" if count == 1 else f"{count} entries were made anew from their images"
    )
    return f"{which}, and lost the keys that somebody had added: those are only in {kept}"


def _say_missing(missing: list[str]) -> str:
    if not missing:
        return "files that were gone are there again"
    names = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
    return f"{names}: gone, though recorded; the entries stay"
