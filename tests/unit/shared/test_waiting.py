"""Who is told to end ends, in whatever moment it is told."""

from __future__ import annotations

import asyncio

from shared.system.waiting import wait_at_most
from tests.support.waiting import eventually_async


async def test_it_ends_with_the_event_or_with_the_time() -> None:
    event = asyncio.Event()
    await wait_at_most(event, 0.0)
    assert not event.is_set()
    event.set()
    await wait_at_most(event, 60.0)


async def test_a_cancellation_in_the_moment_of_the_event_is_not_swallowed() -> None:
    event, begun = asyncio.Event(), []

    async def work() -> None:
        while True:
            begun.append(True)
            await wait_at_most(event, 60.0)
            event.clear()

    task = asyncio.create_task(work())
    await eventually_async(lambda: bool(begun), 5, "it waits")
    event.set()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_a_cancellation_in_the_moment_when_the_time_is_up_is_not_swallowed() -> None:
    begun = []

    async def work() -> None:
        while True:
            begun.append(True)
            await wait_at_most(asyncio.Event(), 0.0)

    task = asyncio.create_task(work())
    await eventually_async(lambda: len(begun) > 3, 5, "it waits again and again")
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
