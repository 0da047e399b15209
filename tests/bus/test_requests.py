"""Request and reply over real sockets: everything is answered, or given up in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zmq
from pydantic import BaseModel

from shared.bus.call import Handler
from shared.bus.envelope import Reply, Request
from shared.bus.rpc import CONNECT_GRACE_S, Client, PeerGone, read
from shared.bus.server import Server
from shared.errors import (
    InternalError,
    InvalidRequest,
    ParafoveaError,
    QueueFull,
    UnknownType,
)
from tests.support.buses import Buses
from tests.support.waiting import eventually_async


async def echo(request: Request) -> Reply:
    return Reply({"heard": request.body.get("say")}, request.payloads)


class Peer:
    """A server with its task, on an end of the bus of its own, that can go away and come back."""

    def __init__(self, buses: Buses, **handlers: Handler) -> None:
        self._buses = buses
        self._handlers: dict[str, Handler] = {"status": echo, **handlers}
        self.start()

    def start(self) -> None:
        self._bus = self._buses.new()
        self._task = asyncio.create_task(Server(self._bus, "replayer", self._handlers).serve())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._bus.close()


@pytest.fixture
async def client(buses: Buses) -> AsyncIterator[Client]:
    made = Client(buses.new(), "replayer")
    yield made
    await made.close()


async def test_a_call_is_answered_with_its_payloads(buses: Buses, client: Client) -> None:
    peer = Peer(buses)
    reply = await client.call("status", {"say": "é\n🐞"}, [b"one", b"", b"\x00" * 100_000], timeout_s=5)
    assert reply.body["heard"] == "é\n🐞"
    assert reply.body["type"] == "status.ok"
    assert [bytes(payload) for payload in reply.payloads] == [b"one", b"", b"\x00" * 100_000]
    assert client.connected
    await peer.stop()


async def test_payloads_come_as_bytes_or_where_it_is_asked_for_as_views(buses: Buses, client: Client) -> None:
    peer = Peer(buses)
    large = bytes(range(256)) * 4000
    copied = await client.call("status", {"say": ""}, [large], timeout_s=5)
    viewed = await client.call("status", {"say": ""}, [large], timeout_s=5, as_views=True)
    await peer.stop()
    (view,) = viewed.payloads
    assert (copied.payloads, type(view)) == ((large,), memoryview)
    assert view == large, "it outlives the one that sent it"
    assert viewed.payload == large


async def test_many_calls_at_once_each_get_their_own_answer(buses: Buses, client: Client) -> None:
    async def late_first(request: Request) -> Reply:
        # The first to come is answered last, so that order cannot stand in for ids.
        await asyncio.sleep((200 - request.body["number"]) / 5000)
        return Reply({"number": request.body["number"]})

    peer = Peer(buses, next=late_first)
    replies = await asyncio.gather(*(client.call("next", {"number": n}, timeout_s=20) for n in range(200)))
    assert [reply.body["number"] for reply in replies] == list(range(200))
    await peer.stop()


async def test_a_deadline_is_kept_and_the_late_reply_is_nobodys(buses: Buses, client: Client) -> None:
    release = asyncio.Event()
    answered = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await release.wait()
        answered.set()
        return Reply({"late": True})

    peer = Peer(buses, next=slow)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await client.call("next", timeout_s=0.1)
    assert time.monotonic() - started < 2
    release.set()
    await asyncio.wait_for(answered.wait(), 5)
    reply = await client.call("status", {"say": "after"}, timeout_s=5)
    assert reply.body["heard"] == "after"
    assert client._waiting == {}, "the id is forgotten, so nothing piles up"
    await peer.stop()


async def test_nobody_there_is_said_soon(client: Client) -> None:
    started = time.monotonic()
    with pytest.raises(PeerGone, match="nobody answers on 'replayer'"):
        await client.call("status", timeout_s=30)
    assert time.monotonic() - started < CONNECT_GRACE_S + 2
    assert not client.connected


async def test_a_deadline_shorter_than_the_grace_is_kept(client: Client) -> None:
    with pytest.raises((TimeoutError, PeerGone)):
        await client.call("status", timeout_s=0.05)


async def test_a_request_made_while_nobody_listened_is_never_carried_out(buses: Buses, client: Client) -> None:
    seen: list[Any] = []

    async def note(request: Request) -> Reply:
        seen.append(request.body["number"])
        return Reply()

    with pytest.raises(PeerGone):
        await client.call("next", {"number": 1}, timeout_s=5)
    peer = Peer(buses, next=note)

    async def second_call() -> bool:
        try:
            await client.call("next", {"number": 2}, timeout_s=5)
        except PeerGone:
            return False
        return True

    await eventually_async(second_call)
    assert 1 not in seen
    await peer.stop()


async def test_a_peer_that_dies_fails_the_calls_under_way_at_once(buses: Buses, client: Client) -> None:
    arrived = asyncio.Event()

    async def never(request: Request) -> Reply:
        arrived.set()
        await asyncio.Event().wait()
        return Reply()

    peer = Peer(buses, next=never)
    call = asyncio.create_task(client.call("next", timeout_s=60))
    await asyncio.wait_for(arrived.wait(), 5)
    started = time.monotonic()
    await peer.stop()
    with pytest.raises(PeerGone):
        await call
    assert time.monotonic() - started < 5
    await eventually_async(lambda: not client.connected)


async def test_a_peer_that_comes_back_is_found_again(buses: Buses, client: Client) -> None:
    peer = Peer(buses)
    await client.call("status", timeout_s=5)
    await peer.stop()
    await eventually_async(lambda: not client.connected)
    peer.start()
    await eventually_async(lambda: client.connected)
    assert (await client.call("status", {"say": 2}, timeout_s=5)).body["heard"] == 2
    await peer.stop()


class Wanted(BaseModel):
    index: int


@pytest.mark.parametrize(
    ("raised", "expected", "detail"),
    [
        (QueueFull("Try again."), QueueFull, "Try again"),
        (RuntimeError("secret"), InternalError, "its log has the reason"),
        (TimeoutError(), InternalError, "its log has the reason"),
        (None, InvalidRequest, "index: "),
    ],
)
async def test_a_handler_that_raises_is_answered(
    raised: Exception | None, expected: type[ParafoveaError], detail: str, buses: Buses, client: Client
) -> None:
    async def fails(request: Request) -> Reply:
        if raised is not None:
            raise raised
        Wanted.model_validate(request.body)
        return Reply()

    peer = Peer(buses, next=fails)
    with pytest.raises(expected, match=detail) as caught:
        await client.call("next", {"index": "x"}, timeout_s=5)
    assert "secret" not in caught.value.detail
    if raised is None:
        assert set(caught.value.fields or {}) == {"index"}
    await peer.stop()


async def test_a_reply_that_cannot_be_encoded_is_answered_as_an_error(buses: Buses, client: Client) -> None:
    async def unserialisable(request: Request) -> Reply:
        return Reply({"what": object()})

    peer = Peer(buses, next=unserialisable)
    with pytest.raises(InternalError):
        await client.call("next", timeout_s=5)
    await peer.stop()


async def test_an_unknown_type_is_told_what_is_served(buses: Buses, client: Client) -> None:
    peer = Peer(buses)
    with pytest.raises(UnknownType, match="serves no 'dance'; it serves status"):
        await client.call("dance", timeout_s=5)
    await peer.stop()


@pytest.mark.parametrize(
    ("frames", "code", "message_id"),
    [
        ([b""], "malformed_message", None),
        ([b"\xff"], "malformed_message", None),
        ([b"[1]"], "malformed_message", None),
        ([b"", b'{"v": 1, "type": "status", "id": "7"}'], "malformed_message", None),
        ([b'{"v": 1, "id": "7"}'], "malformed_message", "7"),
        ([b'{"v": 1, "type": "status", "id": 7}'], "malformed_message", None),
        ([b'{"v": 2, "type": "status", "id": "7"}'], "unsupported_version", "7"),
        ([b'{"v": 1, "type": "dance", "id": "7"}'], "unknown_type", "7"),
    ],
)
async def test_a_malformed_request_is_answered_too(
    frames: list[bytes], code: str, message_id: str | None, buses: Buses
) -> None:
    peer = Peer(buses)
    stranger = buses.new().connect("replayer")
    async with asyncio.timeout(5):
        await stranger.send_multipart(frames)
        header = json.loads((await stranger.recv_multipart())[0])
        assert (header["type"], header["code"], header["id"]) == ("error", code, message_id)
        # And the server goes on serving the same peer.
        await stranger.send_multipart([b'{"v": 1, "type": "status", "id": "8"}'])
        assert json.loads((await stranger.recv_multipart())[0])["type"] == "status.ok"
    await peer.stop()


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense", b'{"v": 1, "type": "status.ok", "id": ["7"]}', b'{"v": 9, "type": "status.ok", "id": "7"}'],
)
async def test_a_server_that_talks_nonsense_does_not_end_the_client(raw: bytes, buses: Buses, client: Client) -> None:
    router = buses.new().bind("replayer")

    async def nonsense_then_sense() -> None:
        identity, header = await router.recv_multipart()
        await router.send_multipart([identity, raw])
        await router.send_multipart([identity, b'{"v": 1, "type": "x.ok", "id": "somebody else\'s"}'])
        answer = {"v": 1, "type": "status.ok", "id": json.loads(header)["id"], "fine": True}
        await router.send_multipart([identity, json.dumps(answer).encode()])

    server = asyncio.create_task(nonsense_then_sense())
    assert (await client.call("status", timeout_s=5)).body["fine"] is True
    await server


async def test_closing_ends_the_calls_under_way(buses: Buses) -> None:
    async def never(request: Request) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    peer = Peer(buses, next=never)
    client = Client(buses.new(), "replayer")
    await client.call("status", timeout_s=5)
    call = asyncio.create_task(client.call("next", timeout_s=60))
    await eventually_async(lambda: client._waiting)
    await client.close()
    with pytest.raises(PeerGone, match="closing"):
        await call
    await peer.stop()


async def test_closing_the_bus_under_a_client_does_not_hang(buses: Buses) -> None:
    bus = buses.new()
    client = Client(bus, "replayer")
    with pytest.raises(PeerGone):
        await client.call("status", timeout_s=5)
    bus.close()
    await client.close()


async def test_a_message_larger_than_the_channel_allows_reaches_no_handler(buses: Buses) -> None:
    """The recorder's ``recordings`` and requests have limits: an oversized one ends the connection, not the server."""
    peer = Peer(buses)
    context = buses.new()
    stranger = context.connect("replayer")
    stranger.setsockopt(zmq.LINGER, 0)
    header = b'{"v": 1, "type": "status", "id": "7"}'
    await stranger.send_multipart([header, bytes(129 * 1024 * 1024)], copy=False)
    assert not await stranger.poll(500)
    fresh = Client(buses.new(), "replayer")
    assert (await fresh.call("status", {"say": 1}, timeout_s=10)).body["heard"] == 1
    await fresh.close()
    await peer.stop()


@pytest.mark.parametrize(
    "answer",
    [
        {"v": 2, "type": "status.ok"},
        {"v": "1", "type": "status.ok"},
        {"v": 1, "type": 5},
        {"v": 1, "type": "status.ok", "deep": json.loads("[" * 400 + "]" * 400)},
    ],
)
async def test_an_answer_that_cannot_be_read_is_an_error_of_its_request(
    buses: Buses, client: Client, answer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    router = buses.new().bind("replayer")

    async def serve() -> None:
        while True:
            identity, raw = await router.recv_multipart()
            header = json.dumps({**answer, "id": json.loads(raw)["id"]})
            await router.send_multipart([identity, header.encode()])

    serving = asyncio.create_task(serve())
    for _ in range(100):
        with pytest.raises(InternalError, match="cannot be read"):
            await client.call("status", timeout_s=20)
    assert len(caplog.records) < 20, "the log stays small"
    serving.cancel()


async def test_what_a_reply_says_is_read_or_an_error() -> None:
    class Told(BaseModel):
        count: int

    assert read(Told, Reply({"type": "status.ok", "count": 3, "new": True})).count == 3
    with pytest.raises(InternalError, match=r"'status\.ok' cannot be understood"):
        read(Told, Reply({"type": "status.ok", "count": "many"}))
    with pytest.raises(InternalError, match="without the bytes"):
        assert Reply({"type": "fetch.ok"}).payload


async def test_who_asks_of_a_closed_end_is_told_so(buses: Buses) -> None:
    """A loop that asks again and again may do so once more before it is cancelled."""
    client = Client(buses.new(), "recorder")
    asking = asyncio.create_task(client.call("status", timeout_s=20))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(PeerGone):
        await client.call("status", timeout_s=20)
    with pytest.raises(PeerGone):
        await asking
