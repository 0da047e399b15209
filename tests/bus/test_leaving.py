"""A peer that leaves in the midst of a flood. libzmq's assertions end the process: here the tests' own."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from shared.bus.envelope import Reply, Request
from shared.bus.publisher import Publisher
from shared.bus.rpc import Client
from shared.bus.server import Server
from tests.support.buses import Buses
from tests.support.zmtp import RawPeer, frame, message

PING = frame(b"\x04PING\x00\x00", command=True)
REQUEST = message(b'{"v":1,"type":"status","id":"1"}')
SUBSCRIPTION = frame(b"\x01replay.status|")


@pytest.fixture(params=["ipc", "tcp"])
def ends(request: pytest.FixtureRequest, buses: Buses, tcp_buses: Buses) -> Buses:
    return buses if request.param == "ipc" else tcp_buses


@pytest.mark.parametrize(("channel", "said"), [("replayer", REQUEST), ("replays", SUBSCRIPTION)])
async def test_a_flood_with_pings_that_breaks_off_ends_nothing(ends: Buses, channel: str, said: bytes) -> None:
    bus = ends.new()

    async def status(request: Request) -> Reply:
        return Reply()

    server, publisher = Server(bus, "replayer", {"status": status}), Publisher(bus, "replays")
    tasks = [asyncio.create_task(server.serve()), asyncio.create_task(publisher.serve_joins())]

    def flood() -> None:
        with RawPeer(ends.address, channel) as peer:
            if peer.socket.family != socket.AF_UNIX:  # to break off, not to close
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for _ in range(30):
                peer.send((said * 20 + PING) * 200)

    for _ in range(20):
        try:
            await asyncio.to_thread(flood)
        except OSError:
            continue  # cut off
    client = Client(ends.new(), "replayer")
    await client.call("status", timeout_s=30)
    await client.close()
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
