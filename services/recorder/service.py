"""The recorder process: owns the sessions folder, and writes into it what the generator publishes.

The event loop hears, asks and answers; one thread writes. Nothing that is stuck on the disk keeps the loop from
answering ``status``, and nothing here makes the generator wait.
"""

from __future__ import annotations

import asyncio
import logging
import time

from services.recorder.active import ActiveSession, Closing, Remembered, started
from services.recorder.archive import Archive
from services.recorder.folder import FolderUnusable, SessionsFolder
from services.recorder.gaze_link import GazeLink
from services.recorder.generator_link import GeneratorLink
from services.recorder.ledger.ledger import Ledger
from services.recorder.ledger.streams import CACHE_BYTES
from services.recorder.requests import RequestHandlers
from services.recorder.trials import TrialArchive
from services.recorder.writer import WriterLoop
from shared.bus.acknowledging import Proving
from shared.bus.message import Message
from shared.bus.messages import SessionStarted
from shared.bus.publisher import Publisher
from shared.bus.server import Server
from shared.ids import new_id
from shared.process.guard import ALLOWED_BYTES
from shared.process.runner import Runtime
from shared.system.disk import Disk
from shared.system.worker import Worker

log = logging.getLogger(__name__)

BEAT_S = 0.5
DRAIN_S = 4.0
"""How long a stopping recorder writes on: honcho kills after five seconds."""
LISTEN_S = 1.0
"""How long it waits for the generator to say that it stops as well."""
CLOSE_S = 0.7


class Recorder:
    """Frames in, sessions out. ``epoch``: one life of it; ``thread``: what writes."""

    def __init__(self, runtime: Runtime, disk: Disk) -> None:
        settings = runtime.settings
        self.epoch = new_id()[:16]
        self.ledger = Ledger()
        self.archive = Archive(disk, SessionsFolder(disk, settings.sessions_dir))
        self.trials = TrialArchive(disk, self.archive)
        self.thread = Worker("writer")
        self._wake = asyncio.Event()
        self.closing = Closing(self.ledger, self._wake)
        self._runtime = runtime
        self._space = Worker("free-space")
        self._remembered = Remembered(disk, settings.sessions_dir, enabled=settings.resume)
        self._proving = Proving(disk, self.thread, runtime.bus, settings.sessions_dir)

    async def run(self) -> None:
        """Record until told to stop, then see off what there is."""
        bus, ledger, thread, wake = self._runtime.bus, self.ledger, self.thread, self._wake
        try:
            await thread.run(self.archive.folder.claim)
        except FolderUnusable as error:
            log.error("%s; it is tried again", error)
        try:
            publisher = Publisher(bus, "recordings", self._on_join)
            server = Server(bus, "recorder")
        except BaseException:
            await thread.run(self.archive.close_all)
            raise
        await self._proving.share_secret()
        link = GeneratorLink(bus, ledger, self._proving, wake)
        gaze = GazeLink(bus, self.trials, ledger, self._proving, thread, wake)
        writer = WriterLoop(ledger, self.archive, link, publisher.publish, thread, wake, self.closing)
        active = ActiveSession(self.epoch, ledger, self.archive, self._remembered, publisher.publish, thread, wake)
        stopping = self._runtime.stopping
        parts = (self.epoch, ledger, self.archive, self.trials, active, thread, self.closing, stopping)
        RequestHandlers(*parts).register(server)
        await active.recall()  # before anybody is told that none is active
        for work, name in (
            (server.serve(), "control"),
            (publisher.serve_joins(), "joins"),
            (link.follow(), "tap"),
            (link.ask(), "ask"),
            (link.send_acknowledgements(), "acknowledge"),
            (gaze.follow(), "gaze"),
            (gaze.work(), "trials"),
            (writer.run(), "write"),
            (self._beat(link, active), "beat"),
        ):
            self._runtime.supervise(work, name)
        self._runtime.guard(ALLOWED_BYTES + CACHE_BYTES)
        await stopping.wait()
        await self._drain(link, writer, gaze)
        writer.stop()
        await self._close(link, gaze)

    def _on_join(self, message_type: str) -> list[Message]:
        if message_type == SessionStarted.type and self.ledger.active is not None:
            return [started(self.epoch, self.ledger.active, resumed=True)]
        return []

    async def _beat(self, link: GeneratorLink, active: ActiveSession) -> None:
        while True:
            self.ledger.free_bytes = await self._space.run(self.archive.folder.free_bytes)
            self.ledger.give_up(time.monotonic())
            link.wake()
            if self.ledger.is_settled:
                await active.recall()  # its folder was not there before
            await active.remember()
            self.ledger.left.look_again()  # last: while a journal is to be read again, nothing is given up
            self._wake.set()
            await asyncio.sleep(BEAT_S)

    async def _drain(self, link: GeneratorLink, writer: WriterLoop, gaze: GazeLink) -> None:
        """Write on until everything that is known is on disk and told, and nothing more can come, or the time is up."""
        began, ledger = time.monotonic(), self.ledger
        while (elapsed := time.monotonic() - began) < DRAIN_S:
            quiet = link.state == "stopping" or elapsed > LISTEN_S
            gaze.wake()
            # One that stops as well ends its trial now, and says so.
            has_trials = gaze.owes or (gaze.client.connected and elapsed < LISTEN_S)
            if not link.client.connected:
                # One that was never met may be a moment from it, with frames of ours; one that was is gone.
                may_come = not link.client.met and elapsed < LISTEN_S
                if not (may_come or writer.is_reporting or has_trials) and ledger.is_stuck():
                    break
            elif quiet and not (
                (ledger.streams.wants_listing or ledger.sessions()) or (writer.is_reporting or link.owes or has_trials)
            ):
                break
            await asyncio.sleep(0.02)
        if left := sum(map(ledger.pending, ledger.sessions())):
            log.warning("%d frames are not on disk; the generator, or its spill, has them", left)

    async def _close(self, link: GeneratorLink, gaze: GazeLink) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.thread.run(self.archive.close_all)
                await self._proving.withdraw()
        except TimeoutError:
            log.warning("the disk does not answer; open sessions are repaired at the next start")
        await link.client.close()
        await gaze.client.close()
        for thread in (self.thread, self._space):
            thread.close()
        self._runtime.abandon_threads = True
