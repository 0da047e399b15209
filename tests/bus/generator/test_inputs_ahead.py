"""The inference thread finds what the model is given of the picture made, whatever the lane."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.generator import ahead
from tests.bus.generator.conftest import Rig
from tests.bus.generator.test_preparing import picture, prepare, state_of
from tests.support.dependent import DependentEngine
from tests.support.waiting import eventually_async

MakeRig = Callable[..., Awaitable[Rig]]


async def test_in_each_lane_inputs_are_made_on_a_thread_of_their_own(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    make_inputs = ahead.make_inputs

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return make_inputs(*arguments)

    monkeypatch.setattr(ahead, "make_inputs", noted)
    engine = DependentEngine("edit")
    rig = await make_rig(engine=engine)
    await rig.generate(picture(1))
    await rig.generate(picture(2), priority="background", publish=False)
    for each in await prepare(rig, ["TL", "BR"], picture(3)):
        await state_of(rig, each, "ready")
    assert engine.given_ahead == [True] * 4
    assert threads == ["inputs"] * 4


async def test_they_are_made_while_another_job_runs(make_rig: MakeRig) -> None:
    engine = DependentEngine("edit")
    rig = await make_rig(engine=engine)
    engine.gate.clear()
    first = asyncio.create_task(rig.generate(picture(1)))

    async def runs() -> bool:
        return len(engine.started) == 1

    await eventually_async(runs)
    second = asyncio.create_task(rig.generate(picture(2)))

    async def is_made() -> bool:
        job = rig.generator.queue.next()
        return job is not None and job.inputs is not None and job.inputs[1].done()

    await eventually_async(is_made)
    engine.gate.set()
    await first
    await second
    assert engine.given_ahead == [True, True]


async def test_a_model_that_is_given_no_picture_has_none_made(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(ahead, "make_inputs", never)
    rig = await make_rig(engine=DependentEngine("layer"))
    assert (await rig.generate(picture(1))).payloads
