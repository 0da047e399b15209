"""Fixtures for every test: a bus of its own, a clean environment, real processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.bus.address import BusAddress
from tests.support.buses import Buses, loopback_host, short_folder
from tests.support.processes import System


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test, and no test reaches the network."""
    for name in [name for name in os.environ if name.startswith("PARAFOVEA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own with a short path."""
    with short_folder() as path:
        yield path


@pytest.fixture
async def buses(folder: Path) -> AsyncIterator[Buses]:
    """Ends of an ipc bus in the test's own folder."""
    made = Buses(BusAddress.parse(f"ipc://{folder}/bus"))
    yield made
    made.close()


@pytest.fixture
async def tcp_buses() -> AsyncIterator[Buses]:
    """Ends of a TCP bus on a loopback address of the test's own."""
    made = Buses(BusAddress.parse(f"tcp://{loopback_host()}:5550"))
    yield made
    made.close()


@pytest.fixture
def system(folder: Path) -> Iterator[System]:
    """Real processes on a bus, ports and folders of the test's own. At the end all are stopped, and nothing may be
    left behind; their logs are shown when the test fails."""
    made = System(folder)
    try:
        yield made
        made.stop_all()
        made.assert_nothing_left()
    finally:
        made.kill_all()
        made.print_logs()
