"""Open sessions, shared by the cursors in them and read in a thread, so that the loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from services.replayer.cursor import Cursor
from shared.errors import NotReplaying, SessionDamaged
from shared.session.entries import differ
from shared.session.reader import SessionReader, open_session

OPEN_LIMIT = 64
"""Files held open at once. Cursors are many more; one whose session was closed meanwhile opens it again."""
HELD_BYTES = 16 << 20
"""Of the places of entries, in all sessions that are held open; one alone may take more."""

T = TypeVar("T")


class _Open:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
        self.reader: SessionReader | None = None

    @property
    def held_bytes(self) -> int:
        return 0 if self.reader is None else self.reader.held_bytes

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class Sessions:
    """Sessions under ``root``, each opened when it is first needed.

    Args:
        root: the folder of the recordings.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: OrderedDict[str, _Open] = OrderedDict()

    async def read(self, session_id: str, work: Callable[[SessionReader], T]) -> T:
        """Do ``work`` in a thread, with a reader that is up to date and that nobody else uses meanwhile.

        Of a session whose metadata is not understood all through, what can be read is: see ``SessionReader.problem``.

        Raises:
            SessionNotFound: there is none of this id.
            SessionDamaged: nothing of it can be read; the message says where it ends.
        """
        async with self._use(session_id) as opened:
            return await asyncio.to_thread(_up_to_date, self._root, session_id, opened, work)

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

    def close(self) -> None:
        """Let all files go."""
        for opened in self._open.values():
            opened.close()
        self._open.clear()

    @asynccontextmanager
    async def _use(self, session_id: str) -> AsyncIterator[_Open]:
        opened = self._open.setdefault(session_id, _Open())
        self._open.move_to_end(session_id)
        opened.users += 1
        try:
            async with opened.lock:
                yield opened
        finally:
            opened.users -= 1
            if opened.reader is None and not opened.users and self._open.get(session_id) is opened:
                del self._open[session_id]
            self._close_unused()

    def _close_unused(self) -> None:
        """Those used longest ago, as long as it is too many."""
        held = sum(opened.held_bytes for opened in self._open.values())
        for session_id, opened in list(self._open.items())[:-1]:
            if len(self._open) <= OPEN_LIMIT and held <= HELD_BYTES:
                return
            if not opened.users:
                held -= opened.held_bytes
                self._let_go(session_id)

    def _let_go(self, session_id: str) -> None:
        closing = self._open.pop(session_id).close
        asyncio.get_running_loop().run_in_executor(None, closing)  # on a network share it may wait


def _up_to_date(root: Path, session_id: str, opened: _Open, work: Callable[[SessionReader], T]) -> T:
    """In a thread, which alone has the reader: see :class:`_Open`'s lock."""
    try:
        if opened.reader is None:
            opened.reader = open_session(root, session_id, salvage=True)
        else:
            opened.reader.refresh()
        if opened.reader.problem is not None and not opened.reader.count:
            raise SessionDamaged(opened.reader.problem)
        return work(opened.reader)
    except Exception:
        opened.close()  # a reader that failed is not trusted further: the next use opens anew
        raise
