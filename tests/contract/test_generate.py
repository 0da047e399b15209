"""``POST /generate``: what is sent on, and what is answered."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import unquote

import pytest

from shared.errors import GenerationFailed, GeneratorLoading, InvalidRequest, QueueFull, Superseded
from shared.fields import MAX_SEED
from tests.contract.conftest import Site, Sites, body, image
from tests.support.waiting import eventually_async


async def test_the_picture_comes_back_as_it_was_made(site: Site) -> None:
    site.generator.png_bytes = 1_400_000
    answer = await site.generate(prompt="a red bird", seed=7, steps=3, client_id="viewer")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert len(answer.content) > 1_400_000
    assert answer.headers["x-sector"] == "BR"
    assert answer.headers["x-focus-sector"] == "TL"
    assert answer.headers["x-prompt"] == "a red bird"
    assert "x-prompt-encoding" not in answer.headers
    assert answer.headers["x-seed"] == "7"
    assert answer.headers["x-frame-id"] == f"{site.generator.epoch}-0"
    assert float(answer.headers["x-generation-ms"]) == pytest.approx(12.3, abs=0.5)
    assert answer.headers["x-recorded"] == "no"
    assert "x-session" not in answer.headers
    (asked, sent), *more = site.generator.asked
    assert not more
    assert sent == image()
    assert (asked.prompt, asked.seed, asked.steps, asked.client_id) == ("a red bird", 7, 3, "viewer")
    assert (asked.target_sector, asked.focus_sector, asked.grid_size) == ("BR", "TL", 3)
    assert asked.guidance_scale is None
    assert asked.session is None
    assert 0 < asked.timeout_ms <= 20_000


async def test_a_form_says_the_same_as_json(site: Site) -> None:
    form = {
        "focus_x": "0.9",
        "focus_y": "0.1",
        "grid_size": "2",
        "seed": "5",
        "durable": "false",
        "prompt": "",
        "steps": "4",
    }
    answer = await site.client.post("/generate", data=form, files={"image": ("a.png", image(), "image/png")})
    assert answer.status_code == 200, answer.text
    asked, sent = site.generator.asked[0]
    assert sent == image()
    assert (asked.focus_sector, asked.target_sector, asked.grid_size) == ("TR", "BL", 2)
    assert (asked.focus_x, asked.focus_y, asked.seed, asked.steps) == (0.9, 0.1, 5, 4)
    assert asked.prompt == "a ladybug", "an empty form field is one that was left out"


async def test_a_data_url_will_do(site: Site) -> None:
    url = "data:image/png;base64," + base64.b64encode(image()).decode()
    assert (await site.generate(image_base64=url)).status_code == 200
    assert site.generator.asked[0][1] == image()


async def test_base64_in_lines_will_do(site: Site) -> None:
    assert (await site.generate(image_base64=base64.encodebytes(image()).decode())).status_code == 200
    assert site.generator.asked[0][1] == image()


async def test_a_byte_order_mark_does_no_harm(site: Site) -> None:
    import orjson

    answer = await site.client.post(
        "/generate",
        content=b"\xef\xbb\xbf" + orjson.dumps(body()),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("prompt", ["eine Biene\nund ein Käfer", "🐞 beside 花", " outer spaces ", "tab\there", ""])
async def test_a_prompt_of_any_script_is_told_in_ascii(site: Site, prompt: str) -> None:
    answer = await site.generate(prompt=prompt)
    assert answer.status_code == 200
    told = answer.headers["x-prompt"]
    assert told.isascii()
    if prompt:
        assert answer.headers["x-prompt-encoding"] == "percent"
        assert unquote(told, errors="strict") == prompt
    assert site.generator.asked[0][0].prompt == prompt


async def test_prompts_cycle_by_sector_and_reset(site: Site) -> None:
    async def prompts(count: int, target: str) -> list[str]:
        return [
            (await site.generate(focus_sector=None, target_sector=target)).headers["x-prompt"] for _ in range(count)
        ]

    assert await prompts(3, "TL") == ["a kite", "a balloon", "a kite"]
    assert await prompts(3, "MC") == ["a ladybug", "a mushroom", "a ladybug"]
    assert await prompts(1, "BR") == ["a snail"]
    assert (await site.client.get("/prompts")).json()["next"]["TL"] == 1
    assert (await site.client.post("/reset")).json() == {"status": "reset"}
    assert await prompts(1, "TL") == ["a kite"]
    site.generator.error = QueueFull("full")
    await site.generate(focus_sector=None, target_sector="TL")
    site.generator.error = None
    assert await prompts(1, "TL") == ["a balloon"], "a request that was refused takes no prompt"


async def test_prompts_are_read_again_and_a_broken_file_changes_nothing(site: Site) -> None:
    site.prompts_file.write_text('{"default": ["an owl"]}')
    assert (await site.generate()).headers["x-prompt"] == "an owl"
    site.prompts_file.write_text('{"default": ["an owl"')
    assert (await site.generate()).headers["x-prompt"] == "an owl"
    health = await site.health()
    assert health["status"] == "degraded"
    assert "not JSON" in health["prompts"]["error"]
    assert (await site.client.get("/prompts")).json()["default"] == ["an owl"]
    site.prompts_file.unlink()
    assert (await site.generate()).headers["x-prompt"] == "an owl"
    site.prompts_file.write_text('{"default": "a bee"}')
    assert (await site.generate()).headers["x-prompt"] == "a bee"
    assert (await site.health())["prompts"]["error"] is None


async def test_a_seed_that_is_not_given_is_drawn_and_reported(site: Site) -> None:
    seeds = {int((await site.generate()).headers["x-seed"]) for _ in range(4)}
    assert len(seeds) == 4
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    assert {asked.seed for asked, _ in site.generator.asked} == seeds


async def test_a_focus_that_was_not_given_is_not_invented(site: Site) -> None:
    answer = await site.generate(focus_sector=None, target_row=0, target_col=1)
    assert answer.headers["x-sector"] == "TC"
    assert "x-focus-sector" not in answer.headers
    assert site.generator.asked[0][0].focus_sector is None


async def test_what_the_model_made_of_the_prompt_is_told(site: Site) -> None:
    site.generator.notes = {"object": "Käfer", "fallback": "no unicorn here"}
    answer = await site.generate()
    assert unquote(answer.headers["x-object"]) == "Käfer"
    assert answer.headers["x-object-encoding"] == "percent"
    assert answer.headers["x-fallback"] == "no unicorn here"


@pytest.mark.parametrize("strict", [True, False, None])
async def test_strict_goes_to_the_generator(site: Site, strict: bool | None) -> None:
    assert (await site.generate(strict=strict)).status_code == 200
    assert site.generator.asked[-1][0].strict is bool(strict)


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("on", True), ("0", False), ("", False)])
async def test_strict_in_a_form(site: Site, text: str, meant: bool) -> None:
    form = {"strict": text, "target_sector": "BR", "prompt": "a bee"}
    answer = await site.client.post("/generate", data=form, files={"image": image()})
    assert answer.status_code == 200
    assert site.generator.asked[-1][0].strict is meant


async def test_what_strict_refuses_is_said_and_uses_no_sector_prompt_up(site: Site) -> None:
    first = (await site.client.get("/prompts")).json()["next"]
    site.generator.error = InvalidRequest("prompt: no", fields={"prompt": "no"})
    refused = await site.generate(prompt=None, strict=True)
    assert refused.status_code == 422
    assert refused.json() == {"error": "invalid_request", "detail": "prompt: no", "fields": {"prompt": "no"}}
    assert (await site.client.get("/prompts")).json()["next"] == first
    wrong = await site.generate(strict="yes")
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["strict"])


async def test_the_vocabulary_of_the_model_that_runs(site: Site) -> None:
    any_text = (await site.client.get("/vocabulary")).json()
    assert any_text["objects"] is None
    assert "any text" in any_text["detail"]
    bee = {"name": "bee", "plural": "bees", "synonyms": ["honeybee"], "nearest": ["wasp"], "colours": ["red"]}
    site.generator.vocabulary = {"objects": [{**bee, "place": "any", "styles": []}], "fallback": "bee", "most": 5}
    answer = await site.client.get("/vocabulary")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["objects"][0]["synonyms"] == ["honeybee"]
    assert (told["fallback"], told["most"]) == ("bee", 5)
    site.generator.error = GeneratorLoading("The model is still being loaded.")
    answer = await site.client.get("/vocabulary")
    assert (answer.status_code, answer.json()["error"]) == (503, "generator_loading")
    await site.generator.die()
    answer = await site.client.get("/vocabulary")
    assert (answer.status_code, answer.json()["error"]) == (503, "generator_unavailable")


@pytest.mark.parametrize(
    ("error", "status"),
    [(QueueFull("full"), 503), (GenerationFailed("no memory"), 500), (Superseded("newer"), 409)],
)
async def test_an_error_of_the_generator_is_answered_as_it_is(site: Site, error: Exception, status: int) -> None:
    site.generator.error = error  # type: ignore[assignment]
    answer = await site.generate()
    assert answer.status_code == status
    assert answer.json() == {"error": error.code, "detail": str(error)}  # type: ignore[attr-defined]
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_the_deadline_is_kept_even_when_the_generator_is_stuck(sites: Sites) -> None:
    site = await sites.new(generation_timeout_s=0.3)
    site.generator.release.clear()
    answer = await site.generate()
    assert (answer.status_code, answer.json()["error"]) == (504, "generation_timeout")
    await eventually_async(lambda: site.generator.cancelled == [site.generator.asked[0][0].request_id])


async def test_a_client_that_goes_away_cancels_its_own_job(site: Site) -> None:
    site.generator.release.clear()
    staying = asyncio.create_task(site.generate(client_id="stays"))
    leaving = asyncio.create_task(site.generate(client_id="leaves"))
    await eventually_async(lambda: len(site.generator.asked) == 2)
    leaving.cancel()
    await eventually_async(lambda: len(site.generator.cancelled) == 1)
    ids = {asked.client_id: asked.request_id for asked, _ in site.generator.asked}
    assert site.generator.cancelled == [ids["leaves"]]
    site.generator.release.set()
    assert (await staying).status_code == 200


async def test_a_generator_that_dies_is_told_at_once(site: Site) -> None:
    site.generator.release.clear()
    waiting = asyncio.create_task(site.generate())
    await eventually_async(lambda: len(site.generator.asked) == 1)
    await site.generator.die()
    answer = await waiting
    assert (answer.status_code, answer.json()["error"]) == (503, "generator_unavailable")
    assert (await site.generate()).json()["error"] == "generator_unavailable"
    assert (await site.client.get("/ready")).json()["error"] == "generator_unavailable"
    site.new_generator()
    await site.until_ready()
    assert (await site.generate()).status_code == 200


async def test_requests_under_way_are_answered_when_the_server_stops(site: Site) -> None:
    site.generator.release.clear()
    waiting = asyncio.create_task(site.generate())
    await eventually_async(lambda: len(site.generator.asked) == 1)
    started = asyncio.get_running_loop().time()
    site.runtime.stopping.set()
    answer = await waiting
    assert (answer.status_code, answer.json()["error"]) == (503, "generator_unavailable")
    await site.serving
    assert asyncio.get_running_loop().time() - started < 2
    assert site.generator.cancelled == [site.generator.asked[0][0].request_id]
