"""A process that has come to rest gives back what it does not need."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from shared.system import memory
from shared.system.memory import CALM_LOOKS, GROWN_BYTES, RESTLESS_LOOKS, Calm
from tests.support.waiting import eventually_async


class Ring:
    """Something that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    done: list[int] = []
    monkeypatch.setattr(memory, "trim", lambda: done.append(1))
    return done


async def looks(at: Calm, used: int, times: int, trims: list[int]) -> list[int]:
    """At which of so many looks something was given back."""
    found = []
    for number in range(1, times + 1):
        before = len(trims)
        await at.look(used)
        if len(trims) > before:
            found.append(number)
    return found


async def test_growth_is_given_back_once_it_is_over_and_then_ever_more_rarely(trims: list[int]) -> None:
    at = Calm()
    await at.look(0)
    used = 0
    for _ in range(2 * CALM_LOOKS):
        used += 2 * GROWN_BYTES
        await at.look(used)
    assert not trims, "while it grows nothing is gained"
    assert await looks(at, used, 8 * CALM_LOOKS, trims) == [CALM_LOOKS * each for each in (1, 3, 7)]
    at.close()


async def test_a_process_that_is_never_calm_gives_back_now_and_then(trims: list[int]) -> None:
    at = Calm()
    await at.look(0)
    for number in range(4 * RESTLESS_LOOKS):
        await at.look((2 + 2 * (number % 2)) * GROWN_BYTES)
    assert len(trims) == 4
    at.close()


async def test_who_grows_slowly_gives_back_each_time(trims: list[int]) -> None:
    at = Calm()
    await at.look(0)
    for _ in range(5):
        await looks(at, 0, CALM_LOOKS, trims)
        for step in range(2 * CALM_LOOKS):
            await at.look(step * GROWN_BYTES // CALM_LOOKS)
    assert len(trims) == 5
    at.close()


async def test_where_nothing_has_grown_nothing_is_done(trims: list[int]) -> None:
    at = Calm()
    assert await looks(at, 100 * GROWN_BYTES, 5 * CALM_LOOKS, trims) == []
    assert await looks(at, 101 * GROWN_BYTES, 5 * CALM_LOOKS, trims) == []
    at.close()


async def test_what_was_loaded_is_no_growth(trims: list[int]) -> None:
    at = Calm()
    await at.look(0)
    at.forget()
    assert await looks(at, 100 * GROWN_BYTES, 5 * CALM_LOOKS, trims) == []
    at.close()


async def test_rings_are_found(trims: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LOOK_S", 0.001)
    growing = iter([0, 0, *([2 * GROWN_BYTES] * 10_000)])
    monkeypatch.setattr(memory, "resident_bytes", lambda: next(growing))
    gc.disable()
    try:
        running = asyncio.create_task(Calm().run())
        await asyncio.sleep(0)  # what is there by then is kept
        ring = weakref.ref(Ring())
        await eventually_async(lambda: ring() is None)
        await eventually_async(lambda: bool(trims))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        gc.enable()
        gc.unfreeze()


async def test_where_the_system_does_not_say_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: None)
    try:
        await asyncio.wait_for(Calm().run(), 10)
    finally:
        gc.unfreeze()
