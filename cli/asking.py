"""What the commands share: where a session lies, and a call to a process on the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import typer
from rich.console import Console

from shared.bus.clients import Peer
from shared.process.runner import open_bus
from shared.process.settings import Settings

PeerT = TypeVar("PeerT", bound=Peer)

FAILED = 3
"""Exit code of a command that could not do what it was asked, as against one that found something."""


def session_folder(settings: Settings, session: str) -> Path:
    """The folder of a session that is named by its id, or by the path of its folder."""
    given = Path(session)
    if given.is_dir() and (len(given.parts) > 1 or given.is_absolute()):
        return given.resolve()
    return settings.sessions_dir / session


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


def fail(problem: str) -> NoReturn:
    """Say what is wrong and end.

    Raises:
        typer.Exit: always.
    """
    Console(stderr=True).print(problem, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(FAILED)
