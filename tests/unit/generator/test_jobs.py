"""The queue of jobs: order, places, and who is dropped by what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.generator.jobs import BACKGROUND_LIMIT, Job, JobQueue
from shared.bus.requests.generator import Generate
from shared.errors import Cancelled, GenerationTimeout, InvalidRequest, QueueFull, Superseded


def make_job(request_id: str, **fields: Any) -> Job:
    request = Generate.model_validate(
        {
            "request_id": request_id,
            "grid_size": 3,
            "target_sector": "TL",
            "prompt": "a bee",
            "seed": 1,
            "timeout_ms": 60_000,
            **fields,
        }
    )
    return Job(request, asyncio.get_running_loop().create_future(), request.priority)


def queue_of(*jobs: Job, limit: int = 8) -> JobQueue:
    queue = JobQueue(limit)
    for job in jobs:
        queue.accept(job)
        queue.make_ready(job)
    return queue


async def test_live_jobs_run_in_order_and_before_background_ones() -> None:
    jobs = [
        make_job("b1", priority="background"),
        make_job("l1"),
        make_job("b2", priority="background"),
        make_job("l2"),
    ]
    queue = queue_of(*jobs)
    assert [request.request_id for request in queue.line()] == ["l1", "l2", "b1", "b2"]
    order = []
    while len(queue):
        job = await queue.take()
        order.append(job.request.request_id)
        queue.finish(job)
    assert order == ["l1", "l2", "b1", "b2"]


async def test_jobs_still_being_decoded_count_and_the_running_one_does_not() -> None:
    queue = JobQueue(2)
    first, second, third = (make_job(name) for name in "abc")
    queue.accept(first)
    queue.accept(second)
    with pytest.raises(QueueFull):
        queue.accept(third)
    queue.make_ready(first)
    assert await queue.take() is first
    queue.accept(third)
    assert len(queue) == 2


async def test_cancel_touches_no_other_job() -> None:
    running, waiting, other = make_job("r"), make_job("w"), make_job("o")
    queue = queue_of(running, waiting, other)
    assert await queue.take() is running
    assert queue.cancel("w") == "queued"
    assert queue.cancel("w") == "unknown"
    assert queue.cancel("r") == "running"
    assert not running.is_wanted()
    queue.finish(running)
    assert queue.cancel("r") == "unknown"
    assert other.is_wanted()
    assert await queue.take() is other
    for job in (running, waiting):
        with pytest.raises(Cancelled):
            await job.answer


async def test_a_job_dropped_while_it_was_decoded_never_runs() -> None:
    queue = JobQueue(2)
    dropped, kept = make_job("d"), make_job("k")
    queue.accept(dropped)
    queue.accept(kept)
    queue.cancel("d")
    queue.make_ready(dropped)
    queue.make_ready(kept)
    assert await queue.take() is kept


async def test_supersede_drops_only_the_jobs_of_its_client() -> None:
    running, mine, theirs, nobodys = (
        make_job("1", client_id="a"),
        make_job("2", client_id="a"),
        make_job("3", client_id="b"),
        make_job("4"),
    )
    queue = queue_of(running, mine, theirs, nobodys)
    await queue.take()
    assert set(queue.supersede("a")) == {running, mine}
    with pytest.raises(Superseded):
        await mine.answer
    assert [theirs.is_wanted(), nobodys.is_wanted(), len(queue)] == [True, True, 2]


async def test_a_job_past_its_deadline_is_dropped_with_a_timeout() -> None:
    late = make_job("late", timeout_ms=0.001)
    queue = queue_of(late, make_job("fine"))
    queue.drop_late()
    with pytest.raises(GenerationTimeout):
        await late.answer
    assert len(queue) == 1


async def test_take_waits_for_a_job() -> None:
    queue = JobQueue(1)
    taking = asyncio.create_task(queue.take())
    job = make_job("x")
    queue.accept(job)
    queue.make_ready(job)
    assert await asyncio.wait_for(taking, 5) is job


async def test_a_request_id_under_way_is_refused_queued_or_running() -> None:
    queue = queue_of(make_job("same"))
    with pytest.raises(InvalidRequest):
        queue.accept(make_job("same"))
    await queue.take()
    with pytest.raises(InvalidRequest):
        queue.accept(make_job("same"))


async def test_giving_a_place_back_twice_leaves_a_later_job_of_the_same_id_alone() -> None:
    queue = JobQueue(2)
    first = make_job("same")
    queue.accept(first)
    queue.cancel("same")
    second = make_job("same")
    queue.accept(second)
    queue.discard(first)
    assert len(queue) == 1


async def test_background_jobs_have_places_of_their_own() -> None:
    queue = JobQueue(1)
    live = [make_job(name) for name in ("l1", "l2")]
    background = [make_job(f"b{number}", priority="background") for number in range(BACKGROUND_LIMIT + 1)]
    for job in background[:-1]:
        queue.accept(job)
    queue.accept(live[0])
    assert (queue.waiting("live"), queue.waiting("background")) == (1, BACKGROUND_LIMIT)
    for job in (background[-1], live[1]):
        with pytest.raises(QueueFull):
            queue.accept(job)
