"""Buses of a test's own: real sockets, in a folder or on an address that nobody else uses."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from shared.bus.address import BusAddress
from shared.bus.curve import CurveKeys
from shared.bus.envelope import Published
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber

MIB = 1024 * 1024

_hosts = count(1)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket file: pytest's own ``tmp_path`` often does not."""
    folder = Path(tempfile.mkdtemp(prefix="pf-", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def loopback_host() -> str:
    """A loopback address that no other test uses, so that fixed ports on it are free.

    All of 127/8 is loopback on Linux; elsewhere only 127.0.0.1 is.
    """
    if not sys.platform.startswith("linux"):
        return "127.0.0.1"
    pid, number = os.getpid(), next(_hosts)
    return f"127.{1 + pid % 200}.{(pid // 200) % 250}.{1 + number % 250}"


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port from the system, free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Buses:
    """Makes ends of one bus, as if each were in a process of its own, and closes all that it made."""

    def __init__(self, address: BusAddress) -> None:
        self.address = address
        self._made: list[Bus] = []

    def new(self, *, budget_bytes: int = 128 * MIB, keys: CurveKeys | None = None, linger_ms: int = 0) -> Bus:
        """Another end of the bus."""
        bus = Bus(self.address, budget_bytes=budget_bytes, keys=keys, linger_ms=linger_ms)
        self._made.append(bus)
        return bus

    def close(self) -> None:
        """Close all ends; one that a test has closed already is left alone."""
        for bus in self._made:
            bus.close()
        self._made.clear()


async def first(subscriber: Subscriber, message_type: str, timeout_s: float) -> Published:
    """The first message of a type. Raises TimeoutError: none came in time."""
    async with asyncio.timeout(timeout_s):
        while (message := await subscriber.receive()).type != message_type:
            continue
        return message
