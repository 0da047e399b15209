"""Timed replay as an independent subscriber sees it, in plain pyzmq and JSON; figures of a comparison over HTTP."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import zmq

from tests.support.studio import Studio
from tests.support.waiting import eventually
from tests.system.reproduce.support import record

pytestmark = pytest.mark.system

DEADLINE_MS = 30_000


def test_a_subscriber_sees_the_recorded_intervals(quick: Studio) -> None:
    quick.start_generator(sleep_ms=30)
    quick.start_recorder()
    quick.start("replayer")
    quick.start_api()
    sequence = record(quick, "first", frames=6)["sequence"]
    context = zmq.Context()
    subscriber = context.socket(zmq.SUB)
    subscriber.linger = 0
    try:
        subscriber.connect(quick.address.of("replays"))
        subscriber.subscribe(b"replay.frame|")
        subscriber.subscribe(b"replay.status|")
        assert quick.http.post("/session/replay/first").json()["total_generations"] == 6
        eventually(lambda: quick.http.post("/session/replay/seek?index=0").is_success and subscriber.poll(100), 30)
        speed = 2.0
        playing = quick.http.post("/session/replay/play", params={"speed": speed}).json()
        assert (playing["status"], playing["speed"], playing["loop"]) == ("playing", speed, False)
        shown = [_next_frame(subscriber) for _ in range(6)]
    finally:
        subscriber.close()
        context.term()
    for (header, payload), entry in zip(shown, sequence, strict=True):
        assert header["entry"]["frame_id"] == entry["frame_id"]
        assert payload == (quick.sessions / "first" / entry["filename"]).read_bytes()
        assert header["actual_time"] >= header["planned_time"] - 1e-4
    for ((one, _), (other, _)), (before, after) in zip(pairwise(shown), pairwise(sequence), strict=True):
        recorded = after["timestamp"] - before["timestamp"]
        assert other["planned_time"] - one["planned_time"] == pytest.approx(recorded / speed, abs=1e-5)
    eventually(lambda: quick.http.get("/session/replay/status").json()["status"] == "complete", 30)
    assert quick.http.post("/session/replay/pause").json()["status"] == "complete"


def _next_frame(subscriber: Any) -> tuple[dict[str, Any], bytes]:
    while True:
        assert subscriber.poll(DEADLINE_MS), "no frame came"
        topic, header, payload = subscriber.recv_multipart()
        if topic == b"replay.frame|":
            return json.loads(header), payload


def test_sessions_are_compared_over_http_and_the_figures_kept(quick: Studio) -> None:
    quick.start_everything()
    record(quick, "a", frames=4)
    record(quick, "b", frames=3, prompt="another")
    asked = {"a": "a", "b": "b"}

    def complete() -> dict[str, Any] | None:
        answer = quick.http.get("/session/compare", params=asked)
        assert answer.status_code in (200, 202), answer.text
        return answer.json() if answer.status_code == 200 else None

    found = eventually(complete, 60)
    assert found is not None
    assert (found["total"], found["summary"]["compared"], found["summary"]["identical"]) == (4, 3, 3)
    assert found["frames"][3]["problem"] == "session b has no such frame"
    kept = list((quick.folder / ".cache" / "parafovea" / "comparisons").glob("*.json"))
    assert len(kept) == 1
    assert complete() == found
    part = quick.http.get("/session/compare", params={**asked, "first": 1, "count": 1})
    assert [frame["index"] for frame in part.json()["frames"]] == [1]
    assert sorted(path.name for path in (quick.sessions / "a").iterdir() if path.suffix == ".json") == ["metadata.json"]
