"""Which re-runs are remembered once they are over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.replayer.reruns.registry import REMEMBERED, SKIPPED, Reruns


@pytest.fixture
def made(tmp_path: Path) -> Reruns:
    runtime: Any = SimpleNamespace(settings=SimpleNamespace(sessions_dir=tmp_path))
    return Reruns(runtime)


async def add(made: Reruns, name: str, skipped: int, *, over: bool = True) -> None:
    rerun: Any = SimpleNamespace(skipped=[None] * skipped)
    task: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(0 if over else 3600))
    if over:
        await task
    made._runs[name] = (rerun, task)


async def test_the_oldest_are_forgotten(made: Reruns) -> None:
    await add(made, "under way", 0, over=False)
    for number in range(REMEMBERED + 2):
        await add(made, str(number), 1)
    made._forget_old()
    assert list(made._runs) == ["under way", *map(str, range(2, REMEMBERED + 2))]
    made._runs["under way"][1].cancel()


async def test_so_are_those_that_skipped_much(made: Reruns) -> None:
    each = SKIPPED // 4
    for number in range(8):
        await add(made, str(number), each)
    await add(made, "last", 0)
    made._forget_old()
    assert list(made._runs) == ["4", "5", "6", "7", "last"]
    assert sum(len(rerun.skipped) for rerun, _ in made._runs.values()) <= SKIPPED
