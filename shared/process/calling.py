"""A call to a process on the bus, from one that has no bus of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from shared.bus.clients import Peer
from shared.process.runner import open_bus
from shared.process.settings import Settings

PeerT = TypeVar("PeerT", bound=Peer)


@asynccontextmanager
async def calling(settings: Settings, kind: type[PeerT]) -> AsyncIterator[PeerT]:
    """A client of one process; whether anybody answers shows with the first request."""
    bus = open_bus(settings, linger_ms=0)
    client = kind(bus)
    try:
        yield client
    finally:
        await client.close()
        bus.close()
