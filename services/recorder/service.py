"""The recorder process: owns the sessions folder, and writes into it what the generator publishes.

The event loop hears, asks and answers; one thread writes. Nothing that is stuck on the disk keeps the loop from
answering ``status``, and nothing here makes the generator wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from services.recorder.archive import Archive, RootTrouble
from services.recorder.generator_link import Upstream
from services.recorder.ledger.streams import CACHE_BYTES, Intake
from services.recorder.proving import Proving
from services.recorder.remembered import Remembered
from services.recorder.requests import Control
from services.recorder.writer import Recording
from shared.bus.messages import Message, SessionStarted, SessionStopped
from shared.bus.publisher import Publisher
from shared.frame import SessionStamp
from shared.ids import new_id
from shared.process.guard import ALLOWED_BYTES
from shared.process.runner import Runtime
from shared.system.disk import Disk

log = logging.getLogger(__name__)

T = TypeVar("T")

BEAT_S = 0.5
DRAIN_S = 4.0
"""How long a stopping recorder writes on: honcho kills after five seconds."""
LISTEN_S = 1.0
"""How long it waits for the generator to say that it stops as well."""
CLOSE_S = 0.7
REMEMBER_S = 1.0
"""How long who starts or stops a session waits until that is remembered; a disk that is slower does it later."""


class Recorder:
    """Frames in, sessions out.

    Args:
        runtime: settings, bus and the event that says to stop.
        disk: through which everything is written.

    Attributes:
        epoch: one life of the recorder.
        active: the session that new frames belong to, or None.
        stopped: the one that somebody stopped last, unless it was begun again.
        free_bytes: where the sessions are; None where it cannot be told.
    """

    def __init__(self, runtime: Runtime, disk: Disk) -> None:
        self.runtime = runtime
        self.epoch = new_id()[:16]
        self.active: SessionStamp | None = None
        self.stopped: str | None = None
        self.free_bytes: int | None = None
        self.intake = Intake()
        self._disk = disk
        self.archive = Archive(disk, runtime.settings.sessions_dir)
        self._remembered = Remembered(disk, runtime.settings.sessions_dir, enabled=runtime.settings.resume)
        self._remembering: asyncio.Future[None] | None = None
        self._has_recalled = False
        self._changes = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="looker")

    async def run(self) -> None:
        """Record until told to stop, then see off what there is."""
        try:
            await self.blocking(self.archive.claim)
        except RootTrouble as error:
            log.error("%s; it is tried again", error)
        try:
            self.publisher = Publisher(self.runtime.bus, "recordings", self._tell_state)
            control = Control(self)
        except BaseException:
            await self.blocking(self.archive.close_all)
            raise
        self.proving = Proving(self._disk, self.blocking, self.runtime.bus, self.runtime.settings.sessions_dir)
        await self.proving.tell()
        self.upstream = Upstream(self.runtime.bus, self.intake, self._on_news, self.proving)
        self.recording = Recording(self)
        await self._resume_remembered()  # before anybody is told that none is active
        for work, name in (
            (control.serve(), "control"),
            (self.publisher.serve_joins(), "joins"),
            (self.upstream.tap(), "tap"),
            (self.upstream.ask(), "ask"),
            (self.upstream.send_acknowledgements(), "acknowledge"),
            (self.recording.write(), "write"),
            (self._beat(), "beat"),
        ):
            self.runtime.supervise(work, name)
        self.runtime.guard(ALLOWED_BYTES + CACHE_BYTES)
        await self.runtime.stopping.wait()
        await self._drain()
        await self._close()

    async def blocking(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run something that blocks, behind what was given before it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def publish(self, message: Message) -> None:
        """Tell subscribers."""
        await self.publisher.publish(message)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While another session is about to become active, none is closed."""
        self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1

    @property
    def is_changing(self) -> bool:
        """Whether another session is about to become active."""
        return self._changes > 0

    async def activate(self, stamp: SessionStamp, *, resumed: bool) -> None:
        """From now on this session is the active one; the one that was ends."""
        before, self.active = self.active, stamp
        if self.stopped == stamp.session_id:
            self.stopped = None
        if before is not None and before.session_id != stamp.session_id:
            await self.publish(SessionStopped(epoch=self.epoch, session_id=before.session_id, reason="another started"))
        await self.publish(self._started(stamp, resumed=resumed))
        self.recording.look()
        await self._remember()

    async def deactivate(self, reason: str) -> None:
        """No session is active from now on. It is closed once its frames are on disk."""
        before, self.active = self.active, None
        if before is not None:
            self.stopped = before.session_id
            await self.publish(SessionStopped(epoch=self.epoch, session_id=before.session_id, reason=reason))
        self.recording.look()
        await self._remember()

    # -- which session is active, over a restart ----------------------------------------------------------------------

    async def _resume_remembered(self) -> None:
        """Go on with the session that was active when an earlier life of this process ended."""
        try:
            recalled = await self.blocking(self._recall)
        except (RootTrouble, OSError) as error:
            log.error("which session was active is not known yet: %s", error)
            return
        self._has_recalled = True
        if recalled is None or self.active is not None:
            return
        stamp: SessionStamp = recalled
        with self.changing():
            try:
                count = await self.blocking(self.archive.resume, stamp)
                self.recording.opened(stamp.session_id, count)
            except (RootTrouble, OSError) as error:
                # It is active all the same: its frames wait, and ``status`` says why.
                log.error("session %s goes on, and cannot be opened yet: %s", stamp.session_id, error)
            log.info("session %s was active before, and goes on", stamp.session_id)
            await self.activate(stamp, resumed=True)

    def _recall(self) -> SessionStamp | None:
        self.archive.claim()
        return self._remembered.recall()

    async def _remember(self) -> None:
        """Bring to the disk which session is active, where that is wanted; as long as it fails the beat tries again."""
        self._remembered.want(self.active)
        if self._remembered.is_written:
            return
        if self._remembering is None or self._remembering.done():
            self._remembering = asyncio.ensure_future(self.blocking(self._remembered.write))
            self._remembering.add_done_callback(_tell_failure)
        await asyncio.wait([self._remembering], timeout=REMEMBER_S)

    # -- loops and ends -----------------------------------------------------------------------------------------------

    def _on_news(self, new_epoch: bool) -> None:
        if new_epoch:
            self.recording.take_spill_first()
        self.recording.look()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.free_bytes = await loop.run_in_executor(self._looker, self.archive.free_bytes)
            self.recording.give_up(time.monotonic())
            self.recording.look()
            self.upstream.look()
            if not self._has_recalled and self.recording.is_settled:
                await self._resume_remembered()  # its folder was not there before
            await self._remember()
            await asyncio.sleep(BEAT_S)

    async def _drain(self) -> None:
        """Write on until everything that is known is on disk and nothing more can come, or the time is up."""
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < DRAIN_S:
            quiet = self.upstream.state == "stopping" or elapsed > LISTEN_S
            if not self.upstream.connected:
                # One that was never met may be a moment from it, with frames of ours; one that was is gone.
                may_come = not self.upstream.met and elapsed < LISTEN_S
                if not may_come and self.recording.is_stuck():
                    break
            elif quiet and not self.intake.wants_listing and not self.recording.sessions():
                break
            await asyncio.sleep(0.02)
        left = sum(self.recording.pending(session_id) for session_id in self.recording.sessions())
        if left:
            log.warning("%d frames are not on disk; the generator, or its spill, has them", left)

    async def _close(self) -> None:
        self.recording.stop()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.blocking(self.archive.close_all)
                await self.proving.withdraw()
        except TimeoutError:
            log.warning("the disk does not answer; open sessions are repaired at the next start")
        await self.upstream.close()
        for executor in (self._thread, self._looker):
            executor.shutdown(wait=False, cancel_futures=True)
        self.runtime.abandon_threads = True

    def _started(self, stamp: SessionStamp, *, resumed: bool) -> SessionStarted:
        return SessionStarted(
            epoch=self.epoch, session_id=stamp.session_id, created_at=stamp.created_at, resumed=resumed
        )

    def _tell_state(self, message_type: str) -> list[Message]:
        if message_type == SessionStarted.type and self.active is not None:
            return [self._started(self.active, resumed=True)]
        return []


def _tell_failure(written: asyncio.Future[None]) -> None:
    if not written.cancelled() and (error := written.exception()) is not None:
        log.warning("which session is active is not remembered yet: %s", error)
