"""The generator is asked what no honest peer asks: it refuses, makes nothing for it, and goes on."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from shared.bus.envelope import Reply, Request, encode_published
from shared.bus.requests.generator import Generate
from shared.bus.rpc import Client
from shared.bus.server import Server
from shared.bus.subscriber import Subscriber
from shared.errors import InvalidRequest, MalformedMessage
from tests.bus.generator.conftest import Rig, photograph
from tests.support.absurd_fields import LONG, REQUESTS, absurd_bodies, assert_quiet, refuses, tree
from tests.support.buses import Buses
from tests.support.samples import frame


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert_quiet(caplog)


@pytest.mark.parametrize("message_type", sorted(REQUESTS["generator"]))
async def test_an_absurd_request_is_refused_and_makes_nothing(rig: Rig, folder: Path, message_type: str) -> None:
    before = tree(folder)
    picture = (photograph(),) if message_type == "generate" else ()
    for what, body in absurd_bodies("generator", message_type):
        await refuses(rig.client, message_type, body, what, *picture)
    assert not rig.engine.started
    assert not len(rig.generator.queue)
    assert not rig.generator.backlog.making()
    assert tree(folder) == before
    assert (await rig.generate()).payload


async def test_the_request_that_is_right_is_obeyed(rig: Rig) -> None:
    right = copy.deepcopy(REQUESTS["generator"]["generate"][0])
    assert (await rig.ask("generate", right, (photograph(),))).body["session_id"] == "s"
    assert (await rig.ask("generate", {**right, "seed": 8.0, "grid_size": 3.0}, (photograph(),))).body["seed"] == 8


async def test_the_sector_is_one_of_the_grid(rig: Rig) -> None:
    for key in ("target_sector", "focus_sector"):
        with pytest.raises(InvalidRequest) as refused:
            await rig.generate(**{"grid_size": 2, "target_sector": "BR", key: "MC"})
        assert refused.value.fields is not None
        assert list(refused.value.fields) == [key]


async def test_the_session_of_a_request_is_told_by_its_field(rig: Rig, folder: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await rig.generate(session={"session_id": str(folder), "created_at": 1.0})
    assert refused.value.fields is not None
    assert list(refused.value.fields) == ["session.session_id"]


async def test_of_many_faults_the_first_are_told(rig: Rig) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await rig.ask("generate", {name: {} for name in Generate.model_fields}, (photograph(),))
    assert refused.value.fields is not None
    assert len(refused.value.fields) <= 20
    with pytest.raises(InvalidRequest) as refused:
        await rig.ask("ack", {"frames": [{}] * 9000})
    assert refused.value.fields is not None
    assert len(refused.value.fields) <= 20


async def test_a_long_id_or_type_is_not_sent_back(rig: Rig, buses: Buses) -> None:
    for header in ({"id": LONG, "type": "status"}, {"id": "1", "type": LONG}):
        socket = buses.new().connect("generator")
        await socket.send_json({"v": 1, **header})
        async with asyncio.timeout(20):
            (answer,) = await socket.recv_multipart()
        assert b"malformed_message" in answer
        assert len(answer) < 1000


async def test_a_long_error_is_cut_by_whoever_reads_it(buses: Buses) -> None:
    async def complain(request: Request) -> Reply:
        raise MalformedMessage(LONG, fields={f"{LONG}{number}": LONG for number in range(30)})

    serving = asyncio.create_task(Server(buses.new(), "generator", {"cancel": complain}).serve())
    client = Client(buses.new(), "generator")
    with pytest.raises(MalformedMessage) as told:
        await client.call("cancel", {"request_id": "r"}, timeout_s=20)
    await client.close()
    serving.cancel()
    assert len(told.value.detail) <= 2000
    assert told.value.fields is not None
    assert len(told.value.fields) <= 20
    assert sum(map(len, told.value.fields.values())) < 50_000


async def test_a_subscriber_is_given_nothing_that_does_not_fit(buses: Buses) -> None:
    publisher = buses.new().bind("frames")
    subscriber = Subscriber(buses.new(), "frames")
    taken: list[str] = []
    following = asyncio.create_task(subscriber.hand_to(lambda message: taken.append(message.header["frame_id"])))
    async with asyncio.timeout(20):
        while "right" not in taken:
            for changes in ({"session_id": "/etc"}, {"region": [0, 0, 9999, 9999]}, {"frame_id": "right"}):
                topic, header, payload = encode_published(frame(), b"")
                await publisher.send_multipart([topic, orjson.dumps({**orjson.loads(header), **changes}), payload])
            await asyncio.sleep(0)
    following.cancel()
    assert set(taken) == {"right"}
