"""Requests before the answers to those ahead of them, and what comes between requests: no answer is taken for another.

An idle connection stays silent: what is said on it unasked is read as the answer to the next request.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api import server
from services.api.edge import bounded
from services.api.server import HttpServer, listen
from tests.contract.conftest import Site, Sites

SOON_S = 0.3
LONG_S = 30
GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
HANDSHAKE = (
    b"GET /%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n"
)


@pytest.fixture
async def site(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> Site:
    """An API that waits less for the rest of a head than for the next one."""
    monkeypatch.setattr(bounded, "HEAD_S", SOON_S)
    monkeypatch.setattr(server, "KEEP_ALIVE_S", 1)
    return await sites.new()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """The port on which an application is served."""
    sockets = listen("127.0.0.1", 0)
    running = HttpServer(app, sockets)
    serving = asyncio.create_task(running.serve())
    yield sockets[0].getsockname()[1]
    running.stop()
    await serving


async def answer(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Held:
    """Answers all but the first request at once; that one when told to, or never, where its client is gone."""

    def __init__(self, *, begins: bool = False) -> None:
        self._begins = begins
        self.asked, self.go, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/held":
            await answer(send, scope["path"].encode())
            return
        await receive()
        if self._begins:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"he", "more_body": True})
        self.asked.set()
        waiting = [asyncio.create_task(self._until_gone(receive)), asyncio.create_task(self.go.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self.go.is_set():
            if self._begins:
                await send({"type": "http.response.body", "body": b"ld"})
            else:
                await answer(send, b"held")
        for task in waiting:
            task.cancel()

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        self.gone.set()


@pytest.mark.parametrize("begins", [False, True], ids=["before its answer", "within its answer"])
@pytest.mark.parametrize("ahead", [0, 1, 3])
async def test_work_ends_when_its_client_is_gone(begins: bool, ahead: int) -> None:
    """With whatever requests of the same client behind it."""
    app = Held(begins=begins)
    async with served(app) as port:
        bare = socket.create_connection(("127.0.0.1", port))
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bare.sendall(GET % b"held" + GET % b"behind" * ahead)
        await asyncio.wait_for(app.asked.wait(), LONG_S)
        bare.close()
        await asyncio.wait_for(app.gone.wait(), LONG_S)


@pytest.mark.parametrize("begins", [False, True], ids=["before its answer", "within its answer"])
async def test_a_handshake_behind_a_request_is_none(begins: bool) -> None:
    app = Held(begins=begins)
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % b"held" + HANDSHAKE % b"ws")
        await asyncio.wait_for(app.asked.wait(), LONG_S)
        app.go.set()
        told = await asyncio.wait_for(reader.read(), LONG_S)
        writer.close()
    first, second = told.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 ")
    assert first.endswith(b"\r\n\r\nheld"), "whole, and before the other"
    assert second.startswith(b"400 ")
    assert b"invalid_request" in second


async def test_a_handshake_after_an_answer_is_one(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(GET % b"health")
    assert (await asyncio.wait_for(reader.readuntil(b"}"), LONG_S)).startswith(b"HTTP/1.1 200 ")
    writer.write(HANDSHAKE % b"gaze")
    await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 101 "), LONG_S)
    writer.close()


async def test_nothing_is_written_into_an_answer() -> None:
    """Not even that what comes behind its request is no HTTP."""
    app = Held(begins=True)
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % b"held")
        await asyncio.wait_for(app.asked.wait(), LONG_S)
        writer.write(b"\0\0\0\r\n\r\n")
        told = await asyncio.wait_for(reader.read(), LONG_S)
        writer.close()
    assert told.count(b"HTTP/1.1 ") == 1


async def test_trailers_are_no_headers() -> None:
    """The head was checked before they came, and something may read it after."""
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            continue
        seen.update(scope)
        await answer(send, b"read")

    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailers = b"Host: evil.example\r\nOrigin: http://evil.example\r\nAuthorization: Bearer x\r\nX-Other: y\r\n"
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"1\r\na\r\n0\r\n" + trailers + b"\r\n" + GET % b"second")
        await asyncio.wait_for(reader.readuntil(b"read"), LONG_S)
        await asyncio.wait_for(reader.readuntil(b"read"), LONG_S)
        writer.close()
    assert seen["path"] == "/second"
    assert seen["headers"] == [(b"host", b"localhost")], "the next head is its own"
    seen.clear()
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"1\r\na\r\n0\r\n" + trailers + b"\r\n")
        await asyncio.wait_for(reader.readuntil(b"read"), LONG_S)
        writer.close()
    assert seen["headers"] == [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    ("said", "later"),
    [
        (POST % b"Content-Length: 10\r\n", b"0123456789"),
        (POST % b"Content-Length: 10\r\n" + b"01234", b"56789\r\n"),
        (POST % b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n0\r\n\r\n"),
        (POST % b"Content-Length: 0\r\n", b"\r\n"),
    ],
    ids=["a body", "the rest of a body", "chunks", "a line"],
)
async def test_an_idle_connection_is_silent(site: Site, said: bytes, later: bytes) -> None:
    """The end of a body that was answered before, or a blank line, begins no request."""
    for again in (b"", GET % b"health"):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(said)
        assert b"HTTP/1.1 404 " in await asyncio.wait_for(reader.readuntil(b"}"), LONG_S)
        writer.write(later + again)
        told = await asyncio.wait_for(reader.read(), LONG_S)
        writer.close()
        assert told.count(b"HTTP/1.1 ") == bool(again)
        assert b"HTTP/1.1 408 " not in told


async def test_blank_lines_do_not_keep_a_connection(site: Site) -> None:
    """Nor are they answered: they ask for nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)

    async def dripping() -> None:
        while True:
            writer.write(b"\r\n")
            await asyncio.sleep(SOON_S / 10)

    drips = asyncio.create_task(dripping())
    told = b""
    try:
        told = await asyncio.wait_for(reader.read(), LONG_S)
    except ConnectionError:
        told = b""  # it sees first that nobody takes its lines
    finally:
        drips.cancel()
        writer.close()
    assert told == b""
