"""The gaze process: owns the source of the gaze, the trial that is under way, the displays' clocks, and what is held
for the recorder. It answers ``gaze-control`` and publishes on ``gaze``.

Samples leave it only while a trial is under way: published, and held where the trial is recorded.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from services.gaze.asking import Asking
from services.gaze.display_requests import DisplayRequests
from services.gaze.displays import Displays
from services.gaze.held import Held
from services.gaze.pictures import Pictures
from services.gaze.publishing import Outbox
from services.gaze.session import ActiveSession
from services.gaze.sources.chosen import ChosenSource
from services.gaze.sources.source import Box, Surroundings
from services.gaze.states import gaze_status
from services.gaze.trial_requests import TrialRequests
from services.gaze.trials import Trials
from shared.bus.acknowledging import Acknowledgements
from shared.bus.gaze_messages import GazeStatus
from shared.bus.message import Message
from shared.bus.publisher import Publisher
from shared.bus.server import Server
from shared.errors import InvalidRequest
from shared.ids import new_id
from shared.process.guard import ALLOWED_BYTES
from shared.process.runner import Refused, Runtime
from shared.session.writing.gaze_spill import write_gaze_spill
from shared.system.disk import Disk

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
LOOK_S = 0.25
"""How often it is looked whether the source has fallen silent, and whether too much is held."""
DRAIN_S = 3.0
"""How long a stop waits for the recorder: honcho kills after five seconds."""
WORK_BYTES = 256 * 1024 * 1024
"""What pictures on their way through may take beside what is accounted for."""


class Gaze:
    """Gaze in, changes out. ``disk`` is for what a stopping gaze process spills."""

    def __init__(self, runtime: Runtime, disk: Disk) -> None:
        self._runtime = runtime
        self._disk = disk
        settings = runtime.settings
        self.epoch = new_id()[:16]
        self._publisher = Publisher(runtime.bus, "gaze", self._state_on_join)
        self._outbox = Outbox(self._publisher)
        self._server = Server(runtime.bus, "gaze-control")
        self._session = ActiveSession(runtime.bus, lambda: self.trials.follow_session())
        self.held = Held(settings.gaze_backlog_bytes)
        self.displays = Displays()
        self.pictures = Pictures(self._pictures_in_use)
        # Behind the channels: one that may not run has called nobody.
        self._asking = Asking(runtime.bus, self.pictures, runtime.supervise, self._pictures_in_use)
        self.source = ChosenSource(
            runtime.supervise,
            Surroundings(lambda: self.trials.screen_of(self._view()), self._looked_at),
            lambda: self.trials.running is not None,
            lambda taken: self.trials.take_samples(taken),
            self._source_changed,
        )
        self.trials = Trials(
            self.epoch,
            source=self.source,
            displays=self.displays,
            pictures=self.pictures,
            held=self.held,
            outbox=self._outbox,
            session=self._session,
            asking=self._asking,
            prompts=settings.sector_prompts,
            screen=settings.gaze_screen,
            on_change=self._tell,
        )
        acknowledgements = Acknowledgements(runtime.bus, settings.sessions_dir)
        self._requests = TrialRequests(
            *(self.trials, self.source, self._asking, self.held, acknowledgements, self.status)
        )
        self._requests.register(self._server)
        DisplayRequests(self.trials, self.displays, self.source).register(self._server)

    async def run(self) -> None:
        """Serve until stopped, then wait for the recorder, and spill what it has not fetched. Raises Refused: the
        setting names a source that there is not."""
        try:
            await self.source.begin(self._runtime.settings.gaze)
        except InvalidRequest as error:
            raise Refused(f"PARAFOVEA_GAZE: {error.detail}") from None
        self._runtime.supervise(self._publisher.serve_joins(), "joins on gaze")
        self._runtime.supervise(self._outbox.run(), "messages of gaze")
        self._runtime.supervise(self._server.serve(), "requests of gaze-control")
        self._runtime.supervise(self._session.listen(), "sessions that begin and end")
        self._runtime.supervise(self._session.follow(), "the active session")
        self._runtime.supervise(self._asking.listen(), "messages of the generator")
        self._runtime.supervise(self._asking.follow(), "leases of preparations")
        self._runtime.supervise(self._beat(), "heartbeat")
        self._runtime.supervise(self._watch(), "source and backlog")
        self._runtime.guard(
            WORK_BYTES + ALLOWED_BYTES + self._runtime.settings.bus_budget_bytes,
            lambda: self.held.bytes + self.pictures.bytes,
        )
        await self._runtime.stopping.wait()
        await self._stop()

    # -- while it runs ------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(HEARTBEAT_S)

    async def _watch(self) -> None:
        while True:
            self.source.watch()
            self.trials.watch()
            await asyncio.sleep(LOOK_S)

    def status(self) -> GazeStatus:
        """How things stand."""
        return gaze_status(self.epoch, self.source, self.trials.running, self.displays, self.held)

    def _tell(self) -> None:
        self._outbox.put(self.status())

    def _state_on_join(self, message_type: str) -> list[Message]:
        return [self.status()] if message_type == GazeStatus.type else []

    def _source_changed(self, detail: str | None) -> None:
        self.trials.follow_source(detail)
        self._tell()

    def _pictures_in_use(self) -> frozenset[str]:
        last = self.trials.last
        return frozenset() if last is None else last.trial.pictures_in_use

    def _view(self) -> str:
        running = self.trials.running
        return running.config.view if running else "default"

    def _looked_at(self) -> Box | None:
        counting = self.displays.counting(self._view())
        return counting.box if counting else None

    # -- its end ------------------------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        self.source.close()
        self.trials.close()
        self._tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._outbox.empty()
                while len(self.held):
                    self._requests.acknowledged.clear()
                    await self._requests.acknowledged.wait()
        if len(self.held):
            await self._spill()
        await self._asking.close()
        await self._session.close()

    async def _spill(self) -> None:
        parts = list(self.held.rest())
        log.warning("%d trials are not on disk to their ends; they go to the spill for the recorder", len(self.held))
        try:
            await asyncio.to_thread(write_gaze_spill, self._disk, self._runtime.settings.sessions_dir, parts)
        except OSError as error:
            lost = ", ".join(f"{part.trial_id} from {part.from_n} on" for part in parts)
            log.error("the spill cannot be written (%s); this is lost of trials: %s", error, lost)
