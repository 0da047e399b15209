"""Publish and subscribe over real sockets: topics, late joins, and a slow subscriber that slows nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import pytest
import zmq

from shared.bus.channels import BY_NAME
from shared.bus.envelope import Published
from shared.bus.message import Message
from shared.bus.messages import Progress, ReplayStatus
from shared.bus.publisher import Publisher
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from tests.support.buses import MIB, Buses, first
from tests.support.samples import SAMPLES, frame, tiny_png
from tests.support.waiting import eventually_async


def state(position: int = 4) -> ReplayStatus:
    return ReplayStatus(cursor="default", state="replaying", session_id="s", position=position, total=9)


class Station:
    """A publisher that tells its state to those who join, and counts them."""

    def __init__(self, bus: Bus, channel: str, told: Iterable[Message] = ()) -> None:
        self.joins: list[str] = []
        self._told = list(told)
        self.publisher = Publisher(bus, channel, on_join=self._on_join)
        self._task = asyncio.create_task(self.publisher.serve_joins())

    def _on_join(self, message_type: str) -> list[Message]:
        self.joins.append(message_type)
        return [message for message in self._told if message.type == message_type]

    @property
    def alive(self) -> bool:
        return not self._task.done()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def frames(buses: Buses) -> AsyncIterator[Station]:
    station = Station(buses.new(), "frames", [SAMPLES["status"]])
    yield station
    await station.stop()


async def joined(station: Station, count: int = 1) -> None:
    await eventually_async(lambda: station.publisher.joins >= count, what="the subscriber has joined")


async def receive(subscriber: Subscriber, timeout_s: float = 5) -> Published:
    return await asyncio.wait_for(subscriber.receive(), timeout_s)


async def test_a_message_arrives_with_its_payload(buses: Buses, frames: Station) -> None:
    subscriber = Subscriber(buses.new(), "frames", ["frame"])
    await joined(frames)
    png = tiny_png(9)
    await frames.publisher.publish(frame(payload=png), png)
    message = await receive(subscriber)
    assert (message.type, message.payload, message.header["seq"]) == ("frame", png, 0)


async def test_a_late_subscriber_is_told_the_state(buses: Buses) -> None:
    station = Station(buses.new(), "replays", [state()])
    await station.publisher.publish(state(3))  # nobody hears this one
    late = Subscriber(buses.new(), "replays")
    message = await first(late, "replay.status", timeout_s=5)
    assert message.header["position"] == 4
    # XPUB is verbose: the second to join is told too, though the topic was subscribed already.
    later = Subscriber(buses.new(), "replays")
    assert (await first(later, "replay.status", timeout_s=5)).header["position"] == 4
    await station.stop()


async def test_an_early_subscriber_is_told_once_the_publisher_is_there(buses: Buses) -> None:
    early = Subscriber(buses.new(), "replays", ["replay.status"])
    waiting = asyncio.create_task(first(early, "replay.status", timeout_s=10))
    await asyncio.sleep(0)
    station = Station(buses.new(), "replays", [state()])
    assert (await waiting).header["position"] == 4
    await station.stop()


async def test_a_publisher_that_comes_back_is_heard_again(buses: Buses) -> None:
    subscriber = Subscriber(buses.new(), "replays")
    for position in (1, 2):
        bus = buses.new()
        station = Station(bus, "replays", [state(position)])
        async with asyncio.timeout(10):
            while (await subscriber.receive()).header["position"] != position:
                continue
        await station.stop()
        bus.close()


async def test_a_topic_brings_its_type_only(buses: Buses, frames: Station) -> None:
    steps = Subscriber(buses.new(), "frames", ["progress"])
    everything = Subscriber(buses.new(), "frames")
    await joined(frames, 4)
    await frames.publisher.publish(frame(0))
    await frames.publisher.publish(SAMPLES["progress"])
    assert (await receive(steps)).type == "progress"
    seen = [(await receive(everything)).type for _ in range(3)]
    assert sorted(seen) == ["frame", "progress", "status"]


async def test_the_least_room_is_enough_to_ask_for_several_types(buses: Buses, frames: Station) -> None:
    both = Subscriber(buses.new(budget_bytes=1), "frames", ["progress", "status", "prepared"])
    await joined(frames, 3)
    for name in ("progress", "prepared"):
        await frames.publisher.publish(SAMPLES[name])
        await first(both, name, 10)


async def test_only_those_who_ask_for_the_state_trigger_it(buses: Buses, frames: Station) -> None:
    Subscriber(buses.new(), "frames", ["progress"])
    await joined(frames)
    await eventually_async(lambda: frames.joins == ["progress"])


async def test_it_is_known_whether_anybody_hears_a_type(buses: Buses, frames: Station) -> None:
    publisher = frames.publisher
    assert not publisher.is_heard("status")
    one, other = Subscriber(buses.new(), "frames", ["status"]), Subscriber(buses.new(), "frames", ["status"])
    await joined(frames, 2)
    assert publisher.is_heard("status")
    assert not publisher.is_heard("progress")
    one.close()
    other.drop("status")
    await eventually_async(lambda: not publisher.is_heard("status"), what="both have left")
    everything = Subscriber(buses.new(), "frames")
    await eventually_async(lambda: publisher.is_heard("progress"), what="one subscribed to everything")
    everything.close()
    await eventually_async(lambda: not publisher.is_heard("progress"), what="it has left")


async def test_messages_within_the_mark_all_come_in_order(buses: Buses) -> None:
    budget_bytes = 50 * BY_NAME["frames"].typical_bytes
    station = Station(buses.new(budget_bytes=budget_bytes), "frames")
    subscriber = Subscriber(buses.new(budget_bytes=budget_bytes), "frames", ["progress"])
    await joined(station)
    for step in range(50):
        await station.publisher.publish(Progress(request_id="r", client_id=None, step=step, steps=50))
    assert [(await receive(subscriber)).header["step"] for _ in range(50)] == list(range(50))
    await station.stop()


async def test_a_few_at_once_come_in_order(buses: Buses) -> None:
    station = Station(buses.new(), "frames")
    subscriber = Subscriber(buses.new(), "frames", ["progress"])
    await joined(station)
    for first_step in range(0, 64, 16):
        steps = range(first_step, first_step + 16)
        told = [Progress(request_id="r", client_id=None, step=step, steps=64) for step in steps]
        await station.publisher.publish_all([(message, b"") for message in told])
    assert [(await receive(subscriber)).header["step"] for _ in range(64)] == list(range(64))
    await station.stop()


async def test_a_slow_subscriber_loses_messages_and_slows_nobody(buses: Buses) -> None:
    station = Station(buses.new(budget_bytes=4 * MIB), "frames")
    slow = Subscriber(buses.new(budget_bytes=4 * MIB), "frames", ["frame"])
    quick = Subscriber(buses.new(budget_bytes=4 * MIB), "frames", ["frame"])
    await joined(station, 2)
    payload = bytes(MIB)
    count = 60
    got: list[int] = []
    worst_s = 0.0
    for seq in range(count):
        started = time.perf_counter()
        await station.publisher.publish(frame(seq), payload)
        worst_s = max(worst_s, time.perf_counter() - started)
        got.append((await receive(quick)).header["seq"])
    assert got == list(range(count)), "the quick one lost nothing"
    assert worst_s < 2, "publishing never waited"
    # The slow one gets what fitted into the marks, in order, and sees by the numbers that it missed some.
    await station.publisher.publish(frame(count), b"")
    late: list[int] = []
    while not late or late[-1] != count:
        try:
            late.append((await receive(slow, 0.5)).header["seq"])
        except TimeoutError:
            break
    assert late == sorted(late)
    assert 0 < len(late) < count
    await station.stop()


async def test_a_publisher_that_talks_nonsense_does_not_end_the_subscriber(buses: Buses) -> None:
    xpub = buses.new().bind("frames")
    subscriber = Subscriber(buses.new(), "frames")
    await asyncio.wait_for(xpub.recv_multipart(), 5)
    for nonsense in ([b""], [b"frame|"], [b"frame|", b"{", b""], [b"frame|", b"\xff", b""], [b"a", b"b", b"c", b"d"]):
        await xpub.send_multipart(nonsense)
    await xpub.send_multipart(["é|".encode(), '{"v": 1, "type": "é"}'.encode(), b""])
    await xpub.send_multipart([b"frame|", b'{"v": 2, "type": "frame"}', b""])
    await xpub.send_multipart([b"later|", b'{"v": 1, "type": "later", "new": true}', b""])
    assert (await receive(subscriber)).type == "later"


async def test_what_a_peer_sends_upstream_does_not_end_the_publisher(buses: Buses, frames: Station) -> None:
    stranger = buses.new()
    socket = stranger._context.socket(zmq.XSUB)
    socket.linger = 0
    socket.connect(buses.address.of("frames"))
    for upstream in ([b"\x01frame|"], [b"hello"], [b""], [b"\x01a", b"b"], [b"x", b"\x01frame|"], [b"\x00never"]):
        await socket.send_multipart(upstream)
    subscriber = Subscriber(buses.new(), "frames", ["status"])
    assert (await first(subscriber, "status", timeout_s=5)).header["epoch"] == "epoch-1"
    assert frames.alive
    socket.close()


async def test_waiting_for_the_first_of_a_type_has_a_deadline(buses: Buses, frames: Station) -> None:
    subscriber = Subscriber(buses.new(), "frames")
    with pytest.raises(TimeoutError):
        await first(subscriber, "frame", timeout_s=0.1)


async def test_a_subscriber_can_be_iterated(buses: Buses, frames: Station) -> None:
    subscriber = Subscriber(buses.new(), "frames", ["progress"])
    await joined(frames)
    for step in range(3):
        await frames.publisher.publish(Progress(request_id="r", client_id=None, step=step, steps=3))
    async with asyncio.timeout(5):
        async for message in subscriber:
            if message.header["step"] == 2:
                break
