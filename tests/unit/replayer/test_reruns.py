"""Which re-runs are remembered once they are over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from services.replayer.reruns.remembered import REMEMBERED, SKIPPED, StartedRerun, StartedReruns


async def add(runs: StartedReruns, name: str, skipped: int, *, over: bool = True) -> StartedRerun:
    rerun: Any = SimpleNamespace(skipped=[None] * skipped)
    task: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(0 if over else 3600))
    if over:
        await task
    run = StartedRerun(rerun, task)
    runs.add(name, run)
    return run


async def test_the_oldest_are_forgotten() -> None:
    runs = StartedReruns()
    under_way = await add(runs, "under way", 0, over=False)
    for number in range(REMEMBERED + 2):
        await add(runs, str(number), 1)
    assert runs.sessions() == ["under way", *map(str, range(2, REMEMBERED + 2))]
    assert runs.under_way() == [under_way.task]
    under_way.task.cancel()


async def test_so_are_those_that_skipped_much() -> None:
    runs = StartedReruns()
    each = SKIPPED // 4
    for number in range(8):
        await add(runs, str(number), each)
    await add(runs, "last", 0)
    assert runs.sessions() == ["4", "5", "6", "7", "last"]
    kept = [run for name in runs.sessions() if (run := runs.get(name)) is not None]
    assert sum(len(run.rerun.skipped) for run in kept) <= SKIPPED
