"""A replayer in this process on a real ipc bus, with sessions on disk, a client and a subscriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.replayer.service import Replayer
from shared.bus.envelope import Published, Reply
from shared.bus.rpc import Client
from shared.bus.subscriber import Subscriber
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.buses import Buses
from tests.support.frames import CREATED_AT, pending_frame


class Rig:
    """The replayer under test, and what is around it."""

    def __init__(self, buses: Buses, folder: Path) -> None:
        self.root = folder / "sessions"
        self.buses = buses
        settings = Settings.model_validate({"sessions_dir": self.root, "bus": str(buses.address)})
        self.runtime = Runtime(settings, buses.new())
        self.replayer = Replayer(self.runtime)
        self.task = asyncio.create_task(self.replayer.run())
        self.client = Client(buses.new(), "replayer")
        self.subscriber = Subscriber(buses.new(), "replays")

    def record(self, session_id: str = "s", frames: int = 3) -> SessionWriter:
        """Record a session and leave it open."""
        writer = SessionWriter.create(Disk(), self.root, session_id, CREATED_AT)
        self.add(writer, frames)
        return writer

    def add(self, writer: SessionWriter, frames: int, **fields: Any) -> None:
        """Record more frames."""
        first = writer.recorded
        writer.append([pending_frame(first + n, session_id=writer.session_id, **fields) for n in range(frames)])

    async def ask(self, message_type: str, **body: Any) -> Reply:
        return await self.client.call(message_type, body, timeout_s=20)

    async def shown(self, message_type: str = "next", **body: Any) -> int | None:
        """The index of the frame that a step shows, or None where there is none."""
        reply = await self.ask(message_type, **body)
        if reply.body["complete"]:
            assert reply.payloads == ()
            return None
        assert len(reply.payloads) == 1
        index: int = reply.body["entry"]["index"]
        return index

    async def published(self, message_type: str) -> Published:
        """The next message of a type."""
        async with asyncio.timeout(10):
            while (message := await self.subscriber.receive()).type != message_type:
                continue
            return message

    async def stop(self) -> None:
        self.runtime.stopping.set()
        await self.task
        await self.runtime.finish()
        await self.client.close()


@pytest.fixture
async def rig(buses: Buses, folder: Path) -> AsyncIterator[Rig]:
    made = Rig(buses, folder)
    yield made
    await made.stop()
