"""What a cursor reads of a session: one frame, its place, or the place of an index. Run in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.replayer.cursors.cursor import Cursor, Place
from shared.errors import FrameCorrupt, FrameMissing, SessionDamaged
from shared.session.format.entries import Entry
from shared.session.reading.reader import SessionReader


@dataclass(frozen=True, slots=True)
class Found:
    """The frame at a position, read.

    Attributes:
        entry: its entry in the session's metadata.
        png: its bytes, whose hash is the recorded one; or None, with the reason in ``error``.
        after: where the cursor stands once it has shown it.
    """

    position: int
    entry: Entry
    png: bytes | None
    error: FrameMissing | FrameCorrupt | None
    after: Place


Target = Callable[[Cursor, int], int | None]
"""The position that a cursor shows in a session of so many entries, or None where there is nothing more that way."""


def find(reader: SessionReader, cursor: Cursor, target: Target) -> Found | Place:
    """The frame that a cursor shows next; its place where there is none.

    A frame whose entry cannot be understood is shown by what the name of its file says.

    Raises:
        SessionDamaged: nothing more can be read, and there was more.
    """
    position = target(cursor, reader.count)
    if position is None:
        if reader.problem is not None and cursor.position >= reader.count:
            raise SessionDamaged(reader.problem)
        return place(reader, cursor.position)
    entry, problem = reader.shown(position)
    after = place(reader, position + 1)
    try:
        if problem is not None and not entry.filename:
            raise FrameMissing(problem)
        return Found(position, entry, reader.frame_bytes(entry), None, after)
    except (FrameMissing, FrameCorrupt) as error:
        return Found(position, entry, None, error, after)


def place(reader: SessionReader, position: int) -> Place:
    """The place of a position."""
    if position < reader.count:
        return Place(reader.index_at(position), reader.count)
    last = reader.index_at(reader.count - 1) if reader.count else -1
    return Place(last + 1, reader.count)


def position_of(reader: SessionReader, index: int) -> tuple[int | None, Place]:
    """The position of an index, one past the last for the next one to be recorded, None for any other; and the place
    there, or that of the end."""
    end = place(reader, reader.count)
    if index == end.index:
        return reader.count, end
    position = reader.position_of(index)
    return position, end if position is None else place(reader, position)
