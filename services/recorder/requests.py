"""The requests that the recorder answers."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import TYPE_CHECKING

from services.recorder.archive import RootTrouble
from shared.bus.call import Nothing
from shared.bus.requests import recorder as requests
from shared.bus.requests.recorder import (
    AskedFrame,
    DeleteSession,
    ImportSession,
    RecorderStatus,
    Repaired,
    RepairSession,
    ResumeSession,
    SessionState,
    Settle,
    Settled,
    StartedSession,
    StartSession,
    StatusRequest,
    StoppedSession,
    StopSession,
)
from shared.bus.server import Server
from shared.errors import (
    InsufficientStorage,
    InvalidSessionId,
    RecorderUnavailable,
    SessionBusy,
    SessionNotActive,
)
from shared.frame import FrameKey

if TYPE_CHECKING:
    from services.recorder.service import Recorder

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)
LOOK_S = 0.3
"""How long ``status`` waits for a look at the disk, which may be slow; what it does not learn it does not affirm."""


class Control:
    """Binds the channel ``recorder``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._server = server = Server(recorder.runtime.bus, "recorder")
        server.on(requests.START, self._start)
        server.on(requests.STOP, self._stop)
        server.on(requests.RESUME, self._resume)
        server.on(requests.STATUS, self._status)
        server.on(requests.DELETE, self._delete)
        server.on(requests.IMPORT, self._import)
        server.on(requests.REPAIR, self._repair)
        server.on(requests.SETTLE, self._settle)

    async def serve(self) -> None:
        """Answer until cancelled."""
        await self._server.serve()

    async def _start(self, wanted: StartSession) -> StartedSession:
        recorder = self._recorder
        self._check_not_stopping()
        if not wanted.active:
            return await self._start_beside(wanted)
        active = recorder.active
        if active is not None and wanted.resume and active.session_id == wanted.session_id:
            return StartedSession(**active.model_dump(), resumed=True)
        with recorder.changing():
            try:
                stamp, resumed, count = await recorder.blocking(
                    lambda: recorder.archive.start(wanted.session_id, resume=wanted.resume)
                )
            except (RootTrouble, OSError) as error:
                raise _refused(error) from None
            recorder.recording.opened(stamp.session_id, count)
            await recorder.activate(stamp, resumed=resumed)
        return StartedSession(**stamp.model_dump(), resumed=resumed)

    async def _start_beside(self, wanted: StartSession) -> StartedSession:
        """Open a session for frames that are stamped with it, and leave the active one as it is."""
        recorder = self._recorder
        if wanted.session_id is None:
            raise InvalidSessionId("a session that is recorded beside the active one needs an id")
        if recorder.active is not None and recorder.active.session_id == wanted.session_id:
            raise SessionBusy(f"session {wanted.session_id!r} is being recorded; stop it first")
        with recorder.changing():
            try:
                stamp, resumed, count = await recorder.blocking(
                    lambda: recorder.archive.start(wanted.session_id, resume=wanted.resume, extra=wanted.extra)
                )
            except (RootTrouble, OSError) as error:
                raise _refused(error) from None
            recorder.recording.hold(stamp.session_id)
            recorder.recording.opened(stamp.session_id, count)
        return StartedSession(**stamp.model_dump(), resumed=resumed)

    async def _resume(self, stamp: ResumeSession) -> StartedSession:
        recorder = self._recorder
        self._check_not_stopping()
        if recorder.active is not None:
            return StartedSession(**recorder.active.model_dump(), resumed=True)
        with recorder.changing():
            try:
                count = await recorder.blocking(recorder.archive.resume, stamp)
                recorder.recording.opened(stamp.session_id, count)
            except (RootTrouble, OSError) as error:
                # It is active all the same: its frames wait, and ``status`` says why.
                log.error("session %s goes on, and cannot be opened yet: %s", stamp.session_id, error)
            await recorder.activate(stamp, resumed=True)
        return StartedSession(**stamp.model_dump(), resumed=True)

    async def _stop(self, asked: StopSession) -> StoppedSession:
        active, recording = self._recorder.active, self._recorder.recording
        wanted = asked.session_id
        if wanted is not None and (active is None or active.session_id != wanted):
            session_id = wanted
            closed = recording.ending(session_id)
            recording.let_go(session_id)
        elif active is None:
            raise SessionNotActive("no session is active; start one first")
        else:
            session_id = active.session_id
            closed = recording.ending(session_id)
            await self._recorder.deactivate("stopped")
        recorded, pending = await recording.ended(session_id, closed)
        return StoppedSession(session_id=session_id, recorded=recorded, pending=pending)

    async def _status(self, asked: StatusRequest) -> RecorderStatus:
        recorder, recording = self._recorder, self._recorder.recording
        frames = asked.frames
        active = [recorder.active.session_id] if recorder.active else []
        shown = dict.fromkeys([*active, *recording.sessions(), *recording.troubled()])
        return RecorderStatus(
            epoch=recorder.epoch,
            active=recorder.active,
            stopped=recorder.stopped,
            sessions=tuple(
                SessionState(
                    session_id=session_id,
                    recorded=recording.recorded.get(session_id, 0),
                    pending=recording.pending(session_id),
                    error=recording.trouble(session_id),
                )
                for session_id in shown
            ),
            free_bytes=recorder.free_bytes,
            error=recording.root_trouble,
            lost={session_id: tuple(ids) for session_id, ids in recording.losses.told.items()},
            recorded=tuple(await self._are_recorded(frames)),
        )

    async def _delete(self, asked: DeleteSession) -> Nothing:
        session_id = asked.session_id
        recorder = self._recorder
        if recorder.active is not None and recorder.active.session_id == session_id:
            raise SessionBusy(f"session {session_id!r} is being recorded; stop it first")
        if recorder.recording.is_held(session_id):
            raise SessionBusy(f"session {session_id!r} is being made by a re-run; cancel that first")
        if recorder.recording.pending(session_id):
            raise SessionBusy(f"frames of session {session_id!r} are not on disk yet; try again when they are")
        try:
            await recorder.blocking(recorder.archive.delete, session_id)
        except (RootTrouble, OSError) as error:
            raise _refused(error) from None
        recorder.recording.forget(session_id)
        return Nothing()

    async def _import(self, wanted: ImportSession) -> Nothing:
        self._check_not_stopping()
        try:
            await self._recorder.blocking(self._recorder.archive.adopt, wanted.staged, wanted.session_id)
        except (RootTrouble, OSError) as error:
            raise _refused(error) from None
        return Nothing()

    async def _repair(self, asked: RepairSession) -> Repaired:
        session_id = asked.session_id
        try:
            actions = await self._recorder.blocking(self._recorder.archive.repair, session_id)
        except (RootTrouble, OSError) as error:
            raise _refused(error) from None
        return Repaired(session_id=session_id, actions=tuple(actions))

    async def _settle(self, asked: Settle) -> Settled:
        frames = asked.frames
        intake, recording = self._recorder.intake, self._recorder.recording
        recorded = [frame.frame_id for frame in frames if intake.is_done(frame)]
        over = [frame for frame in frames if not intake.is_done(frame) and not intake.may_come(frame, frame.frame_id)]
        lost: list[str] = []
        if over and recording.is_settled:
            recorded_too, lost = await self._name_lost(over)
            recorded += recorded_too
        return Settled(recorded=tuple(recorded), lost=tuple(lost))

    async def _name_lost(self, frames: list[FrameKey]) -> tuple[list[str], list[str]]:
        recorded: list[str] = []
        lost: list[str] = []
        for session_id in dict.fromkeys(frame.session_id for frame in frames):
            if self._recorder.recording.has_spilled(session_id):
                continue  # perhaps among them
            ids = {(f.epoch, f.record_seq): f.frame_id for f in frames if f.session_id == session_id}
            try:
                kept, gone = await self._recorder.blocking(
                    self._recorder.archive.mark_lost, session_id, list(ids.values())
                )
            except (RootTrouble, OSError) as error:
                log.error("session %s: lost frames cannot be written down yet: %s", session_id, error)
                continue
            self._recorder.recording.named(session_id, ids, gone)
            recorded += kept
            lost += gone
        return recorded, lost

    async def _are_recorded(self, frames: tuple[AskedFrame, ...]) -> list[bool]:
        intake = self._recorder.intake
        answers = [intake.is_done(ref) for ref in frames]
        unknown = [n for n, ref in enumerate(frames) if not answers[n] and not intake.is_waiting(ref)]
        if unknown:
            try:
                async with asyncio.timeout(LOOK_S):
                    found = await self._recorder.blocking(
                        self._recorder.archive.recorded, [frames[number] for number in unknown]
                    )
                for number, value in zip(unknown, found, strict=True):
                    answers[number] = value
            except TimeoutError:
                log.debug("the disk is busy; %d frames asked after are not affirmed", len(unknown))
        return answers

    def _check_not_stopping(self) -> None:
        if self._recorder.runtime.stopping.is_set():
            raise RecorderUnavailable("the recorder is stopping; try again when it is back")


def _refused(error: Exception) -> InsufficientStorage | RecorderUnavailable:
    cause = error.__cause__ if isinstance(error, RootTrouble) else error
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return InsufficientStorage(f"the disk of the sessions is full ({cause.strerror}); make some space")
    reason = str(error) if isinstance(error, RootTrouble) else str(getattr(error, "strerror", None) or error)
    return RecorderUnavailable(f"the recorder cannot write: {reason}")
