"""A generator in this process on a real ipc bus, with an engine that a test steers at the engine's seam."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.generator.catalog import Models, OneModel
from services.generator.engine import Edit, EditCancelled, Edited, Finished, ModelInfo
from services.generator.language.vocabulary import Vocabulary
from services.generator.service import Generator
from shared.bus.envelope import Reply
from shared.bus.rpc import Client
from shared.bus.subscriber import Subscriber
from shared.frame import Model
from shared.ids import new_id
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.system.disk import Disk
from tests.support.buses import Buses
from tests.support.dependent import DependentEngine
from tests.support.waiting import eventually_async

MODEL = Model(id="steered", revision="r1", kind="inpaint", pipeline="SteeredPipeline", scheduler="none")
INFO = ModelInfo(MODEL, "cpu", "float32", {"steered": "1"})


class SteeredEngine:
    """Paints the region in a colour drawn from the seed, three steps a run; each step waits for :attr:`gate`."""

    info = INFO

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.started: list[str] = []
        self.error: Exception | None = None

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        self.started.append(edit.prompt)
        for step in range(1, 4):
            assert self.gate.wait(30), "the test forgot to open the gate"
            if cancelled():
                raise EditCancelled
            on_step(step, 3)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        pixels = np.full((edit.region.height, edit.region.width, 3), edit.seed % 256, np.uint8)
        return Edited(Finished(pixels, edit.region), 3, None, None)

    def close(self) -> None:
        self.gate.set()


def photograph(width: int = 96, height: int = 64, value: int = 100) -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(file, "png")
    return file.getvalue()


class Rig:
    """The generator under test, and a client and a subscriber of it."""

    def __init__(
        self,
        buses: Buses,
        folder: Path,
        load_error: Exception | None = None,
        vocabulary: Vocabulary | None = None,
        engine: SteeredEngine | DependentEngine | None = None,
        models: Models | None = None,
        **settings: Any,
    ) -> None:
        self.engine = engine or SteeredEngine()
        self.engine.info = replace(self.engine.info, vocabulary=vocabulary)
        self._load_error = load_error
        self.folder = folder
        values = {"sessions_dir": folder / "sessions", "bus": str(buses.address), **settings}
        self.runtime = Runtime(Settings.model_validate(values), buses.new())
        self.generator = Generator(self.runtime, models or OneModel(self._load), Disk())
        outside = buses.new()
        self.subscriber = Subscriber(outside, "frames", ["frame"])
        self.watcher = Subscriber(outside, "frames")
        self.client = Client(outside, "generator")
        self.task = asyncio.create_task(self.generator.run())

    def _load(self) -> SteeredEngine | DependentEngine:
        if self._load_error is not None:
            raise self._load_error
        return self.engine

    async def ask(self, kind: str, body: dict[str, Any] | None = None, payloads: tuple[bytes, ...] = ()) -> Reply:
        return await self.client.call(kind, body, payloads, timeout_s=30)

    async def generate(self, image: bytes | None = None, **fields: Any) -> Reply:
        body = {
            "request_id": new_id(),
            "grid_size": 2,
            "target_sector": "BR",
            "prompt": "a bee",
            "seed": 7,
            "timeout_ms": 30_000,
            **fields,
        }
        return await self.ask("generate", body, (photograph() if image is None else image,))

    async def stop(self) -> None:
        self.runtime.stopping.set()
        self.engine.gate.set()
        await self.task
        await self.runtime.finish()
        await self.client.close()


@pytest.fixture
async def make_rig(buses: Buses, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """Makes the rig with settings of the test's choice, and waits until its engine is loaded."""
    # No recorder acknowledges here: stopping need not wait for one.
    monkeypatch.setattr("services.generator.service.DRAIN_S", 0.05)
    made: list[Rig] = []

    async def make(**settings: Any) -> Rig:
        rig = Rig(buses, folder, **settings)
        made.append(rig)

        async def loaded() -> bool:
            return bool((await rig.ask("status")).body["state"] != "loading")

        await eventually_async(loaded)
        return rig

    yield make
    for rig in made:
        if not rig.task.done():
            await rig.stop()


@pytest.fixture
async def rig(make_rig: Callable[..., Any]) -> Rig:
    made: Rig = await make_rig()
    return made
