"""A timer that is set again and again, and samples that are given at their times."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from services.gaze.clock import clock_ns
from services.gaze.sources.paced import LATE_NS, Pace, give
from services.gaze.sources.source import EndState, Outlets, SourcePoint
from services.gaze.timer import Timer
from shared.gaze.sample import Sample
from tests.support.waiting import eventually_async

MS = 1_000_000


def ignored(_state: EndState, _detail: str) -> None:
    return


async def test_it_is_due_once_at_the_last_time_that_it_was_set_to() -> None:
    due: list[int] = []
    timer = Timer(lambda: due.append(clock_ns()))
    began_ns = clock_ns()
    timer.set(began_ns + 10_000 * MS)
    timer.set(began_ns + 10 * MS)
    timer.set(began_ns + 30 * MS)
    await eventually_async(lambda: due)
    assert len(due) == 1
    assert due[0] >= began_ns + 30 * MS
    timer.set(clock_ns() - MS)
    await eventually_async(lambda: len(due) == 2)


async def test_it_is_not_due_where_it_was_set_to_never_or_cancelled() -> None:
    due: list[str] = []
    never, cancelled, last = (Timer(lambda name=name: due.append(name)) for name in "abc")  # type: ignore[misc]
    for timer in (never, cancelled):
        timer.set(clock_ns() + MS)
    last.set(clock_ns() + 20 * MS)
    never.set(None)
    cancelled.cancel()
    await eventually_async(lambda: due)
    assert due == ["c"]


def test_what_a_process_slept_through_is_not_hurried_after() -> None:
    pace = Pace()
    assert pace.due_ns(Sample(0), 5 * MS) == 5 * MS
    assert pace.due_ns(Sample(4 * MS), 5 * MS) == 9 * MS
    woken_ns = 9 * MS + 3 * LATE_NS
    assert pace.due_ns(Sample(8 * MS), woken_ns) == woken_ns
    assert pace.due_ns(Sample(12 * MS), woken_ns) == woken_ns + 4 * MS


@pytest.mark.parametrize("are_awaited", [True, False])
async def test_samples_are_given_at_their_times(are_awaited: bool) -> None:
    given: list[tuple[float, int]] = []

    def take(points: Sequence[SourcePoint]) -> None:
        given.extend((device_s, clock_ns()) for _, device_s in points)

    samples = [Sample(1000 * MS + n * 4 * MS) for n in range(30)]
    await give(iter(samples), Pace(), Outlets(take, ignored, lambda: are_awaited))
    assert [device_s for device_s, _ in given] == [sample.t_ns / 1e9 for sample in samples]
    began_ns = given[0][1]
    assert all(at_ns - began_ns >= (n * 4 - 1) * MS for n, (_, at_ns) in enumerate(given))


async def test_what_goes_wrong_with_samples_is_told_to_who_waits_for_them() -> None:
    def broken() -> Iterator[Sample]:
        yield Sample(0)
        raise ValueError("torn")

    with pytest.raises(ValueError, match="torn"):
        await asyncio.wait_for(give(broken(), Pace(), Outlets(lambda _: None, ignored, lambda: True)), 10)
