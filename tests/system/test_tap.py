"""``parafovea tap`` as a real process on a real bus."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from shared.bus.message import Message
from shared.bus.publisher import Publisher
from tests.support.buses import Buses
from tests.support.processes import Process, System
from tests.support.samples import SAMPLES, tiny_png
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.system

TAP = [sys.executable, "-m", "cli.main", "tap"]


@pytest.fixture
async def publisher(buses: Buses, system: System) -> AsyncIterator[Publisher]:
    """A publisher of ``frames`` that tells its status to those who join."""

    def on_join(message_type: str) -> list[Message]:
        return [SAMPLES["status"]] if message_type == "status" else []

    made = Publisher(buses.new(), "frames", on_join=on_join)
    joins = asyncio.create_task(made.serve_joins())
    yield made
    joins.cancel()


async def lines(process: Process, count: int, wanted: str = "") -> list[str]:
    def enough() -> list[str] | None:
        if process.exit_code is not None:
            raise RuntimeError(f"tap exited with {process.exit_code}: {process.err}")
        found = [line for line in process.out.splitlines(keepends=True) if line.endswith("\n") and wanted in line]
        return found if len(found) >= count else None

    found: list[str] = await eventually_async(enough, 30, f"{count} lines")
    return found


async def test_piped_it_is_plain_and_comes_at_once(system: System, publisher: Publisher) -> None:
    tap = system.run("tap", TAP)
    await lines(tap, 1, "status")
    await publisher.publish(SAMPLES["frame"], tiny_png())
    (line,) = await lines(tap, 1, "frame ")
    assert "seq 0  BR  512x512  812 ms" in line
    assert "\x1b" not in line
    assert tap.stop(signal.SIGINT) == 0
    assert tap.err == ""


async def test_as_json_each_line_is_a_header(system: System, publisher: Publisher) -> None:
    tap = system.run("tap", [*TAP, "status", "--json"])
    (line,) = await lines(tap, 1)
    header = json.loads(line)
    assert (header["type"], header["epoch"], header["payload_bytes"]) == ("status", "epoch-1", 0)
    await publisher.publish(SAMPLES["frame"], tiny_png())
    await publisher.publish(SAMPLES["status"])
    found = await lines(tap, 2)
    assert {json.loads(line)["type"] for line in found} == {"status"}, "of the topic asked for only"
    assert tap.stop(signal.SIGTERM) == 0


async def test_it_ends_quietly_when_nobody_reads_on(system: System, publisher: Publisher) -> None:
    command = f"set -o pipefail; {' '.join(TAP)} | head -n 1"
    tap = system.run("tap", ["bash", "-c", command])

    async def ended() -> bool:
        await publisher.publish(SAMPLES["status"])
        return tap.exit_code is not None

    await eventually_async(ended, 30)
    assert tap.exit_code == 0
    assert len(tap.out.splitlines()) == 1
    assert tap.err == ""


async def test_started_first_it_waits_for_the_bus(system: System, buses: Buses) -> None:
    tap = system.run("tap", TAP)
    bus = buses.new()
    made = Publisher(bus, "frames", on_join=lambda message_type: [SAMPLES["status"]])
    joins = asyncio.create_task(made.serve_joins())
    await lines(tap, 1, "status")
    joins.cancel()
    bus.close()
    assert tap.stop(signal.SIGINT) == 0
    assert tap.err == ""
