"""Clients that begin something and do not go on: each ends, says why where it can, and holds up nobody."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.api import server
from services.api.edge import bounded, connections
from services.api.http import pace, uploads
from services.api.routes import archives
from tests.contract.conftest import Site, Sites, body
from tests.contract.test_gaze import wire
from tests.support.waiting import eventually_async

MIB = 1024 * 1024
SOON_S = 0.3
LONG_S = 60
HEAD = b"%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BEGUN = HEAD % b"POST /generate" + b"Content-Length: 100000\r\n\r\n" + b'{"image_base64":"AAAA'
CHUNKED = HEAD % b"POST /generate" + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for tenths of a second where it waits for many."""
    monkeypatch.setattr(bounded, "HEAD_S", SOON_S)
    monkeypatch.setattr(pace, "PAUSE_S", SOON_S)
    monkeypatch.setattr(pace, "GRACE_S", SOON_S)
    monkeypatch.setattr(archives, "PAUSE_S", SOON_S)
    monkeypatch.setattr(server, "KEEP_ALIVE_S", 1)
    monkeypatch.setattr(connections, "CHECK_S", 0.1)


@asynccontextmanager
async def connection(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until_ended(site: Site, said: bytes, drip: bytes = b"") -> bytes:
    """What a client gets that says something, then drips or is silent, until its connection ends."""
    async with connection(site) as (reader, writer):
        writer.write(said)

        async def dripping() -> None:
            while drip:
                writer.write(drip)
                await asyncio.sleep(SOON_S / 10)

        drips = asyncio.create_task(dripping())
        try:
            return await asyncio.wait_for(reader.read(), LONG_S)
        except ConnectionError:
            return b""
        finally:
            drips.cancel()


HEADS = {
    "half a line": (b"GET /hea", b""),
    "half a head": (b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b""),
    "a head that drips": (b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"a: b\r\n"),
    "a line that drips": (b"GET /", b"a"),
    "a second head": (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea", b"l"),
    "half a handshake": (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", b""),
}


@pytest.mark.parametrize(("said", "drip"), HEADS.values(), ids=HEADS)
async def test_a_head_that_does_not_end(impatient: None, sites: Sites, said: bytes, drip: bytes) -> None:
    site = await sites.new()
    answer = await until_ended(site, said, drip)
    assert answer.count(b"HTTP/1.1 408 ") == 1
    last = answer.rpartition(b"\r\n\r\n")[2]
    assert json.loads(last)["error"] == "request_timeout"


async def test_one_that_says_nothing(impatient: None, sites: Sites) -> None:
    site = await sites.new()
    assert await until_ended(site, b"") == b"", "as one that has nothing more to say"


BODIES = {
    "half a body": (BEGUN, b""),
    "a body that drips": (BEGUN, b"A"),
    "none of it": (HEAD % b"POST /generate" + b"Content-Length: 10\r\n\r\n", b""),
    "half a chunk": (CHUNKED + b"ff\r\n{", b""),
    "half a chunk's head": (CHUNKED + b"f", b""),
    "no last chunk": (CHUNKED + b"1\r\n{\r\n", b""),
    "chunks that drip": (CHUNKED, b"1\r\n \r\n"),
    "trailers that drip": (CHUNKED + b"1\r\n{\r\n0\r\n", b"a: b\r\n"),
    "a chunk's extension that drips": (CHUNKED + b"1;", b"a"),
    "where none is wanted": (HEAD % b"GET /health" + b"Content-Length: 10\r\n\r\n", b""),
    "where nobody reads it": (HEAD % b"POST /session/start" + b"Content-Length: 70000\r\n\r\n", b"x"),
    "of a form": (
        b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 9999\r\n\r\n--x\r\n",
        b"",
    ),
    "of another kind": (b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "of a re-run": (HEAD % b"POST /session/a/rerun" + b"Content-Length: 9999\r\n\r\n{", b""),
}


@pytest.mark.parametrize(("said", "drip"), BODIES.values(), ids=BODIES)
async def test_a_body_that_does_not_end(impatient: None, sites: Sites, said: bytes, drip: bytes) -> None:
    site = await sites.new()
    answer = await until_ended(site, said, drip)
    # Whoever still sends while its connection ends may see that first.
    assert (answer.startswith(b"HTTP/1.1 408 ") and b'"request_timeout"' in answer) or (drip and answer == b"")
    assert (await site.generate()).status_code == 200


async def test_half_an_archive(impatient: None, sites: Sites) -> None:
    site = await sites.new()
    said = b"POST /session/import HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n\x1f\x8b"
    answers = await asyncio.gather(*[until_ended(site, said) for _ in range(4)])
    assert all(b"request_timeout" in answer for answer in answers), "one behind the other, and none keeps its place"


async def test_the_rest_of_a_body_that_was_answered_already(impatient: None, sites: Sites) -> None:
    site = await sites.new()
    answer = await until_ended(site, HEAD % b"POST /nowhere" + b"Content-Length: 100000\r\n\r\n", b"x")
    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_a_slow_honest_client_is_waited_for(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    """It pauses longer than the average of its bytes allows at first, and brings enough over all."""
    monkeypatch.setattr(pace, "GRACE_S", SOON_S)
    site = await sites.new()
    content = json.dumps(body()).encode() + b" " * 100_000
    async with connection(site) as (reader, writer):
        head = HEAD % b"POST /generate" + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content)
        for piece in (head[:30], head[30:] + content[:60_000], content[60_000:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(2 * SOON_S)
        assert (await asyncio.wait_for(reader.read(), LONG_S)).startswith(b"HTTP/1.1 200 ")


async def test_many_half_sent_bodies_leave_room_for_an_honest_one(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "WINDOW_S", 0.1)
    site = await sites.new(upload_bytes=8 * MIB)
    content = b'{"image_base64":"' + b"A" * 4 * MIB
    head = HEAD % b"POST /generate" + b"Content-Length: %d\r\n\r\n" % (2 * len(content))
    opened = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(12)]
    for _, writer in opened:
        writer.write(head + content)
    padded = body(image_base64=base64.b64encode(bytes(2 * MIB)).decode())
    async with asyncio.timeout(LONG_S):
        refused = await site.client.post("/generate", json=padded)
        assert refused.json()["error"] == "unreadable_image", "it was read to its end"
        assert (await site.generate()).status_code == 200
    for _, writer in opened:
        writer.close()


async def test_one_that_is_cut_off_for_others_is_told_once_it_has_sent_all(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "WINDOW_S", 0.1)
    site = await sites.new(upload_bytes=2 * MIB)
    content = b'{"image_base64":"' + b"A" * 4 * MIB
    head = HEAD % b"POST /generate" + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (len(content) + 10)
    async with connection(site) as (reader, writer):
        writer.write(head + content)
        await writer.drain()
        refused = await site.client.post("/generate", json=body(image_base64="A" * 4 * MIB))
        assert refused.json()["error"] == "unreadable_image"
        writer.write(b"A" * 10)
        answer = await asyncio.wait_for(reader.read(), LONG_S)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"server_busy"' in answer
    assert b"retry-after: 2" in answer.lower()


async def test_requests_far_ahead_of_their_answers(site: Site) -> None:
    site.generator.release.clear()
    content = json.dumps(body()).encode()
    first = HEAD % b"POST /generate" + b"Content-Length: %d\r\n\r\n" % len(content) + content
    ahead = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = await until_ended(site, first + ahead * 5000)
    assert answer.count(b"HTTP/1.1 ") < bounded.MAX_PIPELINED
    site.generator.release.set()


async def test_some_requests_ahead_of_their_answers_are_answered(site: Site) -> None:
    ahead = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert (await until_ended(site, ahead + last)).count(b"HTTP/1.1 200 ") == 51


@pytest.mark.parametrize(
    "said",
    [
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        CHUNKED + b"1\r\n \r\n" * 20_000,
        CHUNKED + b"1;" + b"a" * 200_000,
        CHUNKED + b"0\r\n" + b"a: b\r\n" * 50_000,
    ],
    ids=["headers", "tiny chunks", "a chunk's extension", "trailers"],
)
async def test_more_of_a_kind_than_any_client_sends(impatient: None, sites: Sites, said: bytes) -> None:
    site = await sites.new()
    answer = await until_ended(site, said)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), answer[:200]


async def test_chunks_of_lines_are_a_body(site: Site) -> None:
    image = base64.encodebytes(bytes(200_000)).decode()
    content = json.dumps(body(image_base64=image)).encode()
    lines = [content[at : at + 76] for at in range(0, len(content), 76)]
    said = CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    said += b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines) + b"0\r\n\r\n"
    assert b"unreadable_image" in await until_ended(site, said)


async def test_an_answer_that_nobody_reads(impatient: None, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNREAD_S", SOON_S)
    site = await sites.new()
    ahead = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with connection(site) as (reader, writer):
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        for _ in range(400):
            writer.write(ahead)
            if transport.is_closing():
                break
            await asyncio.sleep(0.01)
        transport.resume_reading()
        with pytest.raises((ConnectionError, AssertionError)):  # noqa: PT012
            while True:
                writer.write(ahead)
                await writer.drain()
                assert await asyncio.wait_for(reader.read(2**20), LONG_S)
    assert (await site.client.get("/health")).status_code == 200


async def test_empty_fragments_are_not_kept(site: Site) -> None:
    """Nor do they count: the message that they are part of is taken."""
    async with wire(site, "/gaze?listen=true") as listener, wire(site, "/gaze") as sender:

        async def reaches() -> bool:
            text = b'{"x":0.5,"y":0.5}'
            sender.write(b"\x01\x80" + bytes(4))  # a text's beginning, empty and masked
            for _ in range(30):
                sender.write((b"\x00\x80" + bytes(4)) * 100)
            sender.write(bytes([0x80, 0x80 | len(text)]) + bytes(4) + text)
            return await listener.receive(0.5) == (1, text)

        await eventually_async(reaches)


async def test_a_message_of_very_many_fragments_is_too_much(site: Site) -> None:
    async with wire(site, "/gaze?listen=true") as client:
        client.write(b"\x01\x81" + bytes(4) + b" ")
        for _ in range(30):
            client.write((b"\x00\x81" + bytes(4) + b" ") * 100)
        seen = await client.receive(20)
    assert seen is not None
    kind, data = seen
    assert kind == 8, "closed"
    assert int.from_bytes(data[:2], "big") == 1009


async def test_a_message_of_some_fragments_is_one(site: Site) -> None:
    async with wire(site, "/gaze?listen=true") as listener, wire(site, "/gaze") as sender:

        async def reaches() -> bool:
            text = b'{"x":0.5,"y":0.5}'
            sender.write(b"\x01\x80" + bytes(4))
            for at, letter in enumerate(text):
                last = 0x80 if at == len(text) - 1 else 0
                sender.write(bytes([last, 0x81]) + bytes(4) + bytes([letter]))
            return await listener.receive(0.5) == (1, text)

        await eventually_async(reaches, 20, "the point")
