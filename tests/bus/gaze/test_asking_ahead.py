"""How preparations are asked for: together, in order, and never for a picture that the view shows no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

import pytest

from services.gaze.ahead import Ahead
from services.gaze.fetching import Fetching
from services.gaze.intake import Intake
from services.gaze.pictures import Pictures
from shared.bus.clients import GeneratorClient
from shared.gaze.trial.inputs import AnyInput, Ended
from shared.gaze.trial.steps import Preparing
from tests.bus.gaze.conftest import PICTURE
from tests.support.buses import Buses
from tests.support.frames import input_image
from tests.support.rehearsal import config
from tests.support.standins import FakeGenerator
from tests.support.waiting import eventually_async


class Notes:
    """Stands in for the trial's intake."""

    def __init__(self) -> None:
        self.config = config()
        self.ended: Ended | None = None
        self.taken: list[AnyInput] = []

    def now_ns(self) -> int:
        return len(self.taken)

    def take(self, taken: AnyInput) -> None:
        self.taken.append(taken)


class Asker:
    """What is asked of a generator ahead, without a trial."""

    def __init__(self, buses: Buses) -> None:
        self.generator = FakeGenerator(buses.new())
        self.asked = self.generator.ahead
        self.notes = Notes()
        self.pictures = Pictures(frozenset)
        self._client = GeneratorClient(buses.new())
        fetching = Fetching(self._client, self.pictures, _supervise, frozenset)
        self.ahead = Ahead(self._client, fetching, _supervise)

    def prepare(self, number: int, picture: str) -> None:
        wanted = Preparing(
            caused_by="1",
            t_ns=1,
            prepared_id=f"t-p{number}",
            picture_sha256=picture,
            target_sector="TL",
            prompt="a kite",
            seed=number,
        )
        self.ahead.prepare(cast("Intake", self.notes), f"{number}/0", wanted)

    async def prepared(self, count: int) -> list[tuple[str | None, list[str], bytes]]:
        """What was asked for, once so many are there: the picture by its hash, ids, and the picture that was sent."""
        await eventually_async(lambda: len(self.asked.kept) >= count, what=f"{count} are prepared")
        return [
            (asked.image_sha256, [wanted.prepared_id for wanted in asked.wanted], payloads[0])
            for kind, asked, payloads in self.asked.asked
            if kind == "prepare"
        ]

    async def close(self) -> None:
        self.ahead.end()
        await self._client.close()
        await self.generator.die()


@pytest.fixture
async def asker(buses: Buses) -> AsyncIterator[Asker]:
    made = Asker(buses)
    yield made
    await made.close()


def _supervise(work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


async def test_at_most_nine_are_asked_for_at_a_time_and_those_of_one_picture_together(asker: Asker) -> None:
    first, second = asker.pictures.put("png", PICTURE), asker.pictures.put("png", input_image())
    for number in range(11):
        asker.prepare(number, first)
    asker.prepare(11, second)
    asked = await asker.prepared(12)
    assert [(picture, len(ids), image) for picture, ids, image in asked] == [
        (first, 9, b""),
        (None, 9, PICTURE),
        (first, 2, b""),
        (second, 1, b""),
        (None, 1, input_image()),
    ]


async def test_while_a_commit_is_under_way_nothing_is_asked_for_and_then_for_the_picture_after_it(
    asker: Asker,
) -> None:
    before, after = asker.pictures.put("png", PICTURE), asker.pictures.put("png", input_image())
    asker.asked.pictures |= {before: PICTURE, after: input_image()}
    asker.prepare(0, before)
    await asker.prepared(1)
    asker.ahead.committing("t-p0")
    asker.prepare(1, before)
    asker.prepare(2, before)
    asker.ahead.give_up("1/0")
    assert len(await asker.prepared(1)) == 1
    asker.ahead.committed(asker.notes.config, "t-p0", before, after)
    asked = await asker.prepared(2)
    assert asked[1:] == [(after, ["t-p2"], b"")]


async def test_a_commit_in_the_midst_of_the_asking_changes_the_picture_too(asker: Asker) -> None:
    before, after = asker.pictures.put("png", PICTURE), asker.pictures.put("png", input_image())
    answer = asker.asked.hold("prepare")
    asker.prepare(0, before)
    await eventually_async(lambda: asker.asked.asked)
    asker.ahead.committing("t-p9")
    answer.set()  # it is not known, and would be sent
    asker.ahead.committed(asker.notes.config, "t-p9", before, after)
    asked = await asker.prepared(1)
    assert [(picture, image) for picture, _, image in asked] == [(before, b""), (after, b""), (None, input_image())]


async def test_a_commit_of_another_trial_changes_nothing(asker: Asker) -> None:
    before, after = asker.pictures.put("png", PICTURE), asker.pictures.put("png", input_image())
    asker.ahead.committing("o-p0")
    asker.prepare(0, before)
    asker.ahead.committed(config(), "o-p0", before, after)
    asked = await asker.prepared(1)
    assert [picture for picture, _, _ in asked] == [before, None]


async def test_a_picture_that_nobody_has_fails_what_was_wanted_of_it(asker: Asker) -> None:
    asker.prepare(0, "a" * 64)
    await eventually_async(lambda: asker.notes.taken)
    (failed,) = asker.notes.taken
    assert (failed.state, failed.code, failed.prepare) == ("failed", "not_found", "0/0")  # type: ignore[union-attr]
