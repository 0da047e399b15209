"""Archives that hardly come: they may pause, keep nobody else out, and are told what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.api.http import pace
from services.api.routes import archives
from tests.contract.conftest import Site, Sites
from tests.contract.test_slow_clients import LONG_S, SOON_S, connection, impatient, until_ended
from tests.support.waiting import eventually_async

__all__ = ["impatient"]

HEAD = b"POST /session/import HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n"
BEGUN = HEAD % (99_999_999, b"") + b"\x1f\x8b"
LARGE = HEAD % (99_999_999, b"Expect: 100-continue\r\n")


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all imports, and none to wait in."""
    monkeypatch.setattr(pace, "AT_ONCE", 1)
    monkeypatch.setattr(pace, "MAX_WAITING", 0)


async def import_nothing(site: Site) -> httpx.Response:
    """An import that is refused with 422 as soon as it has its turn."""
    return await asyncio.wait_for(site.client.post("/session/import", content=b"no archive"), LONG_S)


@asynccontextmanager
async def holder(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One that has its place: then, and not before, it is told to send."""
    async with connection(site) as (reader, writer):
        writer.write(LARGE)
        assert b" 100 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONG_S)
        writer.write(b"\x1f\x8b")
        yield reader, writer


async def test_one_may_pause_for_longer_than_any_other_body(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PAUSE_S", SOON_S)
    monkeypatch.setattr(pace, "GRACE_S", SOON_S)
    site = await sites.new()
    async with connection(site) as (reader, writer):
        writer.write(HEAD % (12, b"Connection: close\r\n") + b"no")
        other = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
        for _ in range(2):
            assert b"request_timeout" in await until_ended(site, other)
        writer.write(b" archive...")
        answer = await asyncio.wait_for(reader.read(), LONG_S)
    assert b'"invalid_archive"' in answer


@pytest.mark.parametrize("drip", [b"", b"x" * 100], ids=["silent", "dripping"])
async def test_one_that_hardly_comes_makes_room_for_another(
    one_place: None, sites: Sites, monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setattr(pace, "WINDOW_S", SOON_S)
    site = await sites.new()
    async with holder(site) as (reader, writer):
        monkeypatch.setattr(pace, "MAX_WAITING", 1)
        other = asyncio.create_task(import_nothing(site))
        while drip and not other.done():
            writer.write(drip)
            await asyncio.wait([other], timeout=SOON_S / 10)
        assert (await other).status_code == 422
        try:
            answer = await asyncio.wait_for(reader.read(), LONG_S)
        except ConnectionError:
            answer = b""
    # Whoever still sends while its connection ends may see that first.
    assert (answer.startswith(b"HTTP/1.1 408 ") and b"Others wait" in answer) or (drip and answer == b"")


async def test_more_than_may_wait_are_told_so_before_they_send(one_place: None, sites: Sites) -> None:
    site = await sites.new()
    async with holder(site):
        answer = (await until_ended(site, LARGE)).lower()
        assert answer.startswith(b"http/1.1 503 ")
        assert b"server_busy" in answer
        assert b"retry-after: 30" in answer

    async def is_free() -> bool:
        return (await import_nothing(site)).status_code == 422

    await eventually_async(is_free, LONG_S, "the place is free")


async def test_what_is_wrong_with_one_is_told_though_the_rest_does_not_come(
    impatient: None, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "PAUSE_S", LONG_S)
    monkeypatch.setattr(archives, "PIECE_BYTES", 1000)
    site = await sites.new()
    async with connection(site) as (reader, writer):
        writer.write(BEGUN)
        writer.write(b"no archive" * 20_000)
        answer = await asyncio.wait_for(reader.read(), LONG_S)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b'"invalid_archive"' in answer
    assert b"connection: close" in answer.lower()
