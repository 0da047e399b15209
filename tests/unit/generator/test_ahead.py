"""Inputs are made of the job that is next, on another thread, and of no other."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from services.generator.ahead import InputsAhead
from services.generator.decode import DecodedImage
from services.generator.engine import ModelInfo, WorkSize
from services.generator.jobs import Job, JobQueue
from services.generator.painting.inputs import ModelInputs
from services.generator.pictures import Picture
from shared.frame import Model
from tests.unit.generator.test_jobs import make_job

WORK = WorkSize(64, 8, 8)


def info(work: WorkSize | None = WORK) -> ModelInfo:
    return ModelInfo(
        Model(id="m", revision="1", kind="inpaint", pipeline="P", scheduler="S"), "cpu", "f", {}, work=work
    )


def picture(seed: int) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    return Picture(sha256, b"", "png", (120, 90), lambda: DecodedImage(pixels, None, "png", 120, 90))


def ready(queue: JobQueue, name: str, **fields: object) -> Job:
    job = make_job(name, **fields)
    job.picture = picture(len(name))
    queue.accept(job)
    queue.make_ready(job)
    return job


@pytest.fixture
def queue() -> JobQueue:
    return JobQueue(8)


@pytest.fixture
def ahead(queue: JobQueue) -> Iterator[InputsAhead]:
    made = InputsAhead(queue, lambda job: info())
    yield made
    made.close()


async def test_those_of_the_next_job_of_whatever_lane_are_begun_as_soon_as_it_may_run(
    queue: JobQueue, ahead: InputsAhead
) -> None:
    background = ready(queue, "b", priority="background")
    assert background.inputs is not None
    live, behind = ready(queue, "l"), ready(queue, "l2")
    assert live.inputs is not None
    assert behind.inputs is None
    assert await queue.take() is live
    made = await ahead.of(live)
    assert isinstance(made, ModelInputs)
    assert live.picture is not None
    assert made.pixels is live.picture.decoded.pixels
    assert live.inputs is None  # the run holds them alone
    ahead.look()
    assert behind.inputs is not None


async def test_they_are_made_of_the_picture_that_the_job_has_then(queue: JobQueue, ahead: InputsAhead) -> None:
    job = ready(queue, "one")
    assert job.inputs is not None
    job.picture = picture(99)
    made = await ahead.of(await queue.take())
    assert isinstance(made, ModelInputs)
    assert made.pixels is job.picture.decoded.pixels


async def test_what_waits_counts_with_its_inputs(queue: JobQueue, ahead: InputsAhead) -> None:
    job = ready(queue, "one")
    assert job.inputs is not None
    made = await asyncio.wrap_future(job.inputs[1])
    assert job.picture is not None
    assert job.held_bytes == made.held_bytes > 0
    assert queue.held_bytes == job.picture.held_bytes + made.held_bytes


@pytest.mark.parametrize("model", [None, info(None)])
async def test_a_model_that_is_not_there_or_is_given_no_picture_has_none(
    queue: JobQueue, model: ModelInfo | None
) -> None:
    ahead = InputsAhead(queue, lambda job: model)
    job = ready(queue, "one")
    assert await ahead.of(job) is None
    assert job.inputs is None
    ahead.close()


async def test_where_they_cannot_be_made_the_engine_is_left_to_say_so(queue: JobQueue, ahead: InputsAhead) -> None:
    def broken() -> DecodedImage:
        raise MemoryError

    job = make_job("one")
    job.picture = Picture("0" * 64, b"", "png", (120, 90), broken)
    assert await ahead.of(job) is None
