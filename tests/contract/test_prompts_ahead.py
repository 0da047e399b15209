"""Sector prompts of what is made ahead: whatever comes to nothing gives its prompt to the sector's next one."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import QueueFull
from tests.contract.conftest import Site
from tests.contract.test_prepare import one, prepare, told
from tests.support.waiting import eventually_async

FIRST, SECOND = "a kite", "a balloon"


async def next_prompt(site: Site) -> str:
    told = (await site.client.get("/prompts")).json()
    prompt: str = told["sectors"]["TL"][told["next"]["TL"]]
    return prompt


async def until_next_is(site: Site, prompt: str) -> None:
    async def it_is() -> bool:
        return await next_prompt(site) == prompt

    await eventually_async(it_is, what=f"the next prompt is {prompt}")


async def test_a_commit_uses_its_prompt_up(site: Site) -> None:
    prepared_id = await one(site)
    assert await next_prompt(site) == SECOND
    made = await site.client.post(f"/commit/{prepared_id}")
    assert made.headers["x-prompt"] == FIRST
    await site.generator.die()
    site.new_generator()
    await site.until_ready()
    assert await next_prompt(site) == SECOND


@pytest.mark.parametrize("state", ["stale", "failed", "dropped"])
async def test_one_that_came_to_nothing_gives_it_to_the_sectors_next(site: Site, state: str) -> None:
    first, second, third = [await one(site) for _ in range(3)]
    kept = site.generator.ahead.kept
    assert [kept[each].wanted.prompt for each in (first, second, third)] == [FIRST, SECOND, FIRST]
    assert await next_prompt(site) == SECOND
    await site.generator.ahead.change(first, state)
    await until_next_is(site, FIRST)
    assert kept[await one(site)].wanted.prompt == FIRST
    assert await next_prompt(site) == SECOND, "the third stands"


async def test_one_that_is_given_up_gives_it_back_at_once(site: Site) -> None:
    first = await one(site)
    await one(site)
    site.generator.ahead.is_quiet = True
    await site.client.delete(f"/prepared/{first}")
    answer = await prepare(site, "TL", "BR")
    assert [each["prompt"] for each in answer.json()["prepared"]] == [FIRST, "a snail"]


async def test_another_generator_has_none_of_them(site: Site) -> None:
    await prepare(site, "TL", "MC")
    await one(site)
    assert await next_prompt(site) == FIRST
    await one(site)
    assert await next_prompt(site) == SECOND
    await site.generator.die()
    await until_next_is(site, FIRST)
    assert (await site.client.get("/prompts")).json()["next"]["MC"] == 0


async def test_a_request_that_is_refused_takes_none(site: Site) -> None:
    site.generator.ahead.errors["prepare"] = QueueFull("too many are kept")
    assert told(await prepare(site, "TL", "MC")) == (503, "queue_full")
    site.prompts_file.write_text('{"sectors": {"TL": ["a kite", "a balloon"]}}')
    refused = await prepare(site, "TL", "MC")
    assert told(refused) == (422, "invalid_request")
    assert "no prompt for MC" in refused.json()["fields"]["prompt"]
    assert await next_prompt(site) == FIRST


async def test_a_client_that_goes_before_it_has_their_names(site: Site) -> None:
    """Nobody will ever ask for them."""
    ahead = site.generator.ahead
    ahead.answering.clear()
    leaving = asyncio.create_task(prepare(site, "TL", "BR"))
    await eventually_async(lambda: len(ahead.kept) == 2, what="they are asked for")
    leaving.cancel()
    await eventually_async(lambda: not ahead.kept, what="they are given up")
    ahead.answering.set()
    await until_next_is(site, FIRST)
