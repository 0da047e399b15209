"""Open sessions, kept for their next readers and read in a thread, so that the loop never waits for a disk.

To open one costs a pass over all of its entries' lines. One that takes long, or lies on a disk that hangs, holds up
nobody but those who read it too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from shared.errors import ParafoveaError, SessionDamaged, SessionNotFound
from shared.session.reading.reader import SessionReader, open_session

HELD_BYTES = 128 << 20
"""Of all sessions that are held open; one alone may take more."""
LARGE_BYTES = 4 << 20
IDLE_S = 30.0
"""One that takes more than :data:`LARGE_BYTES` is let go of when nobody has read it for so long."""

T = TypeVar("T")


class _Open:
    """A session that is held open, or is about to be: ``users`` read it or wait for that, and ``idle`` lets it go when
    nobody has for long."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
        self.idle: asyncio.TimerHandle | None = None
        self.reader: SessionReader | None = None

    @property
    def held_bytes(self) -> int:
        return 0 if self.reader is None else self.reader.held_bytes

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class OpenSessions:
    """Sessions under ``root``, each opened when it is first needed; ``limit`` files are held open at once, beyond those
    in use."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._closing: dict[asyncio.Future[None], str] = {}

    def __contains__(self, session_id: object) -> bool:
        """Whether a session is held open, or about to be."""
        return session_id in self._open

    async def read(self, session_id: str, work: Callable[[SessionReader], T]) -> T:
        """Do ``work`` in a thread, with a reader that is up to date and that nobody else uses meanwhile.

        A session whose metadata is not understood is read too, with what can be read of it: see
        ``SessionReader.problem``. Who is cancelled in it leaves the work to go on. Raises SessionNotFound (there is
        none of this id) or SessionDamaged (it cannot be read at all)."""
        return await self._use(session_id, lambda opened: work(_up_to_date(self._root, session_id, opened)))

    async def forget(self, session_id: str) -> None:
        """Close a session that is about to be removed: some systems remove no open file."""
        if session_id in self._open:
            await self._use(session_id, _Open.close)
        if closing := [each for each, of in self._closing.items() if of == session_id]:
            await asyncio.wait(closing)

    async def close(self) -> None:
        """Let all files go, but for those that are being read."""
        for session_id in list(self._open):
            self._let_go(session_id)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _use(self, session_id: str, work: Callable[[_Open], T]) -> T:
        opened = self._open.setdefault(session_id, _Open())
        self._open.move_to_end(session_id)
        opened.users += 1
        try:
            await opened.lock.acquire()
        except asyncio.CancelledError:
            self._used(session_id, opened)
            raise
        done = asyncio.ensure_future(asyncio.to_thread(_trusting, opened, work))

        def over(_: object) -> None:
            opened.lock.release()
            self._used(session_id, opened)

        done.add_done_callback(over)
        return await asyncio.shield(done)

    def _used(self, session_id: str, opened: _Open) -> None:
        opened.users -= 1
        if opened.idle is not None:
            opened.idle.cancel()
        if opened.reader is None and not opened.users:
            del self._open[session_id]
        elif opened.held_bytes > LARGE_BYTES:
            opened.idle = asyncio.get_running_loop().call_later(IDLE_S, self._let_go, session_id)
        held = sum(each.held_bytes for each in self._open.values())
        for longest_ago in list(self._open)[:-1]:
            if len(self._open) <= self._limit and held <= HELD_BYTES:
                return
            held -= self._let_go(longest_ago)

    def _let_go(self, session_id: str) -> int:
        """How many bytes that frees: none of one that is in use."""
        opened = self._open[session_id]
        if opened.users:
            return 0
        del self._open[session_id]
        if opened.idle is not None:
            opened.idle.cancel()
        frees = opened.held_bytes
        closing = asyncio.get_running_loop().run_in_executor(None, opened.close)  # on a network share it may wait
        self._closing[closing] = session_id
        closing.add_done_callback(lambda _: self._closing.pop(closing))
        return frees


def _up_to_date(root: Path, session_id: str, opened: _Open) -> SessionReader:
    if opened.reader is not None:
        try:
            opened.reader.refresh()
        except (SessionNotFound, SessionDamaged, OSError):
            opened.close()  # what stands there now may be another one
    if opened.reader is None:
        opened.reader = open_session(root, session_id, salvage=True)
    return opened.reader


def _trusting(opened: _Open, work: Callable[[_Open], T]) -> T:
    """In a thread, which alone has the reader: see :class:`_Open`'s lock."""
    try:
        return work(opened)
    except ParafoveaError:
        raise  # of what stands there
    except Exception:
        opened.close()  # a reader that failed is not trusted further: the next use opens anew
        raise
