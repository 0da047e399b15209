"""Timed playback: how far frames stray from their schedule, against a bare loop that sleeps, reads and sends."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import zmq

from benchmarks.figures import Figure
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.processes import System

FRAMES = 200
INTERVAL_S = 0.03
FRAME_BYTES = 1_400_000
QUARTER = FRAMES // 4
DEADLINE_MS = 60_000


def measure() -> list[Figure]:
    """Lateness at the end of a session, and whether it grows; runs alternate A B B A."""
    with tempfile.TemporaryDirectory(prefix="pfb-", dir="/tmp") as folder:
        system = System(Path(folder))
        try:
            _record(system)
            system.start("replayer")
            player, bare = [], []
            for ours in (True, False, False, True):
                (player if ours else bare).append(_played(system) if ours else _bare_loop(system))
        finally:
            system.stop_all()
            system.kill_all()
    late, bare_late = (statistics.median(_floor(run[-QUARTER:]) for run in runs) for runs in (player, bare))
    growth = statistics.median(_growth(run) for run in player)
    bare_growth = statistics.median(_growth(run) for run in bare)
    all_late = [value for run in player for value in run]
    return [
        Figure(
            f"lateness in the last quarter of {FRAMES} frames, playback against a bare loop",
            late / bare_late,
            at_most=0.25,
            detail=f"{late * 1000:.2f} ms against {bare_late * 1000:.1f} ms",
        ),
        Figure(
            "growth of the lateness from the first to the last quarter",
            growth * 1000,
            "ms",
            at_most=2.0,
            detail=f"the bare loop: {bare_growth * 1000:.1f} ms",
        ),
        Figure(
            "lateness of a frame, median of all",
            statistics.median(all_late) * 1000,
            "ms",
            detail=f"95 of 100 below {statistics.quantiles(all_late, n=20)[18] * 1000:.2f} ms",
        ),
    ]


def _record(system: System) -> None:
    system.sessions.mkdir()
    writer = SessionWriter.create(Disk(), system.sessions, "s", CREATED_AT)
    for number in range(FRAMES):
        fields = {"timestamp": CREATED_AT + number * INTERVAL_S, "session_id": "s"}
        writer.append([pending_frame(number, padding_bytes=FRAME_BYTES, **fields)])
    writer.close()


def _played(system: System) -> list[float]:
    """Seconds by which each frame was late, by the clock of its sender."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    try:
        socket.connect(system.address.of("replays"))
        socket.subscribe(b"replay.frame|")
        system.ask("replayer", "start", {"session_id": "s"})
        while not socket.poll(100):  # until the subscription has arrived
            system.ask("replayer", "seek", {"index": 0})
            system.ask("replayer", "next")
        system.ask("replayer", "start", {"session_id": "s"})
        while socket.poll(100):
            socket.recv_multipart()
        system.ask("replayer", "play", {"speed": 1.0})
        late = []
        while len(late) < FRAMES:
            assert socket.poll(DEADLINE_MS)
            header = json.loads(socket.recv_multipart()[1])
            late.append(header["actual_time"] - header["planned_time"])
        return late
    finally:
        socket.close(0)
        context.term()


def _bare_loop(system: System) -> list[float]:
    """The same with sleep, read, send: what is late stays late."""
    files = sorted((system.sessions / "s").glob("0*.png"))
    context = zmq.Context()
    sender, receiver = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    try:
        sender.bind("inproc://bare")
        receiver.connect("inproc://bare")
        late = []
        begun = time.monotonic()
        for number, path in enumerate(files):
            if number:
                time.sleep(INTERVAL_S)
            data = path.read_bytes()
            late.append(time.monotonic() - begun - number * INTERVAL_S)
            sender.send(data, copy=False)
            receiver.recv()
        return late
    finally:
        sender.close(0)
        receiver.close(0)
        context.term()


def _growth(run: list[float]) -> float:
    return _floor(run[-QUARTER:]) - _floor(run[:QUARTER])


def _floor(part: list[float]) -> float:
    """The lower quartile: what else the machine does makes single frames late, an accumulating drift all of them."""
    return statistics.quantiles(part, n=4)[0]
