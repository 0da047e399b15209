"""The example subscribers as real processes: they come and go, and nothing depends on them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.bus.messages import Status
from shared.bus.publisher import Publisher
from tests.support.buses import Buses
from tests.support.processes import Process, System
from tests.support.samples import frame, tiny_png
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.system


class Generator:
    """A stand-in that publishes on ``frames`` as the generator does, one life after another."""

    def __init__(self, buses: Buses) -> None:
        self._buses = buses
        self.epoch = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self, epoch: str, last_seq: int = -1) -> None:
        """Begin a life, and wait until somebody who wants everything has joined."""
        self.epoch = epoch
        self._bus = self._buses.new(linger_ms=1000)
        joined = asyncio.Event()

        def on_join(message_type: str) -> list[Status]:
            if message_type == "frame":
                joined.set()
            return [self.status(last_seq)] if message_type == "status" else []

        self.publisher = Publisher(self._bus, "frames", on_join=on_join)
        self._task = asyncio.create_task(self.publisher.serve_joins())
        await asyncio.wait_for(joined.wait(), 30)

    def status(self, last_seq: int) -> Status:
        return Status(
            epoch=self.epoch, state="ready", last_seq=last_seq, queue=0, backlog_bytes=0, backlog_limit_bytes=1
        )

    async def publish(self, seq: int) -> None:
        png = tiny_png(seq)
        await self.publisher.publish(frame(seq, payload=png).model_copy(update={"epoch": self.epoch}), png)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self._bus.close()


@pytest.fixture
async def generator(buses: Buses, system: System) -> AsyncIterator[Generator]:
    made = Generator(buses)
    yield made
    await made.stop()


def logged(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.out.splitlines() if line.endswith("}")]


def frames_of(process: Process) -> list[tuple[str, int, int]]:
    found = [message for message in logged(process) if message["type"] == "frame"]
    return [(message["epoch"], message["seq"], message["payload_bytes"]) for message in found]


async def test_the_logger_prints_headers_through_two_lives_of_the_generator(
    system: System, generator: Generator
) -> None:
    logger = await asyncio.to_thread(system.start, "logger")
    for epoch in ("first", "second"):
        await generator.start(epoch)
        for seq in range(3):
            await generator.publish(seq)
        await eventually_async(lambda epoch=epoch: (epoch, 2, len(tiny_png(2))) in frames_of(logger))  # type: ignore[misc]
        await generator.stop()
    assert [(epoch, seq) for epoch, seq, _ in frames_of(logger)] == [
        (e, s) for e in ("first", "second") for s in range(3)
    ]
    first = next(message for message in logged(logger) if message["type"] == "frame")
    assert first["channel"] == "frames"
    assert first["prompt"] == "add a small ladybug"
    assert "payload" not in first
    assert logger.stop(signal.SIGINT) == 0
    assert "Traceback" not in logger.err


async def test_the_metrics_count_through_two_lives_of_the_generator(system: System, generator: Generator) -> None:
    metrics = await asyncio.to_thread(system.start, "metrics")
    url = f"http://127.0.0.1:{system.metrics_port}/metrics"

    def scrape() -> dict[str, float]:
        with urllib.request.urlopen(url, timeout=5) as response:
            lines = response.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    async def until(name: str, value: float) -> dict[str, float]:
        async def there() -> dict[str, float] | None:
            found = await asyncio.to_thread(scrape)
            return found if found.get(name) == value else None

        found: dict[str, float] = await eventually_async(there, what=f"{name} {value}")
        return found

    await generator.start("first")
    for seq in (0, 1, 4):
        await generator.publish(seq)
    found = await until('parafovea_frames_total{recorded="yes",sector="BR"}', 3)
    assert found["parafovea_missed_frames_total"] == 2
    assert found['parafovea_generator_state{state="ready"}'] == 1
    assert found["parafovea_frame_bytes_total"] == sum(len(tiny_png(seq)) for seq in (0, 1, 4))
    await generator.stop()
    await generator.start("second", last_seq=9)
    await generator.publish(10)
    found = await until('parafovea_frames_total{recorded="yes",sector="BR"}', 4)
    assert found["parafovea_missed_frames_total"] == 2, "a new life is no gap"
    assert metrics.stop() == 0


async def test_what_they_do_not_understand_they_pass_over(system: System, generator: Generator) -> None:
    logger = await asyncio.to_thread(system.start, "logger")
    metrics = await asyncio.to_thread(system.start, "metrics")
    tap = system.run("tap", [sys.executable, "-m", "cli.main", "tap"])
    await generator.start("odd")
    send = generator.publisher.send
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    odd: list[dict[str, Any]] = [
        {"type": "status", "state": "dreaming", "last_seq": "many", "epoch": "odd", "queue": None},
        {"type": "status", "state": ["ready"]},
        {"type": "frame", "epoch": [], "seq": {}, "target_sector": [1], "session_id": 3, "generation_ms": "long"},
        {"type": "frame", "notes": deep},
        {"type": "progress", "step": deep[:1], "time": 1e300},
        {"type": "replay.frame", "entry": 5},
        {"type": "teapot", "time": "noon"},
    ]

    async def all_heard() -> bool:
        for number in range(20):
            for header in odd:
                raw = json.dumps({"v": 1, "id": str(number), **header}).encode()
                await send([f"{header['type']}|".encode(), raw, b""])
            await generator.publish(number)
        heard = (logger.out, tap.out, urllib_text(f"http://127.0.0.1:{system.metrics_port}/metrics"))
        return "teapot" in heard[0] and "frame " in heard[1] and 'frames_total{recorded="yes"' in heard[2]

    await eventually_async(all_heard, 60)
    for process in (logger, metrics, tap):
        assert process.exit_code is None, process.err
        assert "Traceback" not in process.err
        assert len(process.err) < 20_000
    assert tap.stop(signal.SIGINT) == 0


def urllib_text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        text: str = response.read().decode()
    return text


def test_the_logger_ends_when_nobody_reads_it(system: System) -> None:
    head = f"{sys.executable} -m services.logger | head -n 1"
    process = system.run("logger", ["bash", "-c", f"set -o pipefail; {head}"])
    eventually(lambda: "reads the bus" in process.err, 30)

    async def talk() -> None:
        buses = Buses(system.address)
        generator = Generator(buses)
        await generator.start("only")
        for seq in range(1000):
            if process.exit_code is not None:
                break
            await generator.publish(seq)
            await asyncio.sleep(0.01)
        await generator.stop()
        buses.close()

    asyncio.run(talk())
    assert process.wait() == 0
    assert len(process.out.splitlines()) == 1
    assert "Traceback" not in process.err
    assert "Exception" not in process.err


def test_a_metrics_port_that_is_taken_is_said_and_waited_for(system: System) -> None:
    first = system.start("metrics")
    second = system.run("metrics", [sys.executable, "-m", "services.metrics"])
    eventually(lambda: "cannot listen on" in second.err, 30)
    assert f"127.0.0.1:{system.metrics_port}" in second.err
    assert "PARAFOVEA_METRICS_PORT" in second.err
    assert "Traceback" not in second.err
    assert first.stop() == 0
    eventually(lambda: "serves http://" in second.err, 30)
    assert system.is_ready("metrics")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_they_stop_when_nobody_is_there(number: int, system: System) -> None:
    started = [system.start(name, wait=False) for name in ("logger", "metrics", "replayer")]
    for process in started:
        system.wait_ready(process)
    assert system.stop_all(number) == {"logger": 0, "metrics": 0, "replayer": 0}
    assert all("Traceback" not in process.err for process in started)


def test_a_second_replayer_is_refused_and_the_first_goes_on(system: System) -> None:
    first = system.start("replayer")
    second = system.run("replayer", [sys.executable, "-m", "services.replayer"])
    assert second.wait(30) == 2
    assert "already holds the channel" in second.err
    assert "Traceback" not in second.err
    assert system.is_ready("replayer", first)


def test_a_setting_that_cannot_be_used_is_a_sentence(system: System) -> None:
    for name in ("replayer", "logger", "metrics"):
        process = system.start(name, wait=False, PARAFOVEA_PROT="1")
        assert process.wait(30) == 2
        assert "PARAFOVEA_PROT is not a setting; did you mean PARAFOVEA_PORT?" in process.err
        assert "Traceback" not in process.err
