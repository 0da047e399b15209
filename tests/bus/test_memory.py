"""Peers that would make a process grow without bound: what they cost, and that honest ones lose nothing to them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import threading
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import zmq
import zmq.asyncio

from shared.bus import callers, front, publisher, server
from shared.bus.envelope import MAX_REQUEST_HEADER_BYTES, MAX_REQUEST_ITEMS, Reply, Request, decode_request
from shared.bus.messages import Status
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client, PeerGone
from shared.bus.server import MAX_FRAMES, Server
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import MalformedMessage
from shared.process.guard import MIB, Guard, resident_bytes
from shared.system.descriptors import Connection, connections, limit_now
from tests.support.buses import Buses
from tests.support.samples import SAMPLES
from tests.support.waiting import eventually_async
from tests.support.zmtp import RawPeer, frame, message

PICTURE = bytes(1_000_000)


class Picture(bytearray):
    """Bytes that can be watched."""


class Station:
    """A server of ``replayer`` and a publisher of ``replays``, and a guard over both."""

    def __init__(self, bus: Bus, *, guard: Guard | None = None) -> None:
        self.bus = bus
        self.asked: list[str] = []
        self.server = Server(
            bus,
            "replayer",
            {"next": self._next, "status": self._status, "seek": self._seek, "seek_picture": self._seek_picture},
        )
        self.publisher = Publisher(bus, "replays", self._told)
        self.told = 0
        self.picture: Picture | None = None
        self.go_on = asyncio.Event()
        works = [self.server.serve(), self.publisher.serve_joins()]
        self._tasks = [asyncio.create_task(work) for work in works]

    def guard(self, guard: Guard) -> None:
        self._tasks.append(asyncio.create_task(guard.run()))

    async def _next(self, request: Request) -> Reply:
        self.asked.append(request.id)
        return Reply({}, (PICTURE,))

    async def _status(self, request: Request) -> Reply:
        return Reply(
            {"text": "x" * 2000}
        )  # too small to be tracked, too large for many to hide in the system's buffers

    async def _seek(self, request: Request) -> Reply:
        await self.go_on.wait()
        return Reply()

    async def _seek_picture(self, request: Request) -> Reply:
        await self.go_on.wait()
        assert self.picture is not None
        picture, self.picture = self.picture, None
        return Reply({}, (memoryview(picture),))

    def _told(self, message_type: str) -> list[Status]:
        self.told += 1
        return []

    def alive(self) -> bool:
        return not any(task.done() for task in self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture(params=["ipc", "tcp"])
async def ends(request: pytest.FixtureRequest, buses: Buses, tcp_buses: Buses) -> Buses:
    """Ends of a bus: what holds for the one kind must for the other."""
    return buses if request.param == "ipc" else tcp_buses


@pytest.fixture
async def station(ends: Buses) -> AsyncIterator[Station]:
    made = Station(ends.new())
    yield made
    alive = made.alive()
    await made.stop()
    assert alive, "something that a peer did has ended it"


@pytest.fixture
async def client(ends: Buses) -> AsyncIterator[Client]:
    made = Client(ends.new(), "replayer")
    yield made
    await made.close()


def asks(message_type: str, number: int) -> bytes:
    return orjson.dumps({"v": 1, "type": message_type, "id": str(number)})


# -- answers that nobody reads ----------------------------------------------------------------------------------------


async def test_who_asks_and_never_reads_costs_itself_alone(ends: Buses, station: Station, client: Client) -> None:
    with await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
        peer.send(b"".join(message(asks("next", number)) for number in range(2000)))
        await eventually_async(lambda: station.server.held_bytes() >= callers.UNREAD_BYTES_EACH)
        await eventually_async(lambda: station.server._callers.running == 0)
        one_burst = callers.IN_LINE_EACH * len(PICTURE)
        assert station.server.held_bytes() < callers.UNREAD_BYTES_EACH + one_burst + MIB
        replies = await asyncio.gather(*(client.call("next", timeout_s=60) for _ in range(500)))
        assert {len(reply.payload) for reply in replies} == {len(PICTURE)}
        assert len(station.asked) < 500 + 200, "what is not read is not made"


async def test_small_answers_that_nobody_reads_are_few(ends: Buses, station: Station, client: Client) -> None:
    with await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
        asked = b"".join(message(asks("status", number)) for number in range(callers.REQUESTS_EACH + 10_000))
        sending = asyncio.create_task(asyncio.to_thread(peer.send, asked))
        await eventually_async(lambda: station.server._callers.requests >= callers.REQUESTS_EACH, timeout_s=60)
        assert sum(len(caller.outgoing) for caller in station.server._callers) < 100
        await client.call("status", timeout_s=20)
    await asyncio.gather(sending, return_exceptions=True)
    await eventually_async(lambda: len(station.server._callers) == 0)


async def test_what_was_not_read_is_answered_once_it_is(ends: Buses, station: Station) -> None:
    """A slow reader gets every answer, in the end."""
    # Our own callers' libzmq reads a thousand answers ahead, so to the server they are never slow.
    with zmq.asyncio.Context() as context, context.socket(zmq.DEALER) as slow:
        slow.linger, slow.rcvhwm, slow.rcvbuf = 0, 1, 64 * 1024
        slow.connect(ends.address.of("replayer"))
        await _read_late(slow, station)


async def _read_late(slow: zmq.asyncio.Socket, station: Station) -> None:
    count = 60
    for number in range(count):
        await slow.send(asks("next", number))
    await eventually_async(lambda: station.server.held_bytes() >= callers.UNREAD_BYTES_EACH)
    found = set()
    async with asyncio.timeout(60):
        while len(found) < count:
            header, payload = await slow.recv_multipart()
            assert payload == PICTURE
            found.add(json.loads(header)["id"])
    assert found == {str(number) for number in range(count)}
    await eventually_async(lambda: station.server.held_bytes() == 0)
    assert len(station.server._callers) == 0


async def test_who_never_reads_is_disconnected(
    ends: Buses, station: Station, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "STALL_S", 0.2)
    with await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
        peer.send(b"".join(message(asks("next", number)) for number in range(300)))
        await eventually_async(lambda: "is disconnected" in caplog.text)
        await eventually_async(lambda: station.server.held_bytes() == 0)
        assert peer.is_closed()
    await client.call("next", timeout_s=20)


async def test_status_passes_what_waits_in_line(ends: Buses, station: Station, client: Client) -> None:
    slow = [asyncio.create_task(client.call("seek", timeout_s=60)) for _ in range(2 * callers.IN_LINE_EACH)]
    await eventually_async(lambda: station.server._callers.running == callers.IN_LINE_EACH)
    await client.call("status", timeout_s=20)
    station.go_on.set()
    await asyncio.gather(*slow)


async def test_a_caller_of_many_requests_is_refused_and_others_are_not(
    ends: Buses, station: Station, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "REQUESTS_EACH", 100)
    monkeypatch.setattr(callers, "REQUESTS", 150)
    greedy = [ends.new().connect("replayer") for _ in range(3)]
    for number in range(400):
        for each in greedy:
            await each.send(asks("seek", number))
    async with asyncio.timeout(20):
        refused = json.loads((await greedy[0].recv_multipart())[0])
    assert refused["code"] == "too_many_requests"
    await eventually_async(lambda: station.server._callers.requests >= 150)
    assert station.server._callers.requests <= 225
    assert (await client.call("next", timeout_s=20)).payload == PICTURE
    station.go_on.set()
    await eventually_async(lambda: station.server._callers.requests == 0)


async def test_a_flood_of_requests_leaves_the_loop_to_others(ends: Buses, station: Station) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    peer = ends.new().connect("replayer")
    for number in range(900):
        await peer.send(asks("status", number))
    other = asyncio.create_task(others())
    async with asyncio.timeout(30):
        for _ in range(900):
            await peer.recv_multipart()
    other.cancel()
    assert turns > 450


# -- what is large, or of many pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b'{"v":1,"type":"status","id":"7","x":[' + b"1," * (MAX_REQUEST_ITEMS + 1) + b"1]}",
        b'{"v":1,"type":"status","id":"7","x":[' + b"{}," * (MAX_REQUEST_ITEMS // 2 + 1) + b"1]}",
        b'{"v":1,"type":"status","id":"7","x":'
        + b"[" * (MAX_REQUEST_ITEMS + 1)
        + b"]" * (MAX_REQUEST_ITEMS + 1)
        + b"}",
        b'{"v":1,"type":"status","id":"7","x":"' + b"x" * MAX_REQUEST_HEADER_BYTES + b'"}',
        b'{"v":1,"type":"status","id":"7"}' + b" " * MAX_REQUEST_HEADER_BYTES,
    ],
    ids=["items", "objects", "nested", "text", "spaces"],
)
def test_a_header_is_bounded_before_it_is_parsed(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orjson, "loads", None)
    with pytest.raises(MalformedMessage, match="ask for less at a time"):
        decode_request([raw])


def test_a_header_with_all_that_a_rerun_brings_is_read() -> None:
    prompts = {"prompts": ["a cat, and a dog, " * 10] * 10_000}
    assert decode_request([orjson.dumps({"v": 1, "type": "rerun", "id": "7", "prompts": prompts})]).body["prompts"]


def test_commas_in_texts_are_no_items() -> None:
    prompts = {"prompts": ['a, [b], {c}, \\, ", ' * 1000] * 200}
    header = {"v": 1, "type": "rerun", "id": "7", "prompts": prompts}
    assert decode_request([orjson.dumps(header)]).body["prompts"] == prompts


@pytest.mark.parametrize(
    "text", [b'"' + b'\\"' * 3_000_000, b'"' + b'\\"' * 3_000_000 + b"\\", b'"' * 3_000_001, b'",' * 3_000_000]
)
def test_a_text_without_end_is_looked_at_once(text: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_request([b'{"a":' + b"[0," * 300_000 + text])


async def test_a_message_of_very_many_frames_is_an_error(ends: Buses, station: Station, client: Client) -> None:
    with await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
        await asyncio.to_thread(peer.send, frame(b"{}", more=True) * 100_000 + frame(b""))
        peer.send(message(asks("status", 8)))
        answers = b""
        async with asyncio.timeout(30):
            while b"status.ok" not in answers:
                answers += await asyncio.to_thread(peer.socket.recv, 4096)
        assert b"malformed_message" in answers
    await client.call("status", {}, [b""] * (MAX_FRAMES - 2), timeout_s=20)


@pytest.mark.parametrize("channel", ["replays", "recordings", "frames"])
async def test_a_large_subscription_ends_its_connection(channel: str, ends: Buses) -> None:
    made = Publisher(ends.new(), channel)
    with await asyncio.to_thread(RawPeer, ends.address, channel) as peer:
        peer.send(frame(b"\x01" + bytes(5000)))
        await eventually_async(peer.is_closed)
    assert made.joins == 0


# -- subscriptions ----------------------------------------------------------------------------------------------------


async def test_a_flood_of_subscriptions_is_told_the_state_a_few_times(ends: Buses, station: Station) -> None:
    began_s = asyncio.get_running_loop().time()
    with await asyncio.to_thread(RawPeer, ends.address, "replays") as peer:
        for number in range(1, 301):
            peer.send(frame(b"\x01replay.status|"))
            await eventually_async(lambda count=number: station.publisher.joins >= count)  # type: ignore[misc]
        took_s = asyncio.get_running_loop().time() - began_s
        assert 0 < station.told <= took_s / publisher.TELL_EVERY_S + 2
        assert station.told < 300
        honest = Subscriber(ends.new(), "replays", ["replay.status"])
        told = station.told
        await eventually_async(lambda: station.told > told, what="the last to join is told as well")
        honest.close()
        assert not peer.is_closed()


@pytest.mark.parametrize("topic", [b"%d", b"replay.status|"])
async def test_who_subscribes_without_end_is_cut(topic: bytes, ends: Buses, station: Station) -> None:
    honest = Subscriber(ends.new(), "replays")
    await eventually_async(lambda: station.publisher.joins > 0)
    with await asyncio.to_thread(RawPeer, ends.address, "replays") as peer:
        with contextlib.suppress(OSError):
            for number in range(5000):
                await asyncio.to_thread(peer.send, frame(b"\x01" + (topic % number if b"%" in topic else topic)))
        await eventually_async(peer.is_closed)
    await station.publisher.publish(SAMPLES["replay.status"])
    assert (await asyncio.wait_for(honest.receive(), 10)).type == "replay.status"


# -- what shows in the memory alone -----------------------------------------------------------------------------------


@pytest.mark.skipif(resident_bytes() is None, reason="the system does not say how much memory a process has")
@pytest.mark.parametrize("channel", ["replayer", "replays"])
async def test_an_unfinished_message_is_ended(
    channel: str, ends: Buses, station: Station, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await client.call("status", timeout_s=20)
    waiting = asyncio.create_task(client.call("seek", timeout_s=120))
    await eventually_async(lambda: station.server.busy_descriptors())
    station.guard(Guard(station.bus, allowed_bytes=64 * MIB))

    def push() -> int:
        sent, some = 0, frame(bytes(4000), more=True) * 250
        with RawPeer(ends.address, channel) as peer:
            try:
                while sent < 4096 * MIB:
                    peer.send(some)
                    sent += len(some)
            except OSError:
                return sent
        return sent

    sent = await asyncio.to_thread(push)
    assert sent < 4096 * MIB
    await eventually_async(lambda: "peers had made this process grow" in caplog.text, timeout_s=30)
    assert "without a request under way" in caplog.text
    station.go_on.set()
    await waiting  # an honest caller with a request under way notices nothing


async def test_growth_of_our_own_is_put_up_with(ends: Buses, station: Station, client: Client) -> None:
    used = 100 * MIB
    guard = Guard(station.bus, allowed_bytes=64 * MIB, resident=lambda: used)
    waiting = asyncio.create_task(client.call("seek", timeout_s=120))
    await eventually_async(lambda: station.server.busy_descriptors())
    station.guard(guard)
    await asyncio.sleep(0)
    used += 100 * MIB
    await eventually_async(lambda: guard._allowed_bytes == 128 * MIB, timeout_s=30)
    used += 100 * MIB
    await asyncio.sleep(0)
    station.go_on.set()
    await waiting  # nor was the one caller suspected
    assert guard._allowed_bytes == 128 * MIB


async def test_growth_while_it_works_is_its_own(ends: Buses, station: Station, client: Client) -> None:
    used, works = 100 * MIB, True
    guard = Guard(station.bus, allowed_bytes=64 * MIB, resident=lambda: used, working=lambda: works)
    idle = Client(ends.new(), "replayer")
    await idle.call("status", timeout_s=20)
    station.guard(guard)
    await asyncio.sleep(0)
    for _ in range(3):  # each time it is given back
        used += 200 * MIB
        await eventually_async(lambda: guard._allowed_bytes == 256 * MIB, timeout_s=30)
        used -= 200 * MIB
        await asyncio.sleep(0)
    assert idle.connected
    assert guard._allowed_bytes == 256 * MIB
    await idle.close()


async def test_who_holds_all_places_keeps_nobody_out(ends: Buses, station: Station, client: Client) -> None:
    await client.call("status", timeout_s=20)
    guard = Guard(station.bus)
    guard._most_connections = 10
    station.guard(guard)
    peers = []
    for _ in range(12):
        with contextlib.suppress(OSError):  # cut already
            peers.append(await asyncio.to_thread(RawPeer, ends.address, "replays"))
    late = Client(ends.new(), "replayer")

    async def stays() -> bool:
        """Looked at, and let be: among ten that hold their places."""
        return late.connected and len(guard._peers) == 10 and sum(not peer.is_closed() for peer in peers) < 9

    async def gets_in() -> bool:
        try:
            await late.call("status", timeout_s=5)
        except (PeerGone, TimeoutError):
            return False
        return await stays()

    await eventually_async(gets_in, timeout_s=60)
    assert client.connected
    await late.close()
    for peer in peers:
        peer.close()


async def test_a_front_that_fails_ends_the_process_and_hangs_nobody(
    ends: Buses, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = ends.new()
    failing = Publisher(bus, "replays")
    monkeypatch.setattr(failing._joins, "_count", lambda frame: 1 / 0)
    serving = asyncio.create_task(failing.serve_joins())
    Subscriber(ends.new(), "replays")
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(serving, 20)
    await asyncio.wait_for(failing.publish(SAMPLES["replay.status"]), 20)
    await asyncio.wait_for(asyncio.to_thread(bus.close), 20)


async def test_a_front_that_cannot_begin_hangs_nobody(ends: Buses, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = ends.new()

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fails)
        with pytest.raises(RuntimeError, match="new thread"):
            bus.front("replays", lambda frame: None, lambda: None)
    await asyncio.wait_for(asyncio.to_thread(bus.close), 20)


async def test_what_cannot_be_sent_is_told(ends: Buses) -> None:
    bus = ends.new()
    publisher = Publisher(bus, "replays")
    with pytest.raises(TypeError):
        await publisher.send([b"replay.status|", "no bytes"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        await asyncio.wait_for(publisher.serve_joins(), 20)
    await asyncio.wait_for(asyncio.to_thread(bus.close), 20)


async def test_a_channel_that_is_kept_busy_costs_one_pause_and_keeps_no_pictures(
    ends: Buses, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publisher, "ROOM_S", 0.2)
    monkeypatch.setattr(front, "STOP_S", 0.2)
    bus = ends.new()
    publishing = Publisher(bus, "replays")
    held, go_on = threading.Event(), threading.Event()

    def busy(frame: zmq.Frame) -> None:
        held.set()
        go_on.wait(60)

    monkeypatch.setattr(publishing._joins, "_count", busy)
    subscriber = Subscriber(ends.new(), "replays")
    await eventually_async(held.is_set)
    for _ in range(100):
        await publishing.publish(SAMPLES["replay.frame"], PICTURE)
    assert publishing._front.waiting == 1
    assert "is kept busy by its subscribers" in caplog.text
    bus.close()  # both in vain
    bus.close()
    assert "is left as it is" in caplog.text
    go_on.set()
    await eventually_async(publishing._front.end.done)
    bus.close()
    subscriber.close()


async def test_what_is_published_is_sent_though_nobody_waits(ends: Buses) -> None:
    bus = ends.new(linger_ms=1000)
    publisher = Publisher(bus, "replays")
    subscriber = Subscriber(ends.new(), "replays")
    await eventually_async(lambda: publisher.joins > 0)
    publishing = [asyncio.create_task(publisher.publish(SAMPLES["replay.status"])) for _ in range(3)]
    await asyncio.sleep(0)
    for task in publishing:
        task.cancel()
    await asyncio.to_thread(bus.close)
    for _ in range(3):  # fewer than its mark
        await asyncio.wait_for(subscriber.receive(), 10)


async def test_a_reader_that_pauses_is_not_taken_for_gone(tcp_buses: Buses) -> None:
    bound = tcp_buses.new().bind("replayer")
    assert bound.getsockopt(zmq.TCP_MAXRT) > 1000 * server.STALL_S


async def test_connections_are_kept_few_and_the_old_ones_stay(ends: Buses, station: Station, client: Client) -> None:
    await client.call("status", timeout_s=20)
    guard = Guard(station.bus)
    guard._most_connections = 50
    station.guard(guard)
    await eventually_async(lambda: len(guard._peers) == 1)
    # Over TCP a handshake takes this loop's answer, and ours is busy connecting here.
    greets = ends.address.folder is not None
    peers = [RawPeer(ends.address, "replays", greets=greets and number % 2 == 0) for number in range(200)]
    await eventually_async(lambda: len(connections(station.bus.places)) <= 50, timeout_s=30)
    assert client.connected
    assert sum(peer.is_closed() for peer in peers) >= 150
    for peer in peers:
        peer.close()
    await eventually_async(lambda: len(connections(station.bus.places)) == 1)


def test_the_connections_leave_descriptors_for_files(buses: Buses) -> None:
    assert Guard(buses.new())._most_connections <= limit_now() // 4


async def test_only_connections_to_bound_channels_are_cut(ends: Buses, station: Station, folder: Path) -> None:
    with (folder / "file").open("wb") as file, await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
        assert station.bus.connection(file.fileno()) is None
        assert station.bus.connection(peer.socket.fileno()) is None
        assert station.bus.connection(99_999) is None
        for descriptor in (file.fileno(), peer.socket.fileno()):
            assert not station.bus.cut(Connection(descriptor, os.fstat(descriptor).st_ino))
        assert not peer.is_closed()


async def test_a_picture_whose_caller_has_gone_is_let_go(ends: Buses, station: Station) -> None:
    """pyzmq's failed sends are rings of a future, an error and a traceback, and hold the picture."""
    picture = Picture(PICTURE)
    station.picture = picture
    gone = weakref.ref(picture)
    del picture
    gc.disable()
    try:
        with await asyncio.to_thread(RawPeer, ends.address, "replayer") as peer:
            peer.send(message(asks("seek_picture", 1)))
            await eventually_async(lambda: station.server.busy_descriptors())
        await eventually_async(lambda: not connections(station.bus.places))
        station.go_on.set()
        await eventually_async(lambda: gone() is None)
    finally:
        gc.enable()
