"""``WS /gaze`` and clients that do not read: a tracker's program sends, and reads nothing for hours."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets

from tests.contract.conftest import Site
from tests.support.waiting import eventually_async

PING_S = 20
"""After so long a library's server, and ours once, asks whether somebody is there."""
TEXT, PING, PONG = 1, 9, 10


class Wire:
    """A WebSocket's client that reads only when it is told to: no library answers pings behind its back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, text: str | bytes, opcode: int = TEXT) -> None:
        data = text.encode() if isinstance(text, str) else text
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
        self.write(bytes([0x80 | opcode]) + size + bytes(4) + data)  # masked with zeros
        await self._writer.drain()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """The next message's kind and data; None where none comes in time, or the connection has ended."""
        try:
            async with asyncio.timeout(timeout_s):
                kind, size = await self._reader.readexactly(2)
                if size == 126:
                    (size,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
                return kind & 0x0F, await self._reader.readexactly(size)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return None


@asynccontextmanager
async def wire(site: Site, path: str, limit: int = 2**16) -> AsyncIterator[Wire]:
    """Connect. ``limit``: bytes that are read ahead, about."""
    bare = socket.socket()
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
    bare.connect(("127.0.0.1", site.port))
    bare.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=bare, limit=limit)
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def connect(site: Site, query: str = "") -> websockets.connect:
    return websockets.connect(f"ws://127.0.0.1:{site.port}/gaze{query}")


def point(x: float) -> str:
    return json.dumps({"x": x, "y": 0.5})


async def reaches(sender: Wire | websockets.ClientConnection, listener: websockets.ClientConnection, text: str) -> None:
    """Send until a listener has it: the server takes connections in when it comes to them."""
    received = ""
    async with asyncio.timeout(10):
        while received != text:
            await sender.send(text)
            try:
                async with asyncio.timeout(0.1):
                    received = str(await listener.recv())
            except TimeoutError:
                continue


async def test_nothing_unasked_is_sent_to_whoever_sends(site: Site) -> None:
    """Two trackers and a viewer, for longer than a ping would have taken."""
    async with wire(site, "/gaze") as tracker, connect(site) as other, connect(site) as viewer:
        await reaches(tracker, viewer, point(0.1))
        await reaches(other, viewer, point(0.2))
        while (early := await tracker.receive(0.3)) is not None:
            assert early[0] == TEXT, "points of the other one, before this one had sent any"
        loop = asyncio.get_running_loop()
        ends = loop.time() + PING_S + 1
        number = 0
        while loop.time() < ends:
            number += 1
            await tracker.send(point(number % 100 / 100))
            await other.send(point(0.9))
            assert await tracker.receive(0.05) is None
            async with asyncio.timeout(5):
                await viewer.recv()
        await reaches(tracker, viewer, point(0.3))


async def test_errors_are_few(site: Site) -> None:
    """Fewer than the 16 messages that libraries hold for a program that does not read, before they stop reading."""
    async with wire(site, "/gaze") as tracker, connect(site) as viewer:
        for _ in range(2000):
            await tracker.send("no point")
        await reaches(tracker, viewer, point(0.5))
        told = []
        while (message := await tracker.receive(0.5)) is not None:
            told.append(json.loads(message[1]))
        assert 1 <= len(told) < 16
        assert {each["error"] for each in told} == {"invalid_request"}
        assert "not told" in told[-1]["detail"], "the last says that it is the last"


async def test_who_only_listens_gets_points_and_who_asks_for_them(site: Site) -> None:
    async with (
        connect(site) as tracker,
        connect(site) as viewer,
        connect(site, "?listen=true") as both,
        connect(site, "?listen=false") as deaf,
    ):
        await reaches(both, viewer, point(0.1))
        await reaches(tracker, viewer, point(0.2))
        await reaches(tracker, both, point(0.3))
        await deaf.send("no point")
        assert json.loads(await deaf.recv())["error"] == "invalid_request", "and no point before it"


async def test_a_listener_that_does_not_read_holds_nobody_up(site: Site) -> None:
    async with wire(site, "/gaze") as stuck, connect(site) as tracker, connect(site) as viewer:
        padding = "x" * 1900
        for number in range(5000):
            await tracker.send(json.dumps({"x": 0.5, "y": 0.5, "number": number, "padding": padding}))
        await reaches(tracker, viewer, point(0.7))
        await stuck.send(point(0.8))
        await reaches(stuck, viewer, point(0.8))


async def test_answers_to_pings_do_not_pile_up(site: Site) -> None:
    async with wire(site, "/gaze") as tracker, connect(site) as viewer:
        count = 60_000
        for _ in range(count):
            await tracker.send(b"p" * 125, PING)
        await reaches(tracker, viewer, point(0.5))
        pongs = 0
        while (message := await tracker.receive(0.5)) is not None:
            assert message[0] == PONG
            pongs += 1
        assert 0 < pongs < count, "the rest was held nowhere"


async def test_who_takes_nothing_and_says_nothing_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.edge.websockets.UNREAD_S", 0.3)
    site.generator.png_bytes = 4_000_000

    async def viewers() -> int:
        count: int = (await site.health())["processes"]["api"]["viewers"]
        return count

    async with wire(site, "/ws"), websockets.connect(f"ws://127.0.0.1:{site.port}/ws", max_size=None) as quick:

        async def one_is_left() -> bool:
            await site.generate()
            return await viewers() == 1

        async def read() -> None:
            async for _ in quick:
                continue

        reading = asyncio.create_task(read())
        await eventually_async(one_is_left, 30, "the viewer that does not read is cut off")
        assert not reading.done(), "the one that reads is not"
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_who_sends_is_not_cut_off_for_what_it_leaves_unread(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.edge.websockets.UNREAD_S", 1.5)
    async with wire(site, "/gaze?listen=true") as both, connect(site) as tracker:
        padding = "x" * 1900
        loop = asyncio.get_running_loop()
        ends = loop.time() + 5
        while loop.time() < ends:
            await tracker.send(json.dumps({"x": 0.5, "y": 0.5, "padding": padding}))
            await both.send(point(0.1))
        async with connect(site) as viewer:  # not before: one that only listens, and does not read, is cut off
            await reaches(both, viewer, point(0.8))


async def test_a_handshake_that_is_none_is_told_so_in_json(site: Site) -> None:
    """By the library: without a key; of another version; with a header of more than it takes."""
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    for more, status in (
        ("Sec-WebSocket-Version: 13\r\n", b"400"),
        (f"Sec-WebSocket-Version: 8\r\n{key}", b"400"),
        (f"Sec-WebSocket-Version: 13\r\n{key}Cookie: {'c' * 10_000}\r\n", b"431"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"GET /gaze HTTP/1.1\r\nHost: localhost\r\n{upgrade}{more}\r\n".encode())
        head, _, content = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        writer.close()
        assert head.split()[1] in (status, b"426"), head
        assert json.loads(content)["detail"]


async def test_a_path_of_a_websocket_without_its_upgrade(site: Site) -> None:
    for path in ("/ws", "/gaze", "/ws?frames=false"):
        answer = await site.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (426, "upgrade_required")
        assert answer.headers["upgrade"] == "websocket"
        assert "upgrade" in answer.headers["connection"].lower()
    assert (await site.client.post("/ws")).status_code == 405
