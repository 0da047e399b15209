"""The places that imports take: what their holders have to keep to while others wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from starlette.requests import Request

from services.api.http import pace
from services.api.http.pace import ImportSlots, Pace, RequestTimeout
from services.api.http.uploads import ServerBusy
from tests.support.waiting import eventually_async

SOON_S = 0.1
LONG_S = 30


class Import:
    """One import, of which comes what the test says."""

    def __init__(self, places: ImportSlots) -> None:
        self._coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._places = places
        self.body = Pace(cast(Request, self), 10 * LONG_S)
        self.has_place = False
        self.task = asyncio.create_task(self._run())
        self.receive: Callable[[], Any] = self._coming.get

    def comes(self, size: int, *, more: bool = True) -> None:
        self._coming.put_nowait({"type": "http.request", "body": bytes(size), "more_body": more})

    async def _run(self) -> None:
        async with self._places.hold(self.body):
            self.has_place = True
            while not self.body.ended:
                await self.body.next()


async def waits(places: ImportSlots, count: int) -> None:
    async def so_many() -> bool:
        return places.waiting == count

    await eventually_async(so_many, LONG_S, f"{count} wait")


async def in_place(*imports: Import) -> None:
    async def all_have() -> bool:
        return all(each.has_place for each in imports)

    await eventually_async(all_have, LONG_S, "they have their places")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW_S", SOON_S)


async def test_a_holder_that_sends_nothing_is_ended_once_another_waits(short: None) -> None:
    places = ImportSlots()
    first, second = Import(places), Import(places)
    await in_place(first, second)
    third = Import(places)
    done, _ = await asyncio.wait([first.task, second.task], timeout=LONG_S)
    assert [type(task.exception()) for task in done] == [RequestTimeout, RequestTimeout]
    third.comes(1, more=False)
    await asyncio.wait_for(third.task, LONG_S)


async def test_a_holder_may_be_slow_where_nobody_waits(short: None) -> None:
    places = ImportSlots()
    first, second = Import(places), Import(places)
    await in_place(first, second)
    passing = Import(places)
    await waits(places, 1)
    passing.task.cancel()
    await waits(places, 0)
    await asyncio.wait([first.task, second.task], timeout=3 * SOON_S)
    for each in (first, second):
        each.comes(1, more=False)
        await asyncio.wait_for(each.task, LONG_S)


async def test_one_that_comes_fast_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW_S", 1.0)
    places = ImportSlots()
    fast, slow = Import(places), Import(places)
    await in_place(fast, slow)
    waiting = [Import(places) for _ in range(3)]
    for slower in (slow, *waiting[:2]):
        while not slower.task.done():
            fast.comes(pace.LEAST_IMPORT_BYTES_PER_S)
            slower.comes(1)
            await asyncio.wait([slower.task], timeout=0.1)
        assert isinstance(slower.task.exception(), RequestTimeout)
    assert not fast.task.done()
    for each in (fast, waiting[2]):
        each.comes(1, more=False)
        await asyncio.wait_for(each.task, LONG_S)


async def test_no_more_than_some_wait_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAX_WAITING", 2)
    places = ImportSlots()
    imports = [Import(places) for _ in range(pace.AT_ONCE)]
    await in_place(*imports)
    monkeypatch.setattr(pace, "WAIT_S", SOON_S)
    waiting = [Import(places) for _ in range(2)]
    await waits(places, 2)
    with pytest.raises(ServerBusy):
        await Import(places).task
    for each in waiting:
        with pytest.raises(ServerBusy):
            await asyncio.wait_for(each.task, LONG_S)
    for each in imports:
        each.comes(1, more=False)
        await asyncio.wait_for(each.task, LONG_S)


async def test_a_body_may_pause_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PAUSE_S", SOON_S)
    monkeypatch.setattr(pace, "GRACE_S", SOON_S)
    archive = Import(ImportSlots())
    await in_place(archive)
    with pytest.raises(RequestTimeout):
        await Pace(cast(Request, archive)).next()
    assert not archive.task.done()
    archive.comes(1, more=False)
    await asyncio.wait_for(archive.task, LONG_S)
