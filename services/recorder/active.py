"""Which session is active: begun, ended and then closed, published, and remembered over a restart of the recorder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from services.recorder.archive import Archive
from services.recorder.folder import FolderUnusable
from services.recorder.ledger.ledger import Ledger
from shared.bus.message import Message
from shared.bus.messages import SessionStarted, SessionStopped
from shared.errors import InvalidSessionId, SessionNotFound
from shared.frame import SessionStamp
from shared.session.format import ids
from shared.session.format.kinds import differ
from shared.session.format.layout import ACTIVE
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import open_session
from shared.system.disk import Disk
from shared.system.worker import Worker

log = logging.getLogger(__name__)

END_S = 1.0
"""How long who ends a session waits for it to be closed; a disk that is slower than this closes it later."""
REMEMBER_S = 1.0
"""How long who starts or stops a session waits until that is remembered; a disk that is slower does it later."""


class Remembered:
    """The active session on the disk, ``{"session_id": ..., "created_at": ...}``: a recorder that is set to resume goes
    on with it. An explicit stop removes the file, a shutdown and a crash leave it.

    Blocking; one thread at a time, but for :meth:`want`. Where it is not ``enabled``, what an earlier life left is
    removed: it is not to come back when the setting is changed one day.
    """

    def __init__(self, disk: Disk, root: Path, *, enabled: bool) -> None:
        self._disk = disk
        self._root = root
        self._enabled = enabled
        self._wanted: SessionStamp | None = None
        self._written: SessionStamp | None = None
        self._is_known = True

    def want(self, stamp: SessionStamp | None) -> None:
        """From now on this session is the active one; :meth:`write` brings it to the disk."""
        self._wanted = stamp if self._enabled else None

    @property
    def is_written(self) -> bool:
        """Whether the disk says what it should."""
        return self._is_known and self._written == self._wanted

    def write(self) -> None:
        """Make the disk say what it should, durably. Where it refuses (OSError), call it again."""
        if self.is_written:
            return
        wanted, path = self._wanted, self._root / ACTIVE
        self._is_known = False
        if wanted is not None:
            self._disk.put(path, wanted.model_dump_json().encode() + b"\n")
        elif path.exists():
            self._disk.unlink(path)
            self._disk.fsync_dir(self._root)
        self._written, self._is_known = wanted, True

    def recall(self) -> SessionStamp | None:
        """The session that was active when the recorder ended; None where there was none, or it is not to be
        resumed."""
        try:
            data = (self._root / ACTIVE).read_bytes()
        except FileNotFoundError:
            return None
        self._is_known = False
        if not self._enabled:
            return None
        try:
            stamp = SessionStamp.model_validate_json(data)
        except ValidationError:
            log.error("%s does not say which session was active; none is resumed", self._root / ACTIVE)
            return None
        why_not = self._why_not(stamp)
        if why_not:
            log.error("the session %s was active, and is not resumed: %s", stamp.session_id, why_not)
            return None
        return stamp

    def _why_not(self, stamp: SessionStamp) -> str | None:
        try:
            folder = self._root / ids.validate(stamp.session_id)
        except InvalidSessionId:
            return "it has no name that a session may have"
        if not folder.is_dir():
            return "it is not there any more; it is not made anew"
        try:
            with open_session(self._root, stamp.session_id) as reader:
                created_at = reader.created_at
        except (DamagedMetadata, SessionNotFound):
            return None  # opening it for recording mends it
        if created_at is None or differ(created_at, stamp.created_at):
            return "another one of that name has taken its place"
        return None


class Closing:
    """Who ends a session meets here who closes it: whoever packs its files next packs none that says it is open."""

    def __init__(self, ledger: Ledger, wake: asyncio.Event) -> None:
        self._ledger = ledger
        self._wake = wake
        self._awaited: dict[str, asyncio.Future[int]] = {}

    def __len__(self) -> int:
        """Sessions that somebody waits for."""
        return len(self._awaited)

    def expect(self, session_id: str) -> asyncio.Future[int]:
        """How many frames a session has when it is closed, for :meth:`wait`. Ask before the session is ended: from then
        on it may be closed at any moment."""
        return self._awaited.setdefault(session_id, asyncio.get_running_loop().create_future())

    async def wait(self, session_id: str, closed: asyncio.Future[int]) -> tuple[int, int]:
        """How many frames a session has that was ended, and how many wait."""
        ledger = self._ledger
        self._wake.set()
        is_open = session_id in ledger.recorded
        if not is_open and not ledger.pending(session_id):
            self._awaited.pop(session_id, None)  # nothing of that name will be closed
        is_refused = ledger.backoff.reason(session_id) is not None or ledger.backoff.folder is not None
        if closed.done() or (is_open and not is_refused):
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    return await asyncio.shield(closed), 0
        return ledger.recorded.get(session_id, 0), ledger.pending(session_id)

    def closed(self, session_id: str, count: int) -> None:
        """A session is closed, with so many frames."""
        if (awaited := self._awaited.pop(session_id, None)) is not None:
            awaited.set_result(count)

    def forget(self, session_id: str) -> None:
        """A session was deleted."""
        self._awaited.pop(session_id, None)


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
