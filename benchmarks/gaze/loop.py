"""The loop from gaze to picture in real processes: how fast each stage is, and whether the record is whole.

A sleeping engine makes the pictures. ``GAZE_MINUTES`` is how long the recorded trial at 1000 Hz goes on (default 1).
"""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil  # type: ignore[import-untyped]
import websockets

from benchmarks.figures import Figure
from benchmarks.systems import Caller, photograph, sleeping_system
from shared.bus.clients import GazeClient
from shared.bus.gaze_messages import EyeMovement
from shared.bus.requests import displays
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.gaze.record.samples import RECORD_BYTES
from tests.support.processes import REPOSITORY, Process, System
from tests.support.waiting import eventually

JUMPS = 300
PINGS = 25
RATES_HZ = (250, 1000)
IDLE_S = 15.0
MINUTES = float(os.environ.get("GAZE_MINUTES", "1"))
BOX = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "page_px": [1920, 1080], "is_full_screen": True}


def measure() -> list[Figure]:
    """Latencies, clocks, processor time, and a trial whose recorder is killed meanwhile."""
    figures: list[Figure] = []
    with sleeping_system(PARAFOVEA_GAZE="websocket") as system:
        system.start("gaze")
        figures += asyncio.run(_latencies(system))
    for rate_hz in RATES_HZ:
        with sleeping_system(PARAFOVEA_GAZE=f"simulated:1@{rate_hz}") as system:
            figures += _processor_time(system, system.start("gaze"), rate_hz)
    figures += _recorder_killed()
    return figures


# -- latencies --------------------------------------------------------------------------------------------------------


async def _latencies(system: System) -> list[Figure]:
    begin_trial(system, trigger="key", record=False)
    bus = Bus(system.address, budget_bytes=1 << 24, linger_ms=0)
    client = GazeClient(bus)
    told = Subscriber(bus, "gaze", [EyeMovement.type])
    address = f"ws://127.0.0.1:{system.port}/display"
    try:
        async with websockets.connect(address, ping_interval=None, max_queue=None) as display:
            await display.send(json.dumps({"type": "view", **BOX}))
            decided = await _decisions(client, told)
            to_page, offsets = await _presses_and_pings(display)
    finally:
        await client.close()
        told.close()
        bus.close()
    return [
        _latency("samples in to event published and received", decided, 3.0),
        _latency("message of the gaze process to a display's WebSocket", to_page, 2.0),
        Figure(
            "clock of a display on this machine, best of 8",
            max(offsets),
            "ms",
            at_most=0.25,
            detail=f"{len(offsets)} times; median {statistics.median(offsets):.3f} ms",
        ),
    ]


async def _decisions(client: GazeClient, told: Subscriber) -> list[float]:
    """A viewer who looks here and there, at 250 Hz: from the sample that shows a saccade to the message of it."""
    sent_s = 0.0
    found: list[float] = []

    async def listen() -> None:
        async for message in told:
            event = message.message
            if isinstance(event, EyeMovement) and event.kind == "saccade" and event.offset_ns is None:
                found.append((time.perf_counter() - sent_s) * 1000)

    listening = asyncio.create_task(listen())
    due_s = time.perf_counter()
    for number in range(JUMPS * 40):
        x = 0.2 if number // 40 % 2 else 0.6
        due_s += 0.004
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        sent_s = time.perf_counter()
        point = displays.Point(x=x, y=0.5, confidence=1.0)
        await client.ask(displays.POINTS, displays.Points(source="websocket", points=(point,)))
    listening.cancel()
    return found


async def _presses_and_pings(display: Any) -> tuple[list[float], list[float]]:
    """A key makes a message to the display; pings compare the clocks, which are the same one here."""
    latencies: list[float] = []
    offsets: list[float] = []
    for _ in range(PINGS):
        trips = []
        for _ in range(8):
            sent_ns = time.perf_counter_ns()
            await display.send(json.dumps({"type": "ping", "sent_ms": sent_ns / 1e6}))
            pong = await _next(display, "pong")
            returned_ns = time.perf_counter_ns()
            offset_ns = (pong["received_ns"] - sent_ns + pong["answered_ns"] - returned_ns) / 2
            trips.append((returned_ns - sent_ns, abs(offset_ns) / 1e6))
        offsets.append(min(trips)[1])
        for _ in range(8):
            await display.send(json.dumps({"type": "key", "key": " ", "at_ms": 0.0}))
            step: dict[str, Any] = {}
            while step.get("step") != "dark":
                step = await _next(display, "trial")
            latencies.append((time.monotonic_ns() - step["monotonic_ns"]) / 1e6)
    return latencies, offsets


async def _next(display: Any, kind: str) -> dict[str, Any]:
    while True:
        message = json.loads(await display.recv())
        if message["type"] == kind:
            return dict(message)


def _latency(name: str, values_ms: list[float], at_most_ms: float) -> Figure:
    ordered = sorted(values_ms)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    detail = f"{len(ordered)} times; median {statistics.median(ordered):.2f} ms"
    return Figure(f"{name}, p99", p99, "ms", at_most=at_most_ms, detail=detail)


# -- processor time ---------------------------------------------------------------------------------------------------


def _processor_time(system: System, gaze_process: Process, rate_hz: int) -> list[Figure]:
    """Of the gaze process: while samples come and no trial is under way, and in one in which nothing is asked for."""
    limit = 0.01 if rate_hz <= 250 else 0.05
    idle = Figure(f"gaze process at {rate_hz} Hz without a trial, of one core", _used(gaze_process), at_most=limit)
    begin_trial(system, trigger="blink", record=False)
    return [idle, Figure(f"gaze process at {rate_hz} Hz in a trial, of one core", _used(gaze_process))]


def _used(gaze_process: Process) -> float:
    process = psutil.Process(gaze_process.pid)
    before = process.cpu_times()
    time.sleep(IDLE_S)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / IDLE_S


# -- the record -------------------------------------------------------------------------------------------------------


def _recorder_killed() -> list[Figure]:
    """A trial at 1000 Hz: the recorder is killed outright again and again, and away for a while each time."""
    with sleeping_system(PARAFOVEA_GAZE="simulated:1@1000") as system:
        system.start("gaze")
        Caller(system).post("/session/start?session_id=loop")
        with _display(system):
            begin_trial(system, trigger="blink", record=True, policy={"name": "farthest", "dwell_ms": 300.0})
            until = time.monotonic() + MINUTES * 60
            kills = 0
            recorder = next(process for process in system.processes if process.name == "recorder")
            while time.monotonic() < until:
                time.sleep(MINUTES * 60 / 8)
                recorder.kill()
                time.sleep(MINUTES * 60 / 16)
                recorder = system.start("recorder")
                kills += 1
            post(system, "/trial/end", {})
        eventually(lambda: is_recorded(system), 30.0, "the recorder has everything")
        Caller(system).post("/session/stop")
        folder = system.sessions / "loop"
        inputs = _numbers(folder)
        samples = sum(path.stat().st_size for path in (folder / "gaze").glob("*.bin")) // RECORD_BYTES
        decided = _command(system, "decide", "loop", "--json")
        checked = _command(system, "check", "loop", "--json")
        changes = list(csv.DictReader(_command(system, "trials", "loop", "--csv")[1].splitlines()))
        (trial,) = json.loads(decided[1])["trials"]
        return [
            Figure(
                f"inputs lost of a trial at 1000 Hz, recorder killed {kills} times in {MINUTES:g} min",
                inputs - trial["inputs"],
                at_most=0,
                detail=f"{samples} samples recorded",
            ),
            Figure("the trial, decided again: 0 identical", decided[0], at_most=0, detail=f"{trial['outcomes']} steps"),
            Figure("its session, checked: 0 whole", checked[0], at_most=0),
            Figure("changes displayed after their deadline", _late(changes), at_most=0, detail=f"of {len(changes)}"),
        ]


def _late(changes: list[dict[str, str]]) -> int:
    return sum(change["is_late"] == "TRUE" for change in changes)


def _numbers(folder: Any) -> int:
    """How many inputs there were, by the number of the last."""
    last = (folder / "trials.jsonl").read_bytes().splitlines()[-1]
    return int(json.loads(last)["n"]) + 1


def is_recorded(system: System) -> bool:
    """Whether the gaze process holds nothing for the recorder any more."""
    status = system.ask("gaze-control", "status")
    return status is not None and not status["held"]


@contextmanager
def _display(system: System) -> Iterator[None]:
    """A display in a process of its own, which draws at once."""
    command = [sys.executable, "-m", "tests.support.drawing_display", str(system.port)]
    drawing = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        yield
    finally:
        drawing.terminate()
        drawing.wait()


def begin_trial(system: System, **fields: Any) -> None:
    """Begin a trial with a photograph."""
    body = {"image_base64": base64.b64encode(photograph(512)).decode(), "prompts": "a bee", **fields}
    post(system, "/trial/begin", body)


def post(system: System, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a POST of JSON."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{system.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def _command(system: System, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PARAFOVEA_SESSIONS_DIR": str(system.sessions)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
