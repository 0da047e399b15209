"""The sessions that cursors are in, and what a cursor reads of one: a frame, its place, or the place of an index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.replayer.cursors.cursor import Cursor, Place
from shared.errors import FrameCorrupt, FrameMissing, NotReplaying, SessionDamaged
from shared.session.format.entries import Entry
from shared.session.format.kinds import differ
from shared.session.reading.opened import OpenSessions
from shared.session.reading.reader import SessionReader

OPEN_LIMIT = 64
"""Files held open at once. Cursors are many more; one whose session was closed meanwhile opens it again."""

T = TypeVar("T")


class Sessions(OpenSessions):
    """The recordings under ``root``, shared by the cursors in them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, OPEN_LIMIT)

    async def read(self, session_id: str, work: Callable[[SessionReader], T]) -> T:
        """As :meth:`OpenSessions.read`. Raises SessionDamaged: no entry can be read; the message says where it ends."""

        def work_on_some(reader: SessionReader) -> T:
            if reader.problem is not None and not reader.count:
                raise SessionDamaged(reader.problem)
            return work(reader)

        return await super().read(session_id, work_on_some)

    async def follow(self, cursor: Cursor, work: Callable[[SessionReader], T]) -> T:
        """:meth:`read` the session that a cursor is on. Raises NotReplaying: that one is gone, and another one has its
        name."""

        def work_there(reader: SessionReader) -> T:
            if differ(cursor.began, reader.head.get("created_at")):
                raise NotReplaying(
                    f"the session that the cursor {cursor.name!r} was on is gone, and another one is called "
                    f"{cursor.session_id!r} now; start the replay again"
                )
            return work(reader)

        return await self.read(cursor.session_id, work_there)


# -- run in a thread --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The frame at a position, read.

    Attributes:
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
    """The frame that a cursor shows next; its place where there is none. A frame whose entry cannot be understood is
    shown by what the name of its file says. Raises SessionDamaged: nothing more can be read, and there was more."""
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
