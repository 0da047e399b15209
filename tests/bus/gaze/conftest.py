"""A gaze process in this process on a real ipc bus, with a generator and a recorder that a test steers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.gaze.service import Gaze
from shared.bus.acknowledging import Proving
from shared.bus.envelope import Published, Reply
from shared.bus.rpc import Client, PeerGone
from shared.bus.subscriber import Subscriber
from shared.frame import SessionStamp
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.system.disk import Disk
from shared.system.worker import Worker
from tests.support.buses import Buses
from tests.support.standins import FakeGenerator, FakeRecorder
from tests.support.studio import flat_png
from tests.support.waiting import eventually_async

PICTURE = flat_png(64, 64)
PROMPTS = {"default": ["a kite"]}
AT_ONCE: dict[str, Any] = {"policy": {"dwell_ms": 50.0}, "trigger": {"name": "at_once"}}
"""A trial that changes something soon after the gaze rests, and shows it whenever it may."""
SESSION = SessionStamp(session_id="s", created_at=1_700_000_000.0)


class Rig:
    """The gaze process under test, and what is around it.

    Attributes:
        heard: all that it has published.
        listeners: called with each of them as it comes.
    """

    def __init__(self, buses: Buses, folder: Path) -> None:
        self.buses = buses
        self.folder = folder
        self.root = folder / "sessions"
        self.heard: list[Published] = []
        self.listeners: list[Callable[[Published], None]] = []
        self.client = Client(buses.new(), "gaze-control")
        self._subscriber = Subscriber(buses.new(), "gaze")
        self._listening = asyncio.create_task(self._subscriber.hand_to(self._hear))
        self.generator: FakeGenerator | None = None
        self.recorder: FakeRecorder | None = None

    def _hear(self, message: Published) -> None:
        self.heard.append(message)
        for listener in self.listeners:
            listener(message)

    async def start(self, **settings: Any) -> Rig:
        """Start it, with some settings of its own."""
        values = {"sessions_dir": self.root, "bus": str(self.buses.address), **settings}
        self.runtime = Runtime(Settings.model_validate(values), self.buses.new())
        self.gaze = Gaze(self.runtime, Disk())
        self.task = asyncio.create_task(self.gaze.run())
        await eventually_async(self._answers)
        await eventually_async(lambda: self.of("source"), what="its heartbeat is heard")
        return self

    async def _answers(self) -> bool:
        try:
            return bool(await self.ask("status"))
        except PeerGone:
            return False

    async def stop(self) -> None:
        self.runtime.stopping.set()
        await asyncio.wait_for(self.task, 15)
        await self.runtime.finish()

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self.client.close()
        for standin in (self.generator, self.recorder):
            if standin is not None and not standin.is_dead:
                await standin.die()

    # -- what is around it --------------------------------------------------------------------------------------------

    async def with_generator(self) -> FakeGenerator:
        self.generator = FakeGenerator(self.buses.new())
        return self.generator

    async def with_session(self) -> FakeRecorder:
        """A recorder in whose session trials are recorded."""
        self.recorder = FakeRecorder(self.buses.new(), self.root)
        self.recorder.active = SESSION
        return self.recorder

    async def proving(self) -> Proving:
        """What the recorder acknowledges with."""
        made = Proving(Disk(), Worker("proving"), self.buses.new(), self.root)
        assert await made.share_secret()
        return made

    # -- asking -------------------------------------------------------------------------------------------------------

    async def call(self, message_type: str, *payloads: bytes, **body: Any) -> Reply:
        return await self.client.call(message_type, body, payloads, timeout_s=10)

    async def ask(self, message_type: str, **body: Any) -> dict[str, Any]:
        return (await self.call(message_type, **body)).body

    async def begin(self, *, record: bool = False, **body: Any) -> str:
        """Begin a trial; its id."""
        reply = await self.call("trial.begin", PICTURE, **{"prompts": PROMPTS, "record": record, **body})
        trial_id: str = reply.body["trial_id"]
        return trial_id

    async def show(self, display: str = "d", **body: Any) -> dict[str, Any]:
        """A display shows the picture over its whole page."""
        box = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "is_full_screen": True}
        return await self.ask("view", display=display, **{**box, **body})

    async def look(self, x: float = 0.1, y: float = 0.1, *, until: Callable[[], Any], source: str = "page") -> None:
        """Look somewhere, at 100 Hz, until something has come of it."""
        async with asyncio.timeout(10):
            while not until():
                point = {"x": x, "y": y, "t": time.perf_counter()}
                await self.ask("points", source=source, display="d", points=[point])
                await asyncio.sleep(0.01)

    # -- what it published --------------------------------------------------------------------------------------------

    def of(self, message_type: str, step: str | None = None) -> list[Published]:
        """What was published of a type, or of a step."""
        return [each for each in self.heard if each.type == message_type and step in (None, each.header.get("step"))]

    async def wait_for(self, message_type: str, step: str | None = None, count: int = 1) -> Published:
        """The ``count``-th message of a type, or step."""
        await eventually_async(lambda: len(self.of(message_type, step)) >= count, what=f"{count} {message_type} {step}")
        return self.of(message_type, step)[count - 1]

    async def wait_state(self, state: str) -> dict[str, Any]:
        """Until the source is in a state."""

        async def reached() -> dict[str, Any] | None:
            status = await self.ask("status")
            return status if status["state"] == state else None

        found: dict[str, Any] = await eventually_async(reached, what=f"the source is {state}")
        return found


@pytest.fixture
async def rig(buses: Buses, folder: Path) -> AsyncIterator[Rig]:
    made = Rig(buses, folder)
    yield made
    if hasattr(made, "task") and not made.task.done():
        await made.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await made.close()
