"""Which session is active: begun, ended, published, and remembered over a restart of the recorder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.recorder.archive import Archive
from services.recorder.folder import FolderUnusable
from services.recorder.ledger.ledger import Ledger
from services.recorder.remembered import Remembered
from shared.bus.messages import Message, SessionStarted, SessionStopped
from shared.frame import SessionStamp
from shared.system.worker import Worker

log = logging.getLogger(__name__)

REMEMBER_S = 1.0
"""How long who starts or stops a session waits until that is remembered; a disk that is slower does it later."""


@dataclass(slots=True)
class ActiveSession:
    """Changes which session is active."""

    epoch: str
    ledger: Ledger
    archive: Archive
    remembered: Remembered
    publish: Callable[[Message], Awaitable[None]]
    thread: Worker
    wake: asyncio.Event
    """Set after each change: there may be something to write, or to close."""
    _writing: asyncio.Future[None] | None = field(default=None, init=False)
    _has_recalled: bool = field(default=False, init=False)

    async def activate(self, stamp: SessionStamp, *, resumed: bool) -> None:
        """From now on this session is the active one; the one that was ends."""
        ledger = self.ledger
        before, ledger.active = ledger.active, stamp
        if ledger.stopped == stamp.session_id:
            ledger.stopped = None
        if before is not None and before.session_id != stamp.session_id:
            await self._publish_end(before, "another started")
        await self.publish(started(self.epoch, stamp, resumed=resumed))
        self.wake.set()
        await self.remember()

    async def deactivate(self, reason: str) -> None:
        """No session is active from now on. It is closed once its frames are on disk."""
        before, self.ledger.active = self.ledger.active, None
        if before is not None:
            self.ledger.stopped = before.session_id
            await self._publish_end(before, reason)
        self.wake.set()
        await self.remember()

    async def resume(self, stamp: SessionStamp) -> None:
        """Go on with a session that was active. It is active also where it cannot be opened yet: its frames wait, and
        ``status`` says why."""
        with self.ledger.changing():
            try:
                self.ledger.opened(stamp.session_id, await self.thread.run(self.archive.resume, stamp))
            except (FolderUnusable, OSError) as error:
                log.error("session %s goes on, and cannot be opened yet: %s", stamp.session_id, error)
            await self.activate(stamp, resumed=True)

    async def recall(self) -> None:
        """Go on with the session that was active when an earlier life of this process ended; once, as soon as the disk
        says which."""
        if self._has_recalled:
            return
        try:
            stamp = await self.thread.run(self._read)
        except (FolderUnusable, OSError) as error:
            log.error("which session was active is not known yet: %s", error)
            return
        self._has_recalled = True
        if stamp is not None and self.ledger.active is None:
            log.info("session %s was active before, and goes on", stamp.session_id)
            await self.resume(stamp)

    async def remember(self) -> None:
        """Bring to the disk which session is active, where that is wanted; as long as it fails the beat tries again."""
        self.remembered.want(self.ledger.active)
        if self.remembered.is_written:
            return
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        await asyncio.wait([self._writing], timeout=REMEMBER_S)

    async def _write(self) -> None:
        try:
            await self.thread.run(self.remembered.write)
        except OSError as error:
            log.warning("which session is active is not remembered yet: %s", error)

    def _read(self) -> SessionStamp | None:
        self.archive.folder.claim()
        return self.remembered.recall()

    async def _publish_end(self, stamp: SessionStamp, reason: str) -> None:
        await self.publish(SessionStopped(epoch=self.epoch, session_id=stamp.session_id, reason=reason))


def started(epoch: str, stamp: SessionStamp, *, resumed: bool) -> SessionStarted:
    """The message that a session is active."""
    return SessionStarted(epoch=epoch, session_id=stamp.session_id, created_at=stamp.created_at, resumed=resumed)
