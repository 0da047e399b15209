"""Which re-runs are remembered once they are over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from services.replayer.reruns.registry import REMEMBERED, SKIPPED, StartedRerun, StartedReruns


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
    assert [number for number in range(REMEMBERED + 2) if runs.get(str(number)) is None] == [0, 1]
    assert runs.get("under way") is under_way
    assert runs.under_way() == [under_way.task]
    under_way.task.cancel()


async def test_so_are_those_that_skipped_much() -> None:
    runs = StartedReruns()
    each = SKIPPED // 4
    for number in range(8):
        await add(runs, str(number), each)
    await add(runs, "last", 0)
    names = [*map(str, range(8)), "last"]
    kept = [run for name in names if (run := runs.get(name)) is not None]
    assert [name for name in names if runs.get(name) in kept] == ["4", "5", "6", "7", "last"]
    assert sum(len(run.rerun.skipped) for run in kept) <= SKIPPED
