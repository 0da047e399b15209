"""The sessions that cursors are in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from services.replayer.cursors.cursor import Cursor
from shared.errors import NotReplaying, SessionDamaged
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
        """As :meth:`OpenSessions.read`; but a session of which no entry can be read is damaged.

        Raises:
            SessionNotFound: there is none of this id.
            SessionDamaged: nothing of it can be read; the message says where it ends.
        """

        def work_on_some(reader: SessionReader) -> T:
            if reader.problem is not None and not reader.count:
                raise SessionDamaged(reader.problem)
            return work(reader)

        return await super().read(session_id, work_on_some)

    async def follow(self, cursor: Cursor, work: Callable[[SessionReader], T]) -> T:
        """:meth:`read` the session that a cursor is on.

        Raises:
            NotReplaying: that one is gone, and another one has its name.
        """

        def work_there(reader: SessionReader) -> T:
            if differ(cursor.began, reader.head.get("created_at")):
                raise NotReplaying(
                    f"the session that the cursor {cursor.name!r} was on is gone, and another one is called "
                    f"{cursor.session_id!r} now; start the replay again"
                )
            return work(reader)

        return await self.read(cursor.session_id, work_there)
