"""The subscribers under ``examples/``, which know nothing but docs/bus.md: one in Python, one in Node."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus.message import Message
from shared.bus.messages import Status
from shared.bus.publisher import Publisher
from tests.support.buses import Buses
from tests.support.processes import REPOSITORY, Process, System
from tests.support.samples import frame, tiny_png
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.system
EXAMPLES = REPOSITORY / "examples"


class Generator:
    """Publishes on ``frames``, and knows when somebody listens to frames."""

    def __init__(self, buses: Buses) -> None:
        self.address = buses.address.of("frames")
        self.joined = asyncio.Event()
        self._publisher = Publisher(buses.new(), "frames", on_join=self._on_join)
        self.joins = asyncio.create_task(self._publisher.serve_joins())

    def _on_join(self, message_type: str) -> list[Message]:
        if message_type == "frame":
            self.joined.set()
        return []

    async def publish(self, seq: int, *, altered: bool = False) -> None:
        png = tiny_png(seq)
        await self._publisher.publish(frame(seq, payload=png), png + b"!" if altered else png)

    async def status(self, last_seq: int) -> None:
        await self._publisher.publish(
            Status(epoch="epoch-1", state="ready", last_seq=last_seq, queue=0, backlog_bytes=0, backlog_limit_bytes=1)
        )


@pytest.fixture(params=["ipc", "tcp"])
async def generator(
    request: pytest.FixtureRequest, buses: Buses, tcp_buses: Buses, system: System
) -> AsyncIterator[Generator]:
    made = Generator(buses if request.param == "ipc" else tcp_buses)
    yield made
    made.joins.cancel()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """A folder with the packages that ``examples/package-lock.json`` pins; skips where they cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    lock = (EXAMPLES / "package-lock.json").read_bytes()
    folder = REPOSITORY / "build" / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(EXAMPLES / name, folder)
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm ci did not end within 100 s")
        if done.returncode:
            pytest.skip(f"npm ci failed: {done.stderr.strip().splitlines()[-1:]}")
        (folder / "complete").touch()
    return folder


async def lines(process: Process, count: int) -> list[str]:
    def enough() -> list[str] | None:
        if process.exit_code is not None:
            raise RuntimeError(f"{process.name} exited with {process.exit_code}: {process.err}")
        found = process.out.splitlines()
        return found if len(found) >= count else None

    found: list[str] = await eventually_async(enough, 30, f"{count} lines of {process.name}")
    return found


async def test_the_python_example_checks_every_picture(system: System, generator: Generator) -> None:
    command = [sys.executable, str(EXAMPLES / "subscriber.py"), generator.address]
    process = system.run("subscriber.py", command)
    await asyncio.wait_for(generator.joined.wait(), 30)
    await generator.publish(0)
    await generator.publish(1, altered=True)
    size = len(tiny_png())
    assert await lines(process, 2) == [f"0 BR {size} genuine", f"1 BR {size + 1} ALTERED"]


@pytest.mark.node
async def test_the_node_example_checks_every_picture_and_notices_what_it_missed(
    system: System, generator: Generator, node_modules: Path
) -> None:
    # A module finds its packages from where it lies, so it is run from beside them.
    script = str(shutil.copy(EXAMPLES / "subscriber.mjs", node_modules))
    node = shutil.which("node")
    assert node
    process = system.run("subscriber.mjs", [node, script, generator.address])
    await asyncio.wait_for(generator.joined.wait(), 30)
    await generator.publish(0)
    await generator.publish(1, altered=True)
    await generator.publish(4)
    await generator.status(6)
    told = [json.loads(line) for line in await lines(process, 5)]
    seen = [(line["seq"], line["genuine"]) for line in told if "seq" in line]
    assert seen == [(0, True), (1, False), (4, True)]
    assert told[0]["prompt"] == "add a small ladybug"
    assert [line for line in told if "missed" in line] == [{"missed": 2, "before": 4}, {"missed": 2, "before": 7}]
    assert process.stop() == 0
