"""A call to a process on the bus, from one that has no bus of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.bus.rpc import Client
from shared.process.runner import open_bus
from shared.process.settings import Settings


@asynccontextmanager
async def calling(settings: Settings, channel: str) -> AsyncIterator[Client]:
    """A client of one process; whether anybody answers shows with the first call."""
    bus = open_bus(settings, linger_ms=0)
    client = Client(bus, channel)
    try:
        yield client
    finally:
        await client.close()
        bus.close()
