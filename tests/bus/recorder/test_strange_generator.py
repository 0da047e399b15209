"""A generator of another version, or out of its mind: what it says costs itself, and recording goes on."""

from __future__ import annotations

import json
import logging
from typing import Any

import orjson
import pytest

from shared.bus.envelope import Reply, Request, encode_published
from tests.bus.recorder.conftest import Rig, SteeredGenerator
from tests.support.buses import Buses
from tests.support.samples import SAMPLES
from tests.support.waiting import eventually_async


class StrangeGenerator(SteeredGenerator):
    """Its answers are replaced, as long as a test wants.

    Attributes:
        answers: by request, what is answered instead.
        asked: how often each was asked while it was replaced.
    """

    def __init__(self, buses: Buses, epoch: str) -> None:
        self.answers: dict[str, Reply] = {}
        self.asked: dict[str, int] = {}
        super().__init__(buses, epoch)

    def _odd(self, request: Request) -> Reply | None:
        if request.type in self.answers:
            self.asked[request.type] = self.asked.get(request.type, 0) + 1
        return self.answers.get(request.type)

    async def _pending(self, request: Request) -> Reply:
        return self._odd(request) or await super()._pending(request)

    async def _fetch(self, request: Request) -> Reply:
        return self._odd(request) or await super()._fetch(request)

    async def _input(self, request: Request) -> Reply:
        return self._odd(request) or await super()._input(request)

    async def say(self, message_type: str, **changes: Any) -> None:
        """A message with fields that no version of ours sends."""
        topic, header, payload = encode_published(SAMPLES[message_type], b"x")
        raw = json.dumps({**orjson.loads(header), "epoch": self.epoch, **changes}).encode()
        await self._publisher.send([topic, raw, payload])


async def strange(rig: Rig) -> StrangeGenerator:
    rig.generator = made = StrangeGenerator(rig.buses, "epoch-a")
    await rig.start()
    await rig.ask("start", session_id="s")
    return made


@pytest.mark.parametrize(
    ("message_type", "changes"),
    [
        ("status", {"state": "dreaming"}),
        ("status", {"epoch": ["a"], "time": "now"}),
        ("status", {"epoch": "epoch-z", "time": 1e18, "sessions": 5}),
        ("status", {"sessions": [{"session_id": "s", "last_record_seq": 2**62, "frames": 1}]}),
        ("frame", {"session_id": "s", "record_seq": 2**62}),
        ("frame", {"session_id": ["s"], "record_seq": 0}),
        ("frame", {"session_id": "s", "record_seq": "first"}),
        ("frame", {"session_id": "s", "record_seq": -3}),
        ("frame", {"epoch": None}),
    ],
)
async def test_a_message_that_cannot_be_used_is_passed_over(
    rig: Rig, message_type: str, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    generator = await strange(rig)
    hashes = await generator.make(count=2)
    for _ in range(300):
        await generator.say(message_type, **changes)
    hashes += await generator.make(count=2)
    await rig.wait_recorded(hashes)
    assert (await rig.status())["sessions"][0]["pending"] == 0
    assert not rig.task.done()
    assert len(caplog.records) < 60, "the log tells of it, and stays small"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("pending", Reply({"epoch": 5})),
        ("pending", Reply({"epoch": "epoch-a", "stopping": False, "frames": "all", "next_record_seq": {}})),
        ("pending", Reply({"epoch": "epoch-a", "stopping": False, "frames": [], "next_record_seq": {"s": 2**62}})),
        ("fetch", Reply({})),
        ("fetch", Reply({"epoch": "epoch-a", "session_id": "s", "record_seq": 1})),
        ("fetch", Reply({"epoch": "epoch-a", "session_id": "s", "record_seq": 7}, (b"another",))),
        ("fetch", Reply({"epoch": 1, "session_id": 2, "record_seq": 3}, (b"png",))),
        ("input", Reply({"sha256": "0"})),
    ],
)
async def test_an_answer_that_cannot_be_used_is_asked_for_again(
    rig: Rig, asked: str, answer: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    generator = await strange(rig)
    hashes = await generator.make(count=1)
    await rig.wait_recorded(hashes)
    generator.answers[asked] = answer
    generator.loses = {1}
    if asked == "pending":
        await rig.stop()
        await rig.start()
    hashes += await generator.make(count=3)
    await eventually_async(lambda: generator.asked.get(asked, 0) > 2, what="it asks again")
    assert not rig.task.done()
    assert (await rig.status())["epoch"]
    generator.answers.clear()
    await rig.wait_recorded(hashes)
    assert len(caplog.records) < 60


async def test_an_input_that_cannot_be_had_does_not_stop_its_frame(rig: Rig) -> None:
    generator = await strange(rig)
    generator.answers["input"] = Reply({"sha256": "0"})
    await rig.wait_recorded(await generator.make(count=2))
    assert [entry["input_file"] for entry in rig.metadata()["sequence"]] == [None, None]
