"""The requests that the recorder answers."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import ParamSpec, TypeVar

from services.recorder.active import ActiveSession, Closing
from services.recorder.archive import Archive
from services.recorder.folder import FolderUnusable
from services.recorder.ledger.ledger import Ledger
from services.recorder.trials import TrialArchive
from shared.bus.call import Nothing
from shared.bus.requests import recorder as requests
from shared.bus.server import Server
from shared.errors import InsufficientStorage, InvalidSessionId, RecorderUnavailable, SessionBusy, SessionNotActive
from shared.frame import SessionStamp
from shared.system.worker import Worker

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_FULL = (errno.ENOSPC, errno.EDQUOT)
INDEX_S = 0.3
"""How long ``status`` waits for what the disk knows, which may be slow; what it does not learn it does not affirm."""


@dataclass(frozen=True, slots=True)
class RequestHandlers:
    """Each answers one request."""

    epoch: str
    ledger: Ledger
    archive: Archive
    trials: TrialArchive
    active: ActiveSession
    thread: Worker
    closing: Closing
    stopping: asyncio.Event
    """Set when no session is begun any more."""

    def register(self, server: Server) -> None:
        """Have them answer what this server is asked."""
        server.on(requests.START, self._start)
        server.on(requests.STOP, self._stop)
        server.on(requests.RESUME, self._resume)
        server.on(requests.STATUS, self._status)
        server.on(requests.DELETE, self._delete)
        server.on(requests.IMPORT, self._import)
        server.on(requests.REPAIR, self._repair)

    # -- sessions -----------------------------------------------------------------------------------------------------

    async def _start(self, wanted: requests.StartSession) -> requests.StartedSession:
        self._check_not_stopping()
        ledger, active = self.ledger, self.ledger.active
        if not wanted.active:
            return await self._start_beside(wanted)
        if active is not None and wanted.resume and active.session_id == wanted.session_id:
            return requests.StartedSession(**active.model_dump(), resumed=True)
        with ledger.changing():
            stamp, resumed, count = await self._write(self.archive.start, wanted.session_id, resume=wanted.resume)
            ledger.opened(stamp.session_id, count)
            await self.active.activate(stamp, resumed=resumed)
        return requests.StartedSession(**stamp.model_dump(), resumed=resumed)

    async def _start_beside(self, wanted: requests.StartSession) -> requests.StartedSession:
        """Open a session for frames that are stamped with it, and leave the active one as it is."""
        ledger, session_id = self.ledger, wanted.session_id
        if session_id is None:
            raise InvalidSessionId("a session that is recorded beside the active one needs an id")
        if ledger.is_active(session_id):
            raise SessionBusy(f"session {session_id!r} is being recorded; stop it first")
        with ledger.changing():
            stamp, resumed, count = await self._write(
                self.archive.start, session_id, resume=wanted.resume, extra=wanted.extra
            )
            ledger.lease(stamp.session_id, time.monotonic())
            ledger.opened(stamp.session_id, count)
        return requests.StartedSession(**stamp.model_dump(), resumed=resumed)

    async def _resume(self, stamp: requests.ResumeSession) -> requests.StartedSession:
        self._check_not_stopping()
        if self.ledger.active is not None:
            return requests.StartedSession(**self.ledger.active.model_dump(), resumed=True)
        await self.active.resume(SessionStamp(session_id=stamp.session_id, created_at=stamp.created_at))
        return requests.StartedSession(**stamp.model_dump(), resumed=True)

    async def _stop(self, asked: requests.StopSession) -> requests.StoppedSession:
        active, wanted = self.ledger.active, asked.session_id
        session_id = wanted or (active.session_id if active is not None else None)
        if session_id is None:
            raise SessionNotActive("no session is active; start one first")
        closed = self.closing.expect(session_id)
        if self.ledger.is_active(session_id):
            await self.active.deactivate("stopped")
        else:
            self.ledger.release(session_id)
        recorded, pending = await self.closing.wait(session_id, closed)
        return requests.StoppedSession(session_id=session_id, recorded=recorded, pending=pending)

    async def _delete(self, asked: requests.DeleteSession) -> Nothing:
        session_id = asked.session_id
        if self.ledger.is_active(session_id):
            raise SessionBusy(f"session {session_id!r} is being recorded; stop it first")
        if self.ledger.is_leased(session_id, time.monotonic()):
            raise SessionBusy(f"session {session_id!r} is being made by a re-run; cancel that first")
        if self.ledger.pending(session_id):
            raise SessionBusy(f"frames of session {session_id!r} are not on disk yet; try again when they are")
        await self._write(self.trials.delete, session_id)
        self.ledger.forget(session_id)
        self.closing.forget(session_id)
        return Nothing()

    async def _import(self, wanted: requests.ImportSession) -> Nothing:
        self._check_not_stopping()
        await self._write(self.archive.adopt, wanted.staged, wanted.session_id)
        return Nothing()

    async def _repair(self, asked: requests.RepairSession) -> requests.Repaired:
        actions = await self._write(self.trials.repair, asked.session_id)
        return requests.Repaired(session_id=asked.session_id, actions=tuple(actions))

    # -- what is known ------------------------------------------------------------------------------------------------

    async def _status(self, asked: requests.StatusRequest) -> requests.RecorderStatus:
        ledger = self.ledger
        active = [ledger.active.session_id] if ledger.active else []
        recorded, gone = await self._outcomes(asked.frames)
        shown = dict.fromkeys([*active, *ledger.sessions(), *ledger.backoff.sessions])
        return requests.RecorderStatus(
            epoch=self.epoch,
            active=ledger.active,
            stopped=ledger.stopped,
            sessions=tuple(
                requests.SessionState(
                    session_id=session_id,
                    recorded=ledger.recorded.get(session_id, 0),
                    pending=ledger.pending(session_id),
                    error=ledger.backoff.reason(session_id),
                )
                for session_id in shown
            ),
            free_bytes=ledger.free_bytes,
            error=ledger.backoff.folder.reason if ledger.backoff.folder else None,
            lost={session_id: tuple(ids) for session_id, ids in ledger.losses.named.items()},
            set_aside=dict(ledger.losses.reasons),
            unanswered=tuple(ledger.losses.unanswered),
            recorded=recorded,
            gone=gone,
        )

    async def _outcomes(self, frames: Sequence[requests.AskedFrame]) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
        """Of each, whether it is on disk; and whether it is gone: certainly not there, and can come no more."""
        # Asked before the disk is: what cannot come any more is not written meanwhile.
        may_come = [frame.frame_id is None or self.ledger.may_come(frame, frame.frame_id) for frame in frames]
        known = [self.ledger.is_safe(frame) for frame in frames]
        unknown = [frame for frame, is_safe in zip(frames, known, strict=True) if is_safe is None]
        found: Iterator[bool | None] = repeat(None)
        if unknown:
            try:
                async with asyncio.timeout(INDEX_S):
                    found = iter(await self.thread.run(self.archive.recorded, unknown))
            except TimeoutError:
                log.debug("the disk is busy; nothing is said of %d frames asked after", len(unknown))
        safe = [next(found) if is_safe is None else is_safe for is_safe in known]
        gone = (is_safe is False and not may for is_safe, may in zip(safe, may_come, strict=True))
        return tuple(map(bool, safe)), tuple(gone)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _check_not_stopping(self) -> None:
        if self.stopping.is_set():
            raise RecorderUnavailable("the recorder is stopping; try again when it is back")

    async def _write(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Have the disk changed. Raises InsufficientStorage or RecorderUnavailable where it refuses."""
        try:
            return await self.thread.run(work, *arguments, **named)
        except (FolderUnusable, OSError) as error:
            cause = error.__cause__ if isinstance(error, FolderUnusable) else error
            if isinstance(cause, OSError) and cause.errno in _FULL:
                refusal = f"the disk of the sessions is full ({cause.strerror}); make some space"
                raise InsufficientStorage(refusal) from None
            reason = str(getattr(error, "strerror", None) or error)
            raise RecorderUnavailable(f"the recorder cannot write: {reason}") from None
