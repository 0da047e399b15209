"""What TCP sockets take for messages: nothing of a browser's, and nothing of a peer that sends no greeting of today."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import zmq

from shared.bus import admission
from shared.bus.channels import BY_NAME, CHANNELS
from shared.bus.curve import CurveKeys, load_keys, make_keys
from shared.bus.envelope import Reply, Request
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client, PeerGone
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.process.runner import Runtime
from shared.process.settings import Settings
from tests.support import hostile
from tests.support.buses import Buses, first, free_port, loopback_host
from tests.support.samples import SAMPLES
from tests.support.waiting import eventually_async

DELETE = hostile.request("delete", session_id="s")
SUBSCRIPTION = b"\x01"
NAMES = list(hostile.kinds(5553, DELETE))


def hostile_bytes(kind: str, channel: str, port: int) -> bytes:
    wanted = SUBSCRIPTION if BY_NAME[channel].pattern == "publish" else DELETE
    return hostile.kinds(port, wanted)[kind]


@pytest.fixture(params=["without keys", "with keys"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> CurveKeys | None:
    if request.param == "without keys":
        return None
    make_keys(tmp_path / "keys")
    return load_keys(tmp_path / "keys")


def port_of(buses: Buses, channel: str) -> int:
    return buses.address.base_port + BY_NAME[channel].port_offset


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("anonymous", "with an", "POST"))])
def test_a_socket_as_libzmq_makes_it_takes_these_for_messages(name: str) -> None:
    """That the bytes of these tests are what they claim to be."""
    host = loopback_host()
    with hostile.unguarded(zmq.ROUTER, host) as (router, port), socket.create_connection((host, port)) as peer:
        peer.sendall(hostile.kinds(port, DELETE)[name])
        heard = []
        while DELETE not in heard:
            assert router.poll(5000), f"only {heard} came"
            heard += router.recv_multipart()[1:]


@pytest.mark.parametrize("channel", [channel.name for channel in CHANNELS])
async def test_none_of_it_is_a_message(channel: str, tcp_buses: Buses, keys: CurveKeys | None) -> None:
    bound = tcp_buses.new(keys=keys).bind(channel)
    friend = tcp_buses.new(keys=keys)
    host, port = str(tcp_buses.address.host), port_of(tcp_buses, channel)
    for name in NAMES:
        for at_once in (1 << 20, 1):
            data = hostile_bytes(name, channel, port)
            if at_once == 1:
                data = data[:400]
            await asyncio.to_thread(hostile.send_until_closed, host, port, data, at_once=at_once)
            assert not await bound.poll(0), f"{name} was taken for a message: {await bound.recv_multipart()}"
    # Whoever greets as one does today is heard, and is the first to be.
    honest = friend.connect(channel)
    if BY_NAME[channel].pattern == "publish":
        assert await asyncio.wait_for(bound.recv_multipart(), 10) == [b"\x01"]
    else:
        assert await honest.poll(10_000, zmq.POLLOUT)
        await honest.send_multipart([b"honest"])
        assert (await asyncio.wait_for(bound.recv_multipart(), 10))[1:] == [b"honest"]


async def test_a_greeting_that_is_never_finished_keeps_nobody_out(tcp_buses: Buses) -> None:
    publisher = Publisher(tcp_buses.new(), "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    host, port = str(tcp_buses.address.host), port_of(tcp_buses, "frames")
    signature = b"\xff" + bytes(8) + b"\x7f"
    greeting = signature + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    peers = [socket.create_connection((host, port)) for _ in range(60)]
    for size, peer in enumerate(peers):
        peer.sendall(greeting[:size])
    assert await first(Subscriber(tcp_buses.new(), "frames"), "status", timeout_s=10)
    for peer in peers:
        peer.close()
    joins.cancel()


def test_ipc_asks_nobody(buses: Buses) -> None:
    """What is on ipc is this user's alone, and stays as it was: an old ZeroMQ may listen there."""

    async def zap_domain() -> bytes:
        bus = buses.new()
        return bytes(bus.bind("frames").zap_domain)

    assert asyncio.run(zap_domain()) == b""


async def test_a_process_whose_admission_ends_says_so_and_stops(
    tcp_buses: Buses, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a bug of ours")

    asked: list[str] = []

    async def note(request: Request) -> Reply:
        asked.append(request.id)
        return Reply()

    monkeypatch.setattr(admission._Handler, "handle_zap_message", fail)
    runtime = Runtime(Settings.model_validate({"bus": str(tcp_buses.address)}), tcp_buses.new())
    runtime.supervise(Server(runtime.bus, "recorder", {"delete": note}).serve(), "control")
    client = Client(tcp_buses.new(), "recorder")
    with pytest.raises((PeerGone, TimeoutError)):
        await client.call("delete", timeout_s=2)
    await asyncio.wait_for(runtime.stopping.wait(), 10)
    assert "the task 'admission' failed; the process stops" in caplog.text
    # Until it has stopped nobody else comes in, by the door that nobody keeps.
    later = Client(tcp_buses.new(), "recorder")
    with pytest.raises((PeerGone, TimeoutError)):
        await later.call("delete", timeout_s=1)
    assert asked == []
    with pytest.raises(RuntimeError, match="a bug of ours"):
        await runtime.finish()
    # Who was refused meanwhile finds the process that is started in its place.
    monkeypatch.undo()
    serving = asyncio.create_task(Server(tcp_buses.new(), "recorder", {"delete": note}).serve())
    for waiting in (client, later):
        await eventually_async(lambda waiting=waiting: waiting.connected)
        await waiting.call("delete", timeout_s=10)
        await waiting.close()
    assert len(asked) == 2
    serving.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello" * 20,
        hostile.frame_1_0(b"") + hostile.frame_1_0(b"frame|", more=True) + hostile.frame_1_0(b"{}") * 50,
    ],
    ids=["a web server", "a publisher of ZMTP 1.0"],
)
async def test_another_server_on_our_port_is_no_end_of_who_connects(answer: bytes, tcp_buses: Buses) -> None:
    met = {"frames": 0, "generator": 0}

    async def squat(channel: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met[channel] += 1
        await reader.read(100)
        writer.write(answer)
        writer.close()

    host = str(tcp_buses.address.host)
    servers = []
    for channel in met:
        port = port_of(tcp_buses, channel)
        servers.append(await asyncio.start_server(lambda r, w, c=channel: squat(c, r, w), host, port))
    bus = tcp_buses.new()
    client, subscriber = Client(bus, "generator"), Subscriber(bus, "frames")
    listening = asyncio.create_task(first(subscriber, "status", timeout_s=30))
    await eventually_async(lambda: min(met.values()) >= 3)
    for server in servers:
        server.close()
        await server.wait_closed()

    async def ok(request: Request) -> Reply:
        return Reply({"heard": True})

    serving = asyncio.create_task(Server(tcp_buses.new(), "generator", {"status": ok}).serve())
    publisher = Publisher(tcp_buses.new(), "frames", on_join=lambda _: [SAMPLES["status"]])
    joins = asyncio.create_task(publisher.serve_joins())
    assert await listening

    async def answered() -> bool:
        return bool((await client.call("status", timeout_s=5)).body["heard"])

    await eventually_async(answered)
    await client.close()
    serving.cancel()
    joins.cancel()


async def test_a_bus_that_is_closed_can_be_bound_again(tcp_buses: Buses) -> None:
    address = tcp_buses.address
    for _ in range(3):
        bus = Bus(address, budget_bytes=1 << 20, linger_ms=0)
        bus.bind("frames")
        bus.bind("generator")
        bus.close()
    assert free_port(str(address.host))
