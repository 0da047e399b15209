"""Looking at a session's folder before it is written to: what is there, what is known, and what is wrong."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from shared.json_loads import loads
from shared.session.format import layout
from shared.session.format.entries import Entry, file_named_in, parse_entry, trimmed
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.format.plain import read_plain
from shared.session.text import contents, lines
from shared.session.text.spans import Contents
from shared.session.writing.examination import Examination, rebuild

log = logging.getLogger(__name__)

LISTED = 1000
"""Names of missing files that are kept, at most; ``check`` finds all."""

MAX_HISTORY_BYTES = 64 << 20
"""Of ``repairs.jsonl``; a longer one is not read."""

COUNTED_INDEX = 2**52
"""Frames are numbered on behind the largest index below this: one beyond leaves no room, and came from elsewhere."""


def examine(folder: Path, known_head: Mapping[str, Any] | None = None, *, appending: bool = False) -> Examination:
    """Read a session's metadata whole, and those of its images that have no entry.

    ``known_head`` is the head as its writer knows it, for a folder where neither metadata nor images tell it. With
    ``appending``, entries that cannot be understood are left to their author: their images do not count as without one.
    Raises FileNotFoundError (there is no such folder) or OSError (it cannot be read)."""
    found = Examination(folder)
    names = _list(folder, found)
    have = _read_metadata(found, names, appending=appending)
    found.next_index_of_entries = found.next_index
    frames = {name: parsed for name in names if (parsed := layout.parse_frame_name(name))}
    counted = (frame.index for frame in frames.values() if frame.index < COUNTED_INDEX)
    found.next_index = max(found.next_index, 1 + max(counted, default=-1))
    found.missing = sorted(have - names)[:LISTED]
    taken = {parsed.index for name in have if (parsed := layout.parse_frame_name(name))}
    rebuild(found, sorted((frames[name].index, name) for name in frames if name not in have), taken)
    if known_head is not None and (found.head is None or found.damage is not None):
        found.head = {**known_head, **(found.head or {})}
    return found


def _list(folder: Path, found: Examination) -> set[str]:
    names: set[str] = set()
    for base in (folder, folder / layout.INPUTS):
        if base is not folder and os.path.islink(base):
            continue  # what is half-written elsewhere is not this session's to remove
        try:
            for item in os.scandir(base):
                if layout.is_temporary(item.name):
                    found.leftovers.append(Path(item.path))
                elif base is folder:
                    names.add(item.name)
        except (FileNotFoundError, NotADirectoryError):
            if base is folder:
                raise
    return names


def _read_metadata(found: Examination, names: set[str], *, appending: bool) -> set[str]:
    """Fill in what the metadata says; the file names that its entries have."""
    if layout.METADATA not in names:
        found.damage, found.foreign, found.entries = "metadata.json was gone", True, []
        found.tail = _tail_of_repairs(found.folder)
        return set()
    fd = lines.open_file(found.folder / layout.METADATA)
    try:
        said = contents.read(fd)
        found.head, found.tail, found.keeps_broken = said.head, said.tail, appending
        found.foreign, found.looks_ours, found.torn = said.index is None, said.looks_ours, said.torn
        if said.problem is not None:
            _take_problem(found, said, said.problem)
        if said.index is None:
            found.entries = list(said.places.texts(fd))
            return _take(found, said, iter(found.entries))
        return _take(found, said, said.places.texts(fd))
    finally:
        os.close(fd)


def _take_problem(found: Examination, said: Contents, problem: str) -> None:
    found.damage = problem
    if not said.has_tail:
        told = _tail_of_repairs(found.folder)
        told.interrupted |= said.tail.interrupted
        told.lost = list(dict.fromkeys([*told.lost, *said.tail.lost]))
        found.tail = told
    found.tail.open |= said.torn  # only a death in the middle of a write tears a file of ours
    if said.head is not None and not {"session_id", "created_at"} <= said.head.keys():
        found.head, found.added = None, said.head


def _take(found: Examination, said: Contents, texts: Iterator[bytes]) -> set[str]:
    have: set[str] = set()
    for position, text in enumerate(texts):
        try:
            entry = parse_entry(text)
        except DamagedMetadata as error:
            found.broken.append(f"the entry at position {position} (line {said.places.line(position)}) {error.detail}")
            named = file_named_in(text)
            if named is not None:
                (have if found.keeps_broken else found.named).add(named)
            kept = None if found.keeps_broken else trimmed(text)
            if kept is None:
                continue
            _, entry = kept
            kept_keys = ("index", "filename", "epoch", "record_seq")
            found.trimmed.append(Entry({key: entry.fields.get(key) for key in kept_keys}))
        if entry.index < COUNTED_INDEX:
            found.next_index = max(found.next_index, entry.index + 1)
        found.count += 1
        have.add(entry.filename)
        found.named.discard(entry.filename)
        found.know(entry)
    if found.broken and not found.keeps_broken:
        found.damage = found.damage or found.broken[0]
    return have


def _tail_of_repairs(folder: Path) -> Tail:
    """What the history of repairs says of a tail that is gone."""
    tail = Tail()
    try:
        history = read_plain(folder, layout.REPAIRS, MAX_HISTORY_BYTES).splitlines()
    except FileNotFoundError:
        return tail
    except OSError as error:
        log.warning("session %s: %s cannot be read: %s", folder.name, layout.REPAIRS, error.strerror)
        return tail
    known: set[str] = set()
    for line in history:
        try:
            record = loads(line)
        except orjson.JSONDecodeError:
            continue  # cut short when its writer died; the lines around it count
        if isinstance(record, dict):
            tail.interrupted |= record.get("interrupted") is True
            lost = record.get("lost")
            named = [item for item in lost if isinstance(item, str)] if isinstance(lost, list) else []
            tail.lost.extend(item for item in dict.fromkeys(named) if item not in known)
            known.update(named)
    return tail
