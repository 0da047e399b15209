"""Making a session whole again: after a death at any instant, a torn write, or the loss of its metadata.

Images are the truth and the metadata is an index over them. So: half-written files go, an image without an entry gets
one from the text it carries, and an entry whose image is gone stays (the record of what was made must not shrink)
and is named under ``missing``. What was done is logged, and kept in ``repairs.jsonl`` beside the metadata.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Any

import orjson

from shared.disk import Disk
from shared.session import layout, lines, metadata
from shared.session.appending import MetadataFile
from shared.session.examine import Examination, examine
from shared.session.metadata import DamagedMetadata, Tail

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Repair:
    """What a repair found and did; ``did`` has a sentence for each change, and is empty for a whole session."""

    examination: Examination
    did: list[str] = field(default_factory=list)


def repair(disk: Disk, folder: Path, *, known_head: Mapping[str, Any] | None = None) -> Repair:
    """Make a session that nobody is writing to whole. Safe to break off and to repeat at any step.

    A session that says it is open was left so by a process that died: it becomes ``interrupted``.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: the disk refuses; the session is as it was, or further on the way.
    """
    found = examine(folder, known_head)
    done = Repair(found)
    for path in found.leftovers:
        disk.unlink(path)
        done.did.append(f"{path.relative_to(folder).as_posix()} was half-written and is removed")
    if found.damage:
        done.did.append(f"{found.damage}; it was written anew with {found.count} entries")
    done.did += [f"{entry['filename']} had no entry and has one again" for entry in found.rebuilt]
    if found.missing != found.tail.missing:
        done.did.append(_say_missing(found.missing))
    died = found.tail.open
    if died:
        done.did.append("its recorder had died while it was open; it is marked as interrupted")
    for name, reason in found.strays:
        log.warning("session %s: %s is left alone: %s", folder.name, name, reason)
    if done.did:
        for sentence in done.did:
            log.warning("session %s repaired: %s", folder.name, sentence)
        record(disk, folder, did=done.did, interrupted=died or found.tail.interrupted, lost=found.tail.lost)
    if found.needs_repair:
        try:
            _write(disk, found, _mended(found))
        except DamagedMetadata as error:
            raise OSError(errno.EIO, f"metadata.json was changed while it was repaired: {error}") from error
    return done


def record(disk: Disk, folder: Path, **what: Any) -> None:
    """Keep what was done to a session with it, durably.

    Raises:
        OSError: it could not be written.
    """
    line = {"time": time.time(), **{key: value for key, value in what.items() if value}}
    disk.append_line(folder / layout.REPAIRS, orjson.dumps(line))


def _mended(found: Examination) -> Tail:
    tail = found.tail
    return Tail(
        open=False,
        interrupted=tail.interrupted or tail.open,
        lost=tail.lost,
        missing=found.missing,
        extra=tail.extra,
    )


def _write(disk: Disk, found: Examination, tail: Tail) -> None:
    path = found.folder / layout.METADATA
    last = found.next_index_of_entries - 1
    if found.damage is None and all(entry["index"] > last for entry in found.rebuilt):
        file = MetadataFile.open(disk, path)
        if found.rebuilt:
            file.append(found.rebuilt)
        file.set_tail(tail, durable=True)
    else:
        disk.put_parts(path, metadata.file_parts(_head(found), _merged(found), tail))
    found.tail = tail


def _merged(found: Examination) -> Iterator[bytes]:
    """All entries in index order, as compact JSON."""
    old = _numbered(found.entries if found.entries is not None else _lines(found.folder / layout.METADATA))
    new = ((entry["index"], orjson.dumps(entry)) for entry in found.rebuilt)
    return (compact for _, compact in merge(old, new, key=lambda item: item[0]))


def _numbered(compacts: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((orjson.loads(compact)["index"], compact) for compact in compacts)


def _lines(path: Path) -> Iterator[bytes]:
    fd = lines.open_file(path)
    try:
        yield from lines.entries(fd, lines.scan(fd))
    finally:
        os.close(fd)


def _head(found: Examination) -> dict[str, Any]:
    head = dict(found.head or {})
    head.setdefault("session_id", found.folder.name)
    if not isinstance(head.get("created_at"), (int, float)):
        head["created_at"] = found.folder.stat().st_mtime
    head.setdefault("format", metadata.FORMAT)
    return {key: head[key] for key in ("session_id", "created_at", "format")} | head


def _say_missing(missing: list[str]) -> str:
    if not missing:
        return "files that were gone are there again"
    names = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
    return f"{names}: gone, though recorded; the entries stay"
