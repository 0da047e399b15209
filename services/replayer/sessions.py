"""Open sessions, shared by the cursors in them and read in a thread, so that the loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from shared.errors import InternalError, ParafoveaError, RecorderUnavailable
from shared.rpc import Client, PeerGone
from shared.session.metadata import DamagedMetadata
from shared.session.reading import SessionReader, open_session

OPEN_LIMIT = 64
"""Files held open at once. Cursors are many more; one whose session was closed meanwhile opens it again."""

REPAIR_TIMEOUT_S = 30.0

T = TypeVar("T")


class _Open:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
        self.reader: SessionReader | None = None

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None


class Sessions:
    """Sessions under ``root``, each opened when it is first needed.

    Args:
        root: the folder of the recordings.
        recorder: asked to repair metadata that cannot be read.
    """

    def __init__(self, root: Path, recorder: Client) -> None:
        self._root = root
        self._recorder = recorder
        self._open: OrderedDict[str, _Open] = OrderedDict()

    async def read(self, session_id: str, work: Callable[[SessionReader], T]) -> T:
        """Do ``work`` in a thread, with a reader that is up to date and that nobody else uses meanwhile.

        Raises:
            SessionNotFound: there is none of this id.
            RecorderUnavailable: it needs repair, and nobody is there to do it.
        """
        async with self._use(session_id) as opened:
            try:
                return await asyncio.to_thread(_up_to_date, self._root, session_id, opened, work)
            except DamagedMetadata:
                await self._repair(session_id)
            try:
                return await asyncio.to_thread(_up_to_date, self._root, session_id, opened, work)
            except DamagedMetadata as error:
                raise InternalError(
                    f"session {session_id} cannot be read even after a repair ({error}); "
                    f"'parafovea check {session_id}' says what is wrong with it"
                ) from None

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
        for session_id, opened in list(self._open.items()):
            if len(self._open) <= OPEN_LIMIT:
                return
            if not opened.users:
                del self._open[session_id]
                asyncio.get_running_loop().run_in_executor(None, opened.close)  # on a network share it may wait

    async def _repair(self, session_id: str) -> None:
        try:
            await self._recorder.call("repair", {"session_id": session_id}, timeout_s=REPAIR_TIMEOUT_S)
        except (PeerGone, TimeoutError):
            raise RecorderUnavailable(
                f"the metadata of session {session_id} needs repair, and the recorder, which does it, is not there; "
                f"start the recorder and replay again, or see 'parafovea check {session_id}'"
            ) from None


def _up_to_date(root: Path, session_id: str, opened: _Open, work: Callable[[SessionReader], T]) -> T:
    """In a thread, which alone has the reader: see :class:`_Open`'s lock."""
    try:
        if opened.reader is None:
            opened.reader = open_session(root, session_id)
        else:
            opened.reader.refresh()
        return work(opened.reader)
    except (OSError, DamagedMetadata, ParafoveaError):
        opened.close()  # a reader that failed is not trusted further: the next use opens anew
        raise
