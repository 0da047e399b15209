"""The API's side of the recording protocol: which session is active, and which of its frames are on disk.

The recorder and the API both know the active session; one that restarts learns it from the other. Only one request
about it is under way at a time, so that no answer overwrites a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import compress
from pathlib import Path

from services.api.bus.delivery import DeliveryTracking
from services.api.bus.peers import ANSWER_S, POLL_S
from shared.bus.clients import RecorderClient
from shared.bus.envelope import Published
from shared.bus.messages import FrameRecorded
from shared.bus.requests import recorder as requests
from shared.errors import InsufficientStorage, ParafoveaError, RecorderUnavailable, SessionNotActive
from shared.frame import SessionStamp
from shared.refusals import request_of
from shared.system.disk import Disk
from shared.system.waiting import wait_at_most

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 500


class RecorderLink:
    """The recorder as the API knows it, and the active session.

    Attributes:
        active: the session that new frames belong to, or None.
        has_answered: whether the recorder has ever said which session is active; until then nothing is generated.
        status: the recorder's last answer.
        problem: what is wrong with it, or None.
        reachable: whether the recorder answered last time.
        free_bytes: on the disk of the sessions; None if unknown.
    """

    def __init__(
        self, client: RecorderClient, delivery: DeliveryTracking, sessions_dir: Path, disk_stop_bytes: int
    ) -> None:
        self._client = client
        self._delivery = delivery
        self._sessions_dir = sessions_dir
        self._disk_stop_bytes = disk_stop_bytes
        self._epoch: str | None = None
        self._asking = asyncio.Lock()
        self._wake = asyncio.Event()
        self.active: SessionStamp | None = None
        self.has_answered = False
        self.status: requests.RecorderStatus | None = None
        self.problem: str | None = "it has not answered yet"
        self.reachable = False
        self.free_bytes: int | None = None

    # -- what handlers read -------------------------------------------------------------------------------------------

    def stamp(self, believed: str | None) -> SessionStamp | None:
        """The session that a request is accepted under.

        Raises:
            SessionNotActive: the caller believes another one active.
            RecorderUnavailable: which one is active is not known yet.
            InsufficientStorage: it could not be recorded.
        """
        self.check_accepts()
        if believed is not None and (self.active is None or self.active.session_id != believed):
            now = f"'{self.active.session_id}' is" if self.active else "none is"
            raise SessionNotActive(f"The session {believed[:200]!r} is not active ({now}); start it, or leave it out.")
        return self.active

    def check_accepts(self) -> None:
        """Check that a frame of the active session could be recorded. Raises RecorderUnavailable or
        InsufficientStorage: why not."""
        if not self.has_answered:
            raise RecorderUnavailable("The recorder has not said yet which session is active; is it running?")
        if self.active is not None:
            self.check_storage()

    def check_storage(self) -> None:
        """Check that there is room for a recording. Raises InsufficientStorage: too little."""
        if self.free_bytes is not None and self.free_bytes < self._disk_stop_bytes:
            raise InsufficientStorage(
                f"Only {self.free_bytes / 1e9:.2f} GB are free for sessions; {self._disk_stop_bytes / 1e9:.2f} GB "
                "are kept free; make some space, or stop the session to go on without recording."
            )

    def state_of(self, session_id: str) -> requests.SessionState:
        """How far a session's recording is."""
        found = next((s for s in self.status.sessions if s.session_id == session_id), None) if self.status else None
        known = found or requests.SessionState(session_id=session_id, recorded=0, pending=0)
        return known.model_copy(update={"pending": max(known.pending, self._delivery.counts()[session_id])})

    def lost(self) -> dict[str, list[str]]:
        """Ids of lost frames, by session."""
        found = {session_id: list(ids) for session_id, ids in self._delivery.lost.items()}
        for session_id, ids in (self.status.lost if self.status else {}).items():
            own = found.setdefault(session_id, [])
            own += [frame_id for frame_id in ids if frame_id not in own]
        return found

    # -- what handlers change -----------------------------------------------------------------------------------------

    async def start(self, session_id: str | None, *, resume: bool) -> requests.StartedSession:
        """Begin a session; the active one ends."""
        wanted = request_of(requests.StartSession, session_id=session_id, resume=resume)
        async with self._asking:
            await self._sync()
            self.check_storage()
            started = await self._client.ask(requests.START, wanted)
            self.active = SessionStamp(session_id=started.session_id, created_at=started.created_at)
            return started

    async def stop(self) -> requests.StoppedSession:
        """End the active session."""
        async with self._asking:
            await self._sync()
            try:
                stopped = await self._client.ask(requests.STOP, requests.StopSession())
            except SessionNotActive:
                self.active = None
                raise
            self.active = None
            return stopped

    async def delete(self, session_id: str) -> None:
        """Remove a session."""
        async with self._asking:
            await self._sync()
            await self._client.ask(requests.DELETE, requests.DeleteSession(session_id=session_id))

    async def refresh(self) -> None:
        """Ask the recorder for its state. Raises RecorderUnavailable: it does not answer."""
        async with self._asking:
            await self._sync()

    # -- following the recorder ---------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Keep up with the recorder until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.refresh()
            except ParafoveaError as error:
                if not self.problem:
                    log.warning("%s", error.detail)
                self.problem, self.reachable = error.detail, not isinstance(error, RecorderUnavailable)
                self.free_bytes = await asyncio.to_thread(_free_bytes, self._sessions_dir)
            await wait_at_most(self._wake, POLL_S)

    def on_published(self, message: Published) -> None:
        """Take what the recorder publishes."""
        if isinstance(message.message, FrameRecorded):
            self._delivery.recorded(message.message.frame_id)
        else:
            # It may be older than what we know by now, so we ask.
            self._wake.set()

    async def _sync(self) -> None:
        asked = self._delivery.oldest(ASKED_AT_ONCE)
        wanted = requests.StatusRequest(frames=tuple(requests.AskedFrame(**one.model_dump()) for one in asked))
        status = await self._client.ask(requests.STATUS, wanted, timeout_s=ANSWER_S)
        for frame in compress(asked, status.recorded):
            self._delivery.recorded(frame.frame_id)
        for frame in compress(asked, status.gone):
            self._delivery.gone(frame)
        self.status, self.problem, self.reachable = status, None, True
        self.free_bytes = status.free_bytes
        if status.epoch == self._epoch or not self.has_answered or status.active is not None:
            self.active = status.active
        elif self.active is not None and not await self._resume(self.active):
            return  # the epoch stays unknown, so the next round tries again
        self._epoch, self.has_answered = status.epoch, True

    async def _resume(self, active: SessionStamp) -> bool:
        """Tell a restarted recorder which session is active; whether it continues it."""
        try:
            await self._client.ask(requests.RESUME, requests.ResumeSession(**active.model_dump()))
        except RecorderUnavailable:
            raise
        except ParafoveaError as error:
            self.problem = f"It can't go on with the session '{active.session_id}': {error.detail}"
            log.error("%s", self.problem)
            return False
        log.info("a new recorder; it goes on with the session %s", active.session_id)
        return True


def _free_bytes(folder: Path) -> int | None:
    """Free space where the folder is, or will be; None if unknown."""
    for at in (folder, *folder.absolute().parents):
        if at.is_dir():
            try:
                return Disk().free_bytes(at)
            except OSError:
                return None
    return None
