"""What the API owns: its view of the other processes, the prompts, the viewers. Handlers get this."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from services.api.bus.delivery import DeliveryTracking
from services.api.bus.gaze_peer import STEPS, GazePeer
from services.api.bus.life import watch
from services.api.bus.peers import GeneratorPeer, ReplayerPeer
from services.api.bus.recorder_link import RecorderLink
from services.api.http.pace import ImportSlots
from services.api.http.uploads import Uploads
from services.api.live.displays import DisplayHub
from services.api.live.gaze import GazeRelay
from services.api.live.viewers import LiveHub
from services.api.work.ahead import MadeAhead
from services.api.work.comparisons import Comparisons
from services.api.work.prompts import SectorPrompts
from services.api.work.thumbnails import Thumbnailer
from shared.bus.clients import RecorderClient
from shared.bus.envelope import Published
from shared.bus.messages import Prepared
from shared.bus.subscriber import Subscriber
from shared.errors import GeneratorUnavailable
from shared.process.runner import Runtime
from shared.session.reading.opened import OpenSessions
from shared.system.memory import Calm

CLOSE_S = 1.0
KEPT_OPEN = 8
"""Sessions read lately."""

log = logging.getLogger(__name__)


class Api:
    """The API's state, and the tasks that keep it current.

    Attributes:
        closing: set when requests still under way must be answered at once, because the process stops.
        ahead: what of preparations only the API knows.
        openapi: the OpenAPI document, made when it is first asked for.
        sessions: the recordings, to read.
        threads: for work that does not touch sessions: their disk may be slow.
    """

    def __init__(self, runtime: Runtime, describe: Callable[[], dict[str, Any]]) -> None:
        self._runtime = runtime
        self.settings = runtime.settings
        self.started_at = time.monotonic()
        self.closing = asyncio.Event()
        self.openapi = cache(describe)
        self._recorder_client = RecorderClient(runtime.bus)
        self.threads = ThreadPoolExecutor(4, "own")
        self.uploads = Uploads(self.settings.upload_bytes)
        self.delivery = DeliveryTracking()
        self.recorder = RecorderLink(
            self._recorder_client, self.delivery, self.settings.sessions_dir, self.settings.disk_stop_bytes
        )
        self.live = LiveHub(runtime.bus, runtime.supervise, self._hello)
        self.gaze = GazePeer(runtime.bus, self._on_gaze, self._on_gaze_change)
        self.relay = GazeRelay(self.gaze)
        self.displays = DisplayHub(self.gaze)
        self.generator = GeneratorPeer(runtime.bus, self._on_generator, self._on_generator_change)
        self.replayer = ReplayerPeer(runtime.bus)
        self.prompts = SectorPrompts(self.settings.sector_prompts)
        self.ahead = MadeAhead(self.prompts.give_back)
        self.sessions = OpenSessions(self.settings.sessions_dir, KEPT_OPEN)
        self.thumbnailer = Thumbnailer()
        self.imports = ImportSlots()
        self.comparisons = Comparisons(self.settings)
        self._recordings = Subscriber(runtime.bus, "recordings")
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Start to follow the other processes."""
        await self.prompts.refresh()
        self._tasks = [
            self._runtime.supervise(self.generator.listen(), "generator"),
            self._runtime.supervise(self._recordings.hand_to(self._on_recording), "recordings"),
            self._runtime.supervise(self.recorder.follow(), "recorder's state"),
            self._runtime.supervise(self.replayer.follow(), "replayer's state"),
            self._runtime.supervise(self.gaze.listen(), "gaze process"),
            self._runtime.supervise(watch(self.generator.life, self.gaze.life), "coming and going"),
            self._runtime.supervise(Calm().run(), "memory"),
        ]

    def check_ready(self) -> None:
        """Check that a ``/generate`` would be accepted. Raises ParafoveaError: what the answer would be."""
        self.check_open()
        self.recorder.check_accepts()
        self.generator.check_accepts(self.settings.queue_limit, recording=self.recorder.active is not None)

    def check_open(self) -> None:
        """Refuse new work while the process stops. Raises GeneratorUnavailable."""
        if self._runtime.stopping.is_set():
            raise GeneratorUnavailable("The server is stopping; try again when it is back.")

    async def close(self) -> None:
        """Close sockets, files and child processes."""
        await self.displays.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in (self.generator, self._recorder_client, self.replayer, self.gaze):
            await peer.close()
        are_over = await asyncio.gather(
            _in_time(self.thumbnailer.close()),
            _in_time(asyncio.to_thread(self.comparisons.close)),
            _in_time(self.sessions.close()),
        )
        if not all(are_over):
            log.warning("a disk does not answer; what was asked of it is given up")
        self.prompts.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _on_generator(self, message: Published) -> None:
        if isinstance(message.message, Prepared):
            self.ahead.on_change(message.message)  # viewers get it in its order among the frames
        else:
            self.live.publish(message)

    def _on_generator_change(self, is_there: bool) -> None:
        if not is_there:
            self.ahead.forget()

    def _on_recording(self, message: Published) -> None:
        self.live.publish(message)
        self.recorder.on_published(message)

    def _on_gaze(self, message: Published) -> None:
        self.displays.publish(message)
        if message.type in STEPS:
            self.live.publish(message)

    def _on_gaze_change(self, is_there: bool) -> None:
        self.displays.on_change(is_there)

    def _hello(self) -> dict[str, Any]:
        active = self.recorder.active
        return {
            "session": active.model_dump() if active else None,
            "generator": self.generator.hello if self.generator.is_there else None,
        }


async def _in_time(work: Awaitable[None]) -> bool:
    """Whether work that may be stuck on a disk ends in time for a stop."""
    done, _ = await asyncio.wait([asyncio.ensure_future(work)], timeout=CLOSE_S)
    return bool(done)
