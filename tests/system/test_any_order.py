"""Processes started in any order and stopped in any order; subscribers early and late."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import pytest

from tests.support.processes import Process
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

OWNED = {
    "generator": {"frames", "generator"},
    "recorder": {"recordings", "recorder"},
    "replayer": {"replays", "replayer"},
    "gaze": {"gaze", "gaze-control"},
    "api": set(),
    "logger": set(),
}
"""The channels that each process binds."""

ORDERS = [
    ("generator recorder replayer gaze api logger", "logger api gaze replayer recorder generator"),
    ("gaze api replayer recorder generator logger", "generator recorder replayer api logger gaze"),
    ("logger recorder gaze api generator replayer", "recorder generator logger api gaze replayer"),
    ("replayer api logger generator recorder gaze", "gaze api generator recorder logger replayer"),
]


def launch(quick: Studio, name: str) -> Process:
    if name == "generator":
        return quick.start_generator(wait=False)
    return quick.start(name, wait=False)


def socket_files(quick: Studio) -> set[str]:
    return {path.name for path in quick.bus_folder.iterdir()} if quick.bus_folder.exists() else set()


def use_it(quick: Studio, session_id: str = "s") -> None:
    """Record three frames, and replay them."""
    quick.start_session(session_id)
    frames = [quick.generate(seed, durable=True) for seed in range(3)]
    assert [frame.recorded for frame in frames] == ["disk"] * 3
    quick.wait_recorded(session_id, frames)
    total = quick.http.post(f"/session/replay/{session_id}").json()["total_generations"]
    assert total == 3
    for frame in frames:
        assert quick.http.get("/session/replay/next").content == frame.png
    assert quick.http.get("/session/replay/next").json() == {"status": "complete", "image": None}


@pytest.mark.parametrize(("starts", "stops"), ORDERS, ids=[starts.replace(" ", "-") for starts, _ in ORDERS])
def test_started_and_stopped_in_any_order(starts: str, stops: str, quick: Studio) -> None:
    processes = {}
    for name in starts.split():
        processes[name] = launch(quick, name)
        quick.wait_ready(processes[name])  # each answers by itself, whoever else is there
    quick.wait_until_ready()
    use_it(quick)
    for name in stops.split():
        assert processes[name].stop() == 0, f"{name} did not end well"
        left = {f"{channel}{suffix}" for channel in OWNED[name] for suffix in ("", ".lock")} & socket_files(quick)
        assert not left, f"{name} left {left}"
    assert socket_files(quick) == set()
    quick.assert_nothing_left()
    assert all("Traceback" not in process.err for process in processes.values())


def test_all_started_at_once(quick: Studio) -> None:
    processes = [launch(quick, name) for name in OWNED]
    for process in processes:
        quick.wait_ready(process)
    quick.wait_until_ready()
    use_it(quick)
    assert quick.stop_all(signal.SIGINT) == dict.fromkeys(OWNED, 0)


@pytest.mark.parametrize("name", ["generator", "recorder", "replayer", "gaze", "api"])
def test_each_can_be_restarted_by_itself(name: str, quick: Studio) -> None:
    processes = {each: launch(quick, each) for each in OWNED}
    for process in processes.values():
        quick.wait_ready(process)
    quick.wait_until_ready()
    use_it(quick, "before")
    processes[name].kill()
    again = launch(quick, name)
    quick.wait_ready(again)
    quick.wait_until_ready()
    use_it(quick, "after")


def messages(process: Process, message_type: str) -> list[dict[str, Any]]:
    """What a subscriber that prints JSON lines saw."""
    lines = [json.loads(line) for line in process.out.splitlines() if line.endswith("}")]
    return [line for line in lines if line["type"] == message_type]


def test_a_subscriber_started_early_and_one_started_late(quick: Studio) -> None:
    early = quick.start("logger")
    quick.start_everything()
    eventually(lambda: messages(early, "status"), what="the early one hears the generator")
    quick.start_session("s")
    for seed in range(3):
        quick.generate(seed, durable=True)
    late = quick.run("late tap", [sys.executable, "-m", "cli.main", "tap", "--json"])
    status = eventually(lambda: messages(late, "status"), what="the late one is told where things stand")[0]
    assert status["last_seq"] == 2
    assert status["state"] == "ready"
    for seed in range(3, 6):
        quick.generate(seed, durable=True)
    eventually(lambda: len(messages(early, "frame")) == 6, what="all frames at the early one")
    eventually(lambda: len(messages(late, "frame")) == 3, what="the new frames at the late one")
    assert [message["seq"] for message in messages(early, "frame")] == list(range(6))
    assert [message["seq"] for message in messages(late, "frame")] == [3, 4, 5]
    eventually(lambda: len(messages(early, "frame.recorded")) == 6, what="the recorder's word for each")
    # Told again when somebody joins: a fact that may be repeated.
    assert {message["session_id"] for message in messages(early, "session.started")} == {"s"}
    assert messages(late, "session.started")
    assert late.stop(signal.SIGINT) == 0
