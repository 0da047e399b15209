"""Frames that no client sends: each is answered with its close code, and none leaves a traceback in the log."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from services.api.server import HttpServer, listen
from tests.contract.conftest import Site
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80
POINT = b'{"x": 0.5, "y": 0.5}'
HANDSHAKE = "\r\n".join(
    [
        "GET {} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "",
        "",
    ]
)


@pytest.fixture
def site(shared_site: Site) -> Site:
    return shared_site


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """What a client does wrong is no error of the server, and none that only the event loop hears of."""
    loop = asyncio.get_running_loop()
    unheard: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unheard.append(context))
    yield

    async def all_gone() -> bool:
        return (await site.health())["processes"]["api"]["viewers"] == 0

    await eventually_async(all_gone, 10, "nobody is left")
    loop.set_exception_handler(None)
    assert unheard == []
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


def frame(opcode: int, data: bytes = b"", *, first: int = FIN, masked: bool = True) -> bytes:
    """A frame as a client sends it."""
    mask = 0x80 if masked else 0
    if len(data) < 126:
        size = bytes([mask | len(data)])
    elif len(data) < 65536:
        size = bytes([mask | 126]) + struct.pack("!H", len(data))
    else:
        size = bytes([mask | 127]) + struct.pack("!Q", len(data))
    return bytes([first | opcode]) + size + (bytes(4) if masked else b"") + data  # masked with zeros


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


async def connect(site: Site, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(HANDSHAKE.format(path).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


def frames_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        size, start = data[1] & 0x7F, 2
        if size == 126:
            size, start = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            size, start = struct.unpack("!Q", data[2:10])[0], 10
        yield data[0] & 0x0F, data[start : start + size]
        data = data[start + size :]


async def closed_with(site: Site, path: str, sent: bytes) -> int | None:
    """The code with which the server closes; None where its close frame has none."""
    reader, writer = await connect(site, path)
    writer.write(sent)
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
    told = [data for opcode, data in frames_in(answer) if opcode == CLOSE]
    assert len(told) == 1, answer
    return struct.unpack("!H", told[0][:2])[0] if told[0] else None


INVALID_UTF8 = [b"\xff", b"abc\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b'{"x": 0.5, "y": 0.5}\x80']

REFUSED = {
    **{f"text {data!r}": (frame(TEXT, data), 1007) for data in INVALID_UTF8},
    "text in parts": (frame(TEXT, b"\xc3", first=0) + frame(CONT, b"\xff"), 1007),
    "text whose last part is cut off": (frame(TEXT, b"a", first=0) + frame(CONT, b"\xe2\x82"), 1007),
    "text, and more behind it": (
        frame(TEXT, b"\xff") + 20 * frame(PING, b"p") + frame(TEXT, b"\xff") + close(1000),
        1007,
    ),
    "text, and then a bad frame": (frame(TEXT, b"\xff") + frame(3), 1007),
    "text, twice": (frame(TEXT, b"\xff") * 2, 1007),
    "reason of a close": (close(1000, b"\xff\xfe"), 1007),
    "close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"close with {code}": (close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
    "long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "close in parts": (frame(CLOSE, first=0), 1002),
    "ping in parts": (frame(PING, first=0), 1002),
    "long ping": (frame(PING, b"x" * 126), 1002),
    **{f"reserved bit {bit:#x}": (frame(TEXT, POINT, first=FIN | bit), 1002) for bit in (0x40, 0x20, 0x10)},
    **{f"opcode {opcode}": (frame(opcode), 1002) for opcode in (3, 7, 11, 15)},
    "unmasked": (frame(TEXT, POINT, masked=False), 1002),
    "a part of nothing": (frame(CONT, b"x"), 1002),
    "a text within a text": (frame(TEXT, b"x", first=0) + frame(TEXT, b"y"), 1002),
    "a close within a text": (frame(TEXT, b"x", first=0) + close(1000), 1002),
    "too long": (frame(TEXT, b"x" * (64 * 1024 + 1)), 1009),
    "too long in parts": (frame(TEXT, b"x" * 40_000, first=0) + frame(CONT, b"x" * 40_000, first=0), 1009),
    "too long to be sent": (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + bytes(4), 1009),
    "longer than 63 bits": (b"\x81\xff" + b"\xff" * 8 + bytes(4), 1009),
}


@pytest.mark.parametrize("path", ["/ws", "/ws?frames=false", "/gaze", "/gaze?listen=true"])
@pytest.mark.parametrize(("sent", "code"), REFUSED.values(), ids=REFUSED)
async def test_refused_with_its_code(site: Site, path: str, sent: bytes, code: int) -> None:
    assert await closed_with(site, path, sent) == code


@pytest.mark.parametrize(("sent", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_comes_before_the_answer_is_refused_alike(sent: bytes, code: int) -> None:
    """The client does not wait until it is let in."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        asked.set()
        await answer.wait()
        await websocket.accept()
        while (await websocket.receive())["type"] != "websocket.disconnect":
            continue

    sockets = listen("127.0.0.1", 0)
    server = HttpServer(slow, sockets)
    serving = asyncio.create_task(server.serve())
    reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
    writer.write(HANDSHAKE.format("/").encode())
    await asyncio.wait_for(asked.wait(), 10)
    writer.write(sent)
    await writer.drain()
    await beside(sockets[0].getsockname()[1])
    answer.set()
    head, _, frames = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert [data[:2] for opcode, data in frames_in(frames) if opcode == CLOSE] == [struct.pack("!H", code)]
    writer.close()
    server.stop()
    await serving


async def beside(port: int) -> None:
    """Until the server has come round to whoever comes behind what was sent before."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def test_who_does_not_go_when_told_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.edge.websockets.LAST_WORDS_S", 0.2)
    reader, writer = await connect(site, "/gaze")
    writer.write(frame(TEXT, b"\xff"))
    assert next(frames_in(await asyncio.wait_for(reader.read(), 10)))[1][:2] == struct.pack("!H", 1007)

    async def is_cut_off() -> bool:
        try:
            writer.write(frame(TEXT, POINT))
            await writer.drain()
        except ConnectionError:
            return True
        return False

    await eventually_async(is_cut_off, 10)
    writer.close()


@pytest.mark.parametrize("path", ["/ws", "/gaze"])
async def test_ended_as_the_client_says(site: Site, path: str) -> None:
    assert await closed_with(site, path, frame(CLOSE)) is None
    for code in (1000, 1001, 1011, 1014, 3000, 4999):
        assert await closed_with(site, path, close(code, "bis später".encode()) + frame(TEXT, b"\xff") * 9) == code


TEXTS = [
    b"",
    b"null",
    b"{" * 1999,
    b"[" * 1999,
    b'{"x": NaN, "y": 0.5}',
    b'{"x": Infinity, "y": 0.5}',
    b'{"x": 1e999, "y": 0.5}',
    b'{"x": -0.1, "y": 0.5}',
    b'{"x": true, "y": 0.5}',
    b'{"x": "0.5", "y": 0.5}',
    b'{"x": 0.5}',
    b'{"x": 0.5, "y": 0.5, "name": "\\ud800"}',
    b'{"x": 0.5, "y": ' + b"9" * 1900 + b"}",
    b'\xef\xbb\xbf{"x": 0.5, "y": 0.5}',
    POINT + b" " * 2000,
    b"\x00",
]


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("text", TEXTS)
async def test_no_point_is_told_and_no_more(site: Site, kind: int, text: bytes) -> None:
    reader, writer = await connect(site, "/gaze")
    watcher, watching = await connect(site, "/gaze?listen=true")
    for _ in range(2):
        writer.write(frame(kind, text[:5], first=0) + frame(CONT, first=0) * 3 + frame(CONT, text[5:]))
    writer.write(frame(PING, b"alive"))
    told = list(frames_in(await asyncio.wait_for(reader.readuntil(b"alive"), 10)))
    while PONG not in [opcode for opcode, _ in told] or len(told) < 3:
        told += list(frames_in(await asyncio.wait_for(reader.read(2**16), 10)))
    assert all(json.loads(data)["error"] == "invalid_request" for opcode, data in told if opcode == TEXT)
    watching.write(frame(PING, b"alive"))
    assert list(frames_in(await asyncio.wait_for(watcher.readuntil(b"alive"), 10))) == [(PONG, b"alive")]
    for each in (writer, watching):
        each.close()


async def test_parts_without_anything_in_them_are_kept_nowhere(site: Site) -> None:
    _, writer = await connect(site, "/gaze?listen=true")
    listener, listening = await connect(site, "/gaze?listen=true")
    writer.write(frame(TEXT, POINT[:7], first=0))
    for _ in range(200):
        writer.write(frame(CONT, first=0) * 100)
        await writer.drain()
    writer.write(frame(CONT, POINT[7:]))
    assert await asyncio.wait_for(listener.readuntil(b"}"), 20) == frame(TEXT, POINT, masked=False)
    for each in (writer, listening):
        each.close()


@pytest.mark.parametrize("path", ["/ws", "/gaze", "/ws?frames=maybe", "/nothing"])
@pytest.mark.parametrize("cut", ["in the head", "before the answer", "in a frame", "behind a message"])
async def test_who_is_gone_at_once(site: Site, path: str, cut: str) -> None:
    """With a reset, which no closing handshake comes before."""
    head = HANDSHAKE.format(path).encode()
    sent = {
        "in the head": head[:-10],
        "before the answer": head,
        "in a frame": head + frame(TEXT, POINT)[:9],
        "behind a message": head + frame(TEXT, POINT) + frame(TEXT, b"\xff"),
    }[cut]
    for _ in range(10):
        bare = socket.create_connection(("127.0.0.1", site.port))
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bare.sendall(sent)
        bare.close()
    assert (await site.health())["status"] == "ok"
