"""Room for bodies: who waits, who makes room, and that somebody always goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack

import pytest

from services.api.http import uploads as module
from services.api.http.uploads import LARGE_BYTES, SMALL_BYTES, ServerBusy, Upload, Uploads
from shared.errors import InvalidRequest
from tests.support.waiting import eventually_async

MIB = 1024 * 1024


class Kept:
    """Keeps the number of bytes."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self.dropped = False

    def feed(self, piece: bytes) -> None:
        self.held_bytes += len(piece)

    def drop(self) -> None:
        self.dropped = True


class Refusing(Kept):
    def feed(self, piece: bytes) -> None:
        raise InvalidRequest("no")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    monkeypatch.setattr(module, "WINDOW_S", 0.05)
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    return lambda wait_s: monkeypatch.setattr(module, "WAIT_S", wait_s)


async def test_within_the_limit_nobody_waits() -> None:
    uploads = Uploads(100 * MIB)
    with ExitStack() as held:
        for _ in range(10):
            await held.enter_context(uploads.begin(Kept())).take(bytes(2 * MIB))
        assert uploads.used_bytes == 20 * MIB
    assert uploads.used_bytes == 0


async def test_one_that_hardly_comes_makes_room_for_another(quick: Callable[[float], None]) -> None:
    quick(30)
    uploads = Uploads(4 * MIB)
    slow, small = Kept(), Kept()
    with uploads.begin(slow) as stalled, uploads.begin(small) as little, uploads.begin(Kept()) as honest:
        await stalled.take(bytes(4 * MIB))
        await little.take(bytes(SMALL_BYTES))
        async with asyncio.timeout(20):
            for _ in range(3):
                await honest.take(bytes(MIB))
        assert slow.dropped
        assert isinstance(stalled.failure, ServerBusy)
        assert not small.dropped, "small ones hold little, and are left alone"
        assert honest.failure is None
        await stalled.take(bytes(MIB))  # what still comes of it is forgotten
        assert uploads.used_bytes == 3 * MIB + SMALL_BYTES


async def test_the_largest_of_them_is_the_one(quick: Callable[[float], None]) -> None:
    quick(30)
    uploads = Uploads(8 * MIB)
    with ExitStack() as held:
        stalled = [held.enter_context(uploads.begin(Kept())) for _ in range(3)]
        for upload, size in zip(stalled, (2, 5, 1), strict=True):
            await upload.take(bytes(size * MIB))
        honest = held.enter_context(uploads.begin(Kept()))
        async with asyncio.timeout(20):
            await honest.take(bytes(MIB))
        assert [upload.failure is not None for upload in stalled] == [False, True, False]


async def _send(uploads: Uploads, size: int, done: list[Upload]) -> None:
    with uploads.begin(Kept()) as upload:
        for _ in range(size // (256 * 1024)):
            await upload.take(bytes(256 * 1024))
            await asyncio.sleep(0)
        upload.complete()
        done.append(upload)


async def test_all_that_come_fast_get_through_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    uploads, done, most = Uploads(4 * MIB), list[Upload](), 0
    tasks = [asyncio.create_task(_send(uploads, 3 * MIB, done)) for _ in range(8)]
    async with asyncio.timeout(30):
        while not all(task.done() for task in tasks):
            most = max(most, uploads.used_bytes)
            await asyncio.sleep(0)
    assert [upload.failure for upload in done] == [None] * 8
    assert most <= 4 * MIB + 3 * MIB + 8 * 256 * 1024, "the limit, the oldest one, and a piece of each"


async def test_one_that_waits_too_long_is_told_so(quick: Callable[[float], None]) -> None:
    quick(0.2)
    uploads = Uploads(MIB)
    with uploads.begin(Kept()) as working, uploads.begin(Kept()) as first, uploads.begin(Kept()) as second:
        await working.take(bytes(2 * MIB))
        working.complete()  # it is being worked on: nobody can make it give its memory up
        await first.take(bytes(MIB))  # the oldest goes on all the same
        async with asyncio.timeout(20):
            await second.take(bytes(MIB))
        assert first.failure is None or second.failure is None
        assert isinstance(second.failure or first.failure, ServerBusy)


async def test_large_ones_leave_room_for_others(
    quick: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(0.2)
    monkeypatch.setattr(module, "WINDOW_S", 60)  # none is so slow that it makes room
    uploads = Uploads(40 * MIB)
    async with AsyncExitStack() as held:
        for _ in range(3):
            large = held.enter_context(uploads.begin(Kept()))
            await large.take(bytes(12 * MIB))
            large.complete()
        another, ordinary = (held.enter_context(uploads.begin(Kept())) for _ in range(2))
        oldest = held.enter_context(uploads.begin(Kept()))
        await oldest.take(bytes(SMALL_BYTES + 1))
        await another.take(bytes(LARGE_BYTES + 1))
        assert isinstance(another.failure, ServerBusy)
        await ordinary.take(bytes(2 * MIB))
        assert ordinary.failure is None


async def test_one_that_gives_up_waiting_is_forgotten(quick: Callable[[float], None]) -> None:
    quick(30)
    uploads = Uploads(MIB)
    with uploads.begin(Kept()) as working:
        await working.take(bytes(2 * MIB))
        working.complete()
        with uploads.begin(Kept()) as oldest:
            await oldest.take(bytes(MIB))
            with uploads.begin(Kept()) as upload:
                waiting = asyncio.create_task(upload.take(bytes(2 * MIB)))
                await eventually_async(lambda: upload.is_held_back, 10, "it waits")
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                assert not upload.is_held_back
        with uploads.begin(Kept()) as next_oldest:
            await asyncio.wait_for(next_oldest.take(bytes(MIB)), 10)
    assert uploads.used_bytes == 0


async def test_what_a_reader_refuses_is_dropped_and_read_on() -> None:
    uploads, refusing = Uploads(MIB), Refusing()
    with uploads.begin(refusing) as upload:
        await upload.take(b"x")
        await upload.take(b"x")
        assert isinstance(upload.failure, InvalidRequest)
        assert refusing.dropped


async def test_of_many_one_takes_its_turn_a_round() -> None:
    uploads, rounds, done = Uploads(100 * MIB), 0, 0

    def work() -> int:
        nonlocal done
        done += 1
        return rounds

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    in_round = await asyncio.gather(*[uploads.in_turn(work) for _ in range(50)])
    counting.cancel()
    assert max(in_round.count(number) for number in in_round) == 1
