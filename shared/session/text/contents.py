"""What a ``metadata.json`` says, whatever hand wrote it: all of it, or as much as can be understood, and where it ends.

Nothing here writes. A file that this program does not understand is not lost: somebody wrote it, and may yet mend it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from shared.session.format.jsontext import NotJson, parse_exact, unboxed
from shared.session.format.layout import METADATA, TAIL_KEYS
from shared.session.format.metadata import DamagedMetadata, Tail, opened_as
from shared.session.text import foreign, lines, salvaging
from shared.session.text.spans import Contents

MAX_FOREIGN_BYTES = 256 << 20
"""Of a file that is not laid out as ours, and has to be read in one piece: a session of 111,000 frames has 150 MB."""

_TAIL_BYTES = 64 * 1024
_SCALARS = ("session_id", "created_at", "format")


def read(fd: int) -> Contents:
    """Read an open file."""
    try:
        index = lines.scan(fd)
    except DamagedMetadata as error:
        return _read_foreign(fd, error)
    return Contents(index.head, index.tail, index, looks_ours=True)


def left_open(folder: Path) -> bool:
    """Whether the recorder of a session died: it says that it is being recorded in this folder, or was cut off in an
    append; and it is laid out as ours. Reads the end of the file, where that says that it is closed."""
    fd = lines.open_file(folder / METADATA)
    try:
        if not salvaging.begins_as_ours(fd):
            return False
        tail = salvaging.last_tail(fd, _TAIL_BYTES)
        if tail is not None and not tail.open:
            return False
        found = read(fd)
    finally:
        os.close(fd)
    return found.looks_ours and (found.torn or (found.tail.open and opened_as(found.head, found.tail, folder.name)))


def _read_foreign(fd: int, ours: DamagedMetadata) -> Contents:
    size = os.fstat(fd).st_size
    looks_ours = salvaging.begins_as_ours(fd)
    if size > (salvaging.MAX_TORN_BYTES if looks_ours else MAX_FOREIGN_BYTES):
        return Contents(problem=f"metadata.json has {size} bytes, and is not laid out so that it can be read in parts")
    if size > MAX_FOREIGN_BYTES:
        return salvaging.salvage(fd, ours)
    data = lines.pread(fd, size, 0)
    found = foreign.read(data)
    contents = Contents(places=found.entries)
    members: dict[str, Any] = {}
    problem = found.problem
    for key, text in found.members.items():
        try:
            members[key] = parse_exact(text)
        except NotJson as error:
            problem = problem or f"{key} (line {found.member_lines[key]}): {error}"
    contents.tail = Tail.from_json({key: members.pop(key) for key in TAIL_KEYS if key in members})
    contents.head = {key: _scalar(value) if key in _SCALARS else value for key, value in members.items()}
    contents.outer_strict = found.is_strict
    if problem is None:
        return contents
    if looks_ours:
        return salvaging.salvage(fd, ours)
    contents.has_tail = found.has_end
    where = " at line {} (byte {})".format(*found.place) if found.problem is not None else ""
    contents.problem = f"metadata.json cannot be understood{where}: {problem}"
    return contents


def _scalar(value: Any) -> Any:
    inner = unboxed(value)
    return value if isinstance(inner, (list, dict)) else inner
