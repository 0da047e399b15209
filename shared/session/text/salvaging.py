"""What can be read of a ``metadata.json`` of ours that is damaged: its head, each whole line, and its tail.

Read from front to back in blocks: a session of any length may be torn, and what only seems to be one must not fill the
memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from shared.session.format import metadata
from shared.session.format.entries import MAX_ENTRY_BYTES, parse_entry
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.text import lines
from shared.session.text.spans import Contents, Spans

MAX_TORN_BYTES = 1 << 30
MAX_ENTRIES = 2_000_000
MAX_BROKEN = 100_000
"""Lines that are no entries: behind so many nothing is looked at."""

_HEAD_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20
_LONGEST_BYTES = MAX_ENTRY_BYTES + _BLOCK_BYTES
_MARK = b"\n" + metadata.LINE_START


def begins_as_ours(fd: int) -> bool:
    """Whether a file was laid out by this program, as far as its beginning tells."""
    head = lines.pread(fd, _HEAD_BYTES, 0)
    try:
        metadata.parse_head(head)
    except DamagedMetadata:
        return False
    begin = head.find(metadata.SEQUENCE_START) + len(metadata.SEQUENCE_START)
    rest = head[begin : begin + len(_MARK)]
    return any(mark.startswith(rest[: len(mark)]) for mark in (_MARK, metadata.TAIL_START)) or not rest.strip(b"\0")


def salvage(fd: int, ours: DamagedMetadata) -> Contents:
    """Read a file that :func:`begins_as_ours`, and was found to be damaged."""
    head = lines.pread(fd, _HEAD_BYTES, 0)
    begin = head.find(metadata.SEQUENCE_START) + len(metadata.SEQUENCE_START)
    spans, whole_to = Spans(), begin + 1
    walk = _Lines(fd, begin, 1 + head.count(b"\n", 0, begin))
    broken_at, broken = None, 0
    for at, number, line in walk:
        text = line.strip().removesuffix(b",")
        if _is_whole(text) and len(spans) < MAX_ENTRIES:
            start = at + len(line) - len(line.lstrip())
            spans.append(start, start + len(text), number)
            whole_to = at + len(line)
            continue
        broken_at = at if broken_at is None else broken_at
        broken += 1
        if broken > MAX_BROKEN:
            break
    tail = last_tail(fd, lines.MAX_TAIL_BYTES)
    place = ours.at if ours.at is not None else whole_to
    return Contents(
        metadata.parse_head(head),
        tail if tail is not None else Tail(),
        spans,
        looks_ours=True,
        problem=f"{ours.detail}, at line {_line_at(fd, place)} (byte {place})",
        torn=tail is None and (broken_at is None or broken_at >= whole_to or walk.has_zeros),
        has_tail=tail is not None,
    )


def _line_at(fd: int, place: int) -> int:
    """The line on which a byte stands, from 1."""
    at, count = 0, 1
    while at < place and (data := lines.pread(fd, min(_BLOCK_BYTES, place - at), at)):
        count += data.count(b"\n")
        at += len(data)
    return count


class _Lines:
    """The lines that begin as an entry: where each begins, its number, and its bytes (of a longer one than an entry
    can be, the beginning)."""

    def __init__(self, fd: int, begin: int, number: int) -> None:
        self._fd = fd
        self._begin, self._number = begin, number
        self.has_zeros = False

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        base, number, more = self._begin, self._number, True
        block, place, counted = b"", 0, 0
        while True:
            found = block.find(_MARK, place)
            end = block.find(b"\n", found + 1) if found >= 0 else -1
            if found >= 0 and (end >= 0 or not more or len(block) - found > _LONGEST_BYTES):
                number += block.count(b"\n", counted, found + 1)
                counted = found + 1
                line = block[counted : end if end >= 0 else len(block)]
                yield base + counted, number, line
                place = counted + len(line)
                continue
            # A mark may be cut in two.
            done = found if found >= 0 else max(place, len(block) - len(_MARK) + 1)
            data = lines.pread(self._fd, _BLOCK_BYTES, base + len(block))
            if not data and found < 0:
                return
            number += block.count(b"\n", counted, done)
            base += done
            block, place, counted, more = block[done:] + data, 0, 0, bool(data)
            self.has_zeros |= b"\0" in data


def last_tail(fd: int, within_bytes: int) -> Tail | None:
    """The tail, where it begins in the last so many bytes of a file, and is whole."""
    data = lines.pread(fd, within_bytes, max(0, os.fstat(fd).st_size - within_bytes))
    at = data.rfind(metadata.TAIL_START)
    try:
        return metadata.parse_tail(data[at:]) if at >= 0 else None
    except DamagedMetadata:
        return None


def _is_whole(text: bytes) -> bool:
    try:
        parse_entry(text)
    except DamagedMetadata:
        return False
    return True
