"""Messages and answers that this version does not understand: each costs itself, and the API lives on."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import orjson
import pytest
import websockets

from shared.bus.envelope import Reply, Request, encode_published
from shared.bus.message import Message
from shared.bus.messages import Heartbeat
from tests.contract.conftest import Site, Sites
from tests.support.samples import SAMPLES
from tests.support.standins import FakeGenerator, FakeRecorder, FakeReplayer
from tests.support.waiting import eventually_async

CHANNELS = {"status": "frames", "frame": "frames", "progress": "frames", "replay.status": "replays"}


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = [value]
    return value


async def publish(site: Site, message_type: str, **changes: Any) -> None:
    """A message with fields that no version of ours sends."""
    topic, header, payload = encode_published(SAMPLES[message_type], b"x")
    odd = {**orjson.loads(header), **changes}
    raw = json.dumps({name: value for name, value in odd.items() if value is not ...}).encode()
    channel = CHANNELS.get(message_type, "recordings")
    stand_in = {"frames": site.generator, "recordings": site.recorder, "replays": site.replayer}[channel]
    await stand_in._publisher.send([topic, raw, payload])


async def is_up(site: Site) -> bool:
    return (await site.client.get("/ready")).status_code == 200 and not site.serving.done()


def heartbeat(site: Site, **changes: Any) -> Message:
    return Heartbeat.model_validate({**site.generator._status().model_dump(), **changes})


async def test_a_state_of_a_newer_generator_is_one_that_takes_nothing(site: Site) -> None:
    async def told() -> bool:
        await site.generator.publish(heartbeat(site, state="dreaming", queue=3))
        health = await site.health()
        generator = health["processes"]["generator"]
        return (generator["state"], generator["queue"], health["model"]["id"]) == ("dreaming", 3, "stand-in")

    await eventually_async(told, what="it is alive, and its other fields count")

    async def refused() -> bool:
        await site.generator.publish(heartbeat(site, state="dreaming"))
        answer = await site.client.get("/ready")
        return answer.status_code == 503 and "dreaming" in answer.json()["detail"]

    await eventually_async(refused)
    await eventually_async(lambda: is_up(site), what="its next heartbeat says ready")


async def test_a_heartbeat_that_says_nothing_is_told_in_health(sites: Sites) -> None:
    site = await sites.new(ready=False)

    async def say_nothing() -> None:
        await publish(site, "status", queue="many", epoch=...)

    site.generator.tell = say_nothing  # type: ignore[method-assign]

    async def told() -> bool:
        health = await site.health()
        return "cannot be understood" in str(health["processes"]["generator"].get("detail"))

    await eventually_async(told, 15)
    assert not site.serving.done()


@pytest.mark.parametrize(
    ("message_type", "changes"),
    [
        ("status", {"state": 7}),
        ("status", {"epoch": None, "sessions": "none"}),
        ("status", {"last_seq": 2**64, "extra": nested(300)}),
        ("frame", {"session_id": ["s"], "record_seq": {}}),
        ("frame", {"notes": nested(400)}),
        ("progress", {"request_id": {"a": 1}, "step": None}),
        ("frame.recorded", {"frame_id": ...}),
        ("frame.recorded", {"index": "first", "frame_id": ["f"]}),
        ("session.started", {"session_id": 5}),
        ("session.stopped", {"reason": nested(20)}),
        ("replay.status", {"cursor": ["c"], "state": "dancing"}),
    ],
)
async def test_a_message_of_an_unknown_kind_ends_nothing(
    site: Site, message_type: str, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    viewer = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws", max_size=None)
    for _ in range(500):
        await publish(site, message_type, **changes)
    assert (await site.client.post("/session/start?session_id=s")).status_code == 200
    assert (await site.generate()).status_code == 200

    told: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while (told.get("type"), told.get("session_id")) != ("session.started", "s"):  # what is understood arrives
            message = await viewer.recv()
            told = json.loads(message) if isinstance(message, str) else {}
    await viewer.close()
    await eventually_async(lambda: is_up(site))
    assert len(caplog.records) < 100, "the log tells of it, and stays small"


class OddGenerator(FakeGenerator):
    answer: Reply | None = None

    async def _generate(self, request: Request) -> Reply:
        made = await super()._generate(request)
        return made if self.answer is None else self.answer


@pytest.mark.parametrize(
    "answer",
    [Reply({}), Reply({"frame_id": 5, "notes": 3}, (b"png",)), Reply({"v": 9}), Reply({"x": nested(200)}, (b"", b""))],
)
async def test_an_odd_answer_of_the_generator_is_an_error_of_that_request(site: Site, answer: Reply) -> None:
    await site.generator.die()
    site.generator = odd = OddGenerator(site.buses.new())
    odd.on_frame = site.recorder.take
    await eventually_async(lambda: is_up(site))
    odd.answer = answer
    failed = await site.generate()
    assert (failed.status_code, failed.json()["error"]) == (500, "internal_error")
    assert "generate.ok" in failed.json()["detail"]
    odd.answer = None
    assert (await site.generate()).status_code == 200


class OddRecorder(FakeRecorder):
    odd: frozenset[str] = frozenset()

    async def _start(self, request: Request) -> Reply:
        return Reply({"session_id": 5}) if "start" in self.odd else await super()._start(request)

    async def _status(self, request: Request) -> Reply:
        return Reply({"active": "yes"}) if "status" in self.odd else await super()._status(request)


async def test_odd_answers_of_the_recorder_are_told_and_end_nothing(site: Site) -> None:
    await site.recorder.die()
    site.recorder = odd = OddRecorder(site.buses.new(), site.sessions)
    site.generator.on_frame = odd.take
    await eventually_async(lambda: is_up(site))
    odd.odd = frozenset({"start"})

    async def failed() -> bool:  # once the API has found this recorder
        answer = await site.client.post("/session/start?session_id=s")
        return (answer.status_code, answer.json()["error"]) == (500, "internal_error")

    await eventually_async(failed)
    odd.odd = frozenset()
    assert (await site.client.post("/session/start?session_id=s")).status_code == 200
    odd.odd = frozenset({"status"})

    async def told() -> bool:
        return any("cannot be understood" in reason for reason in (await site.health())["reasons"])

    await eventually_async(told)
    odd.odd = frozenset()

    async def well() -> bool:
        return not any("cannot be understood" in reason for reason in (await site.health())["reasons"])

    await eventually_async(well)
    assert not site.serving.done()


class OddReplayer(FakeReplayer):
    async def _status(self, request: Request) -> Reply:
        return Reply({"state": 5})

    async def _next(self, request: Request) -> Reply:
        return Reply({"complete": False, "cursor": "default", "session_id": "s", "entry": {"index": 0}})


async def test_odd_answers_of_the_replayer_are_errors_of_their_requests(site: Site) -> None:
    await site.replayer.die()
    site.replayer = OddReplayer(site.buses.new(), site.sessions)

    async def answered(path: str) -> bool:
        answer = await site.client.get(path)
        return (answer.status_code, answer.json()["error"]) == (500, "internal_error")

    await eventually_async(lambda: answered("/session/replay/status"))
    await eventually_async(lambda: answered("/session/replay/next"))
    assert (await site.client.get("/health")).status_code == 200
