"""Changes that are made ahead, over HTTP: what is asked of the generator, and what is answered."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from shared.bus.requests.preparing import Commit, Prepare
from shared.errors import GenerationFailed, ParafoveaError, QueueFull, Stale, UnknownImage
from tests.contract.conftest import Site, Sites, body, image
from tests.support.frames import tiny_png
from tests.support.waiting import eventually_async

OF_IMAGE = hashlib.sha256(image()).hexdigest()


async def prepare(site: Site, *targets: str, **fields: Any) -> httpx.Response:
    """Post a valid request, with changes."""
    wanted = {"target_sectors": list(targets) or ["TL"], "focus_sector": None, **fields}
    return await site.client.post("/prepare", json=body(**wanted))


async def one(site: Site, **fields: Any) -> str:
    """The name of a change that is made ahead."""
    answer = await prepare(site, **fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["prepared"][0]["id"])


async def until_ready(site: Site, prepared_id: str) -> httpx.Response:
    """The answer with its sector, once there is one."""

    async def ready() -> bool:
        return (await site.client.get(f"/prepared/{prepared_id}")).status_code == 200

    await eventually_async(ready, what="it is made")
    return await site.client.get(f"/prepared/{prepared_id}")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_changes_from_their_begin_to_a_picture(site: Site) -> None:
    site.generator.ahead.release.clear()
    answer = await prepare(site, "TL", "MC", "BR", view="wall", client_id="me", steps=3, strict=True, supersede=True)
    assert answer.status_code == 202
    assert answer.json()["picture_sha256"] == OF_IMAGE
    listed = answer.json()["prepared"]
    assert [(each["target_sector"], each["state"]) for each in listed] == [
        ("TL", "queued"),
        ("MC", "queued"),
        ("BR", "queued"),
    ]
    assert [each["prompt"] for each in listed] == ["a kite", "a ladybug", "a snail"], "each sector's own next"
    assert len({each["seed"] for each in listed}) == len({each["id"] for each in listed}) == 3

    ((_, asked, payloads),) = site.generator.ahead.asked
    assert isinstance(asked, Prepare)
    assert payloads == (image(),)
    assert (asked.view, asked.client_id, asked.supersede, asked.strict) == ("wall", "me", True, True)
    assert (asked.timeout_ms, asked.image_sha256) == (20_000, None)
    assert [each.prepared_id for each in asked.wanted] == [each["id"] for each in listed]
    assert [(each.steps, each.focus_sector, each.grid_size) for each in asked.wanted] == [(3, None, 3)] * 3

    first, second = listed[0]["id"], listed[1]["id"]
    waiting = await site.client.get(f"/prepared/{first}")
    assert waiting.status_code == 202
    assert waiting.json() == {**listed[0], "view": "wall", "picture_sha256": OF_IMAGE, "region": [0, 0, 21, 21]}
    assert waiting.headers["cache-control"] == "no-store"
    site.generator.ahead.release.set()
    ready = await until_ready(site, first)
    assert ready.content == tiny_png()
    assert ready.headers["content-type"] == "image/png"
    assert ready.headers["x-image-sha256"] == hashlib.sha256(tiny_png()).hexdigest()
    assert ready.headers["x-region"] == "0,0,21,21"
    assert ready.headers["x-on"] == OF_IMAGE
    assert (ready.headers["x-sector"], ready.headers["x-prompt"]) == ("TL", "a kite")
    assert ready.headers["x-seed"] == str(listed[0]["seed"])
    assert ready.headers["x-generation-ms"] == "12"
    assert ready.headers["cache-control"] == "no-store"

    made = await site.client.post(f"/commit/{first}?on={OF_IMAGE}&focus_sector=BR")
    assert made.status_code == 200
    assert made.headers["content-type"] == "image/png"
    sha256 = hashlib.sha256(made.content).hexdigest()
    assert made.headers["x-image-sha256"] == sha256
    assert (made.headers["x-sector"], made.headers["x-focus-sector"]) == ("TL", "BR")
    assert (made.headers["x-prompt"], made.headers["x-seed"]) == ("a kite", str(listed[0]["seed"]))
    assert made.headers["x-recorded"] == "no"
    assert told(await site.client.get(f"/prepared/{first}")) == (404, "not_found")
    assert told(await site.client.post(f"/commit/{first}")) == (404, "not_found")

    async def aimed_anew() -> bool:
        return (await until_ready(site, second)).headers["x-on"] == sha256

    await eventually_async(aimed_anew, what="what else is ready goes onto the new picture")


async def test_a_form_says_the_same_as_json(site: Site) -> None:
    form = {"target_sectors": "TL, BR", "grid_size": "2", "seed": "5", "prompt": "a bee", "focus_x": "0.9"}
    files = {"image": ("a.png", image(), "image/png")}
    refused = await site.client.post("/prepare", data=form, files=files)
    assert list(refused.json()["fields"]) == ["focus_y"]
    answer = await site.client.post("/prepare", data={**form, "focus_y": "0.1", "view": ""}, files=files)
    assert answer.status_code == 202, answer.text
    ((_, asked, payloads),) = site.generator.ahead.asked
    assert payloads == (image(),)
    assert asked.view is None
    assert [(each.target_sector, each.focus_sector, each.focus_x) for each in asked.wanted] == [
        ("TL", "TR", 0.9),
        ("BR", "TR", 0.9),
    ]
    assert {(each.seed, each.prompt, each.grid_size) for each in asked.wanted} == {(5, "a bee", 2)}


@pytest.mark.parametrize(
    ("fields", "view"),
    [({}, None), ({"client_id": "me"}, "me"), ({"client_id": "me", "view": "wall"}, "wall"), ({"client_id": ""}, None)],
)
async def test_a_view_is_the_clients_own_unless_it_is_named(
    site: Site, fields: dict[str, str], view: str | None
) -> None:
    await one(site, **fields)
    assert site.generator.ahead.named("prepare")[0].view == view


async def test_headers_alone(site: Site) -> None:
    await site.client.post("/session/start?session_id=s")
    prepared_id = await one(site, view="wall")
    made = await site.client.post(f"/commit/{prepared_id}?picture=false&durable=true")
    assert (made.status_code, made.content, made.headers.get("content-type")) == (204, b"", None)
    assert (made.headers["x-recorded"], made.headers["x-session"]) == ("disk", "s")
    commit = site.generator.ahead.named("commit")[0]
    assert isinstance(commit, Commit)
    assert (commit.with_picture, commit.on, commit.focus_sector) == (False, None, None)
    assert commit.session is not None
    assert commit.session.session_id == "s"
    shown = await site.client.get("/session/s/frames/0")
    assert hashlib.sha256(shown.content).hexdigest() == made.headers["x-image-sha256"]
    again = await site.client.post(
        "/prepare", json={"image_sha256": made.headers["x-image-sha256"], "target_sectors": ["BR"]}
    )
    assert again.json()["picture_sha256"] == made.headers["x-image-sha256"]


@pytest.mark.parametrize(
    ("query", "sector", "x"), [("focus_x=0.9&focus_y=1e-1", "TR", 0.9), ("focus_sector=ML", "ML", None)]
)
@pytest.mark.parametrize("is_known", [True, False])
async def test_where_the_viewer_looks_now(site: Site, query: str, sector: str, x: float | None, is_known: bool) -> None:
    """Of a preparation that this API did not ask for, the generator tells the grid."""
    prepared_id = await one(site, focus_sector="MC")
    if not is_known:
        site.generator.ahead.kept["another"] = site.generator.ahead.kept.pop(prepared_id)
        prepared_id = "another"
    made = await site.client.post(f"/commit/{prepared_id}?{query}")
    assert made.status_code == 200, made.text
    assert made.headers["x-focus-sector"] == sector
    commit = site.generator.ahead.named("commit")[0]
    assert (commit.focus_sector, commit.focus_x) == (sector, x)


async def test_a_grid_that_nobody_knows_yet(site: Site) -> None:
    site.generator.ahead.release.clear()
    kept = site.generator.ahead.kept
    kept["another"] = kept.pop(await one(site))
    kept["another"].said = {"region": None, "width": None, "height": None}
    refused = await site.client.post("/commit/another?focus_sector=TL")
    assert told(refused) == (422, "invalid_request")
    assert "not known yet" in refused.json()["fields"]["focus_sector"]
    site.generator.ahead.release.set()
    assert (await site.client.post("/commit/another")).status_code == 200


@pytest.mark.parametrize(
    ("state", "said", "status", "error"),
    [
        ("stale", {"detail": "it has changed there"}, 409, "stale"),
        ("stale", {}, 409, "stale"),
        ("failed", {"code": "generation_failed", "detail": "no memory"}, 500, "generation_failed"),
        ("failed", {"code": "generation_timeout", "detail": "too long"}, 504, "generation_timeout"),
        ("failed", {"code": "of another version", "detail": "odd"}, 500, "internal_error"),
        ("failed", {}, 500, "internal_error"),
        ("dropped", {"detail": "its lease has ended"}, 404, "not_found"),
        ("committed", {}, 404, "not_found"),
        ("composing", {}, 202, None),
        ("dreaming", {}, 202, None),
    ],
)
async def test_how_one_stands(site: Site, state: str, said: dict[str, str], status: int, error: str | None) -> None:
    site.generator.ahead.release.clear()
    prepared_id = await one(site)
    await site.generator.ahead.change(prepared_id, state, **said)
    answer = await site.client.get(f"/prepared/{prepared_id}")
    assert answer.status_code == status
    assert answer.json().get("error") == error
    if error is None:
        assert answer.json()["state"] == state
    elif "detail" in said:
        assert answer.json()["detail"] == said["detail"]


@pytest.mark.parametrize("name", ["nothing", "%0A", "x" * 400])
async def test_what_is_not_there(site: Site, name: str) -> None:
    assert told(await site.client.get(f"/prepared/{name}")) == (404, "not_found")
    assert told(await site.client.delete(f"/prepared/{name}")) == (404, "not_found")
    assert told(await site.client.post(f"/commit/{name}")) == (404, "not_found")
    assert told(await site.client.post(f"/commit/{name}?focus_sector=TL")) == (404, "not_found")


async def test_one_that_is_given_up(site: Site) -> None:
    prepared_id = await one(site)
    answer = await site.client.delete(f"/prepared/{prepared_id}")
    assert (answer.status_code, answer.json()) == (200, {"id": prepared_id, "state": "dropped"})
    assert site.generator.ahead.dropped == [prepared_id]
    assert told(await site.client.delete(f"/prepared/{prepared_id}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"target_sectors": None}, "target_sectors"),
        ({"target_sectors": []}, "target_sectors"),
        ({"target_sectors": "TL"}, "target_sectors"),
        ({"target_sectors": ["TL", "BR", "TL"]}, "target_sectors"),
        ({"target_sectors": ["TL", "XX"]}, "target_sectors"),
        ({"target_sectors": ["TL"] * 10}, "target_sectors"),
        ({"target_sectors": ["MC"], "grid_size": 2}, "target_sectors"),
        ({"target_sector": "TL"}, "target_sector"),
        ({"target_row": 0}, "target_row"),
        ({"durable": True}, "durable"),
        ({"focus_sector": "TL", "focus_x": 0.1, "focus_y": 0.1}, "focus_sector"),
        ({"focus_sector": "MC", "grid_size": 2, "target_sectors": ["TL"]}, "focus_sector"),
        ({"focus_x": 0.1}, "focus_y"),
        ({"view": ""}, "view"),
        ({"view": "a\nb"}, "view"),
        ({"view": "a\u2028b"}, "view"),
        ({"view": "x" * 5000}, "view"),
        ({"image_sha256": "0" * 64}, "image_base64"),
        ({"image_base64": None}, "image_base64"),
        ({"image_base64": None, "image_sha256": "0" * 63}, "image_sha256"),
        ({"image_base64": None, "image_sha256": "A" * 64}, "image_sha256"),
        ({"steps": 0}, "steps"),
    ],
    ids=str,
)
async def test_what_does_not_fit_is_named(site: Site, fields: dict[str, Any], name: str) -> None:
    answer = await prepare(site, **fields)
    assert told(answer) == (422, "invalid_request"), answer.text
    assert name in answer.json()["fields"]
    assert site.generator.ahead.asked == []


async def test_a_picture_that_is_none_and_a_session_that_is_not(site: Site) -> None:
    assert told(await prepare(site, image_base64="AAAA")) == (422, "unreadable_image")
    assert told(await prepare(site, session_id="s")) == (409, "session_not_active")
    await site.client.post("/session/start?session_id=s")
    assert (await prepare(site, session_id="s")).status_code == 202
    prepared_id = await one(site)
    assert told(await site.client.post(f"/commit/{prepared_id}?session_id=t")) == (409, "session_not_active")
    assert (await site.client.post(f"/commit/{prepared_id}?session_id=s")).headers["x-session"] == "s"
    answer = await site.client.post("/prepare", content=b"x", headers={"Content-Type": "text/plain"})
    assert told(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("on=ab", "on"),
        (f"on={'A' * 64}", "on"),
        ("picture=perhaps", "picture"),
        ("durable=", "durable"),
        ("focus_sector=XX", "focus_sector"),
        ("focus_x=0.5", "focus_y"),
        ("focus_x=1.5&focus_y=0", "focus_x"),
        ("focus_x=near&focus_y=0", "focus_x"),
        ("focus_sector=TL&focus_x=0&focus_y=0", "focus_sector"),
        ("seed=5", "seed"),
    ],
)
async def test_what_a_commit_may_not_say(site: Site, query: str, name: str) -> None:
    prepared_id = await one(site)
    answer = await site.client.post(f"/commit/{prepared_id}?{query}")
    assert told(answer) == (422, "invalid_request"), answer.text
    assert name in answer.json()["fields"]
    assert site.generator.ahead.named("commit") == []


async def test_a_focus_of_another_grid(site: Site) -> None:
    prepared_id = await one(site, grid_size=2)
    refused = await site.client.post(f"/commit/{prepared_id}?focus_sector=MC")
    assert told(refused) == (422, "invalid_request")
    assert "a grid of 2 has no MC" in refused.json()["fields"]["focus_sector"]


async def test_a_body_is_told_where_its_fields_go(site: Site) -> None:
    answer = await site.client.post(f"/commit/{await one(site)}", json={"on": OF_IMAGE})
    assert answer.json()["fields"] == {"on": "it goes into the address: ?on="}


async def test_the_view_shows_another_picture(site: Site) -> None:
    prepared_id = await one(site, view="wall")
    assert told(await site.client.post(f"/commit/{prepared_id}?on={'0' * 64}")) == (409, "stale")
    assert (await site.client.post(f"/commit/{prepared_id}?on={OF_IMAGE}")).status_code == 200


@pytest.mark.parametrize(
    ("request_name", "error", "status"),
    [
        ("prepare", QueueFull("too many are kept"), 503),
        ("prepare", UnknownImage("send it"), 409),
        ("prepared", GenerationFailed("odd"), 500),
        ("prepared.drop", QueueFull("odd"), 503),
        ("commit", Stale("the view shows another picture"), 409),
        ("commit", UnknownImage("it is no longer known"), 409),
        ("commit", GenerationFailed("the model failed"), 500),
    ],
)
async def test_an_error_of_the_generator_is_answered_as_it_is(
    site: Site, request_name: str, error: ParafoveaError, status: int
) -> None:
    prepared_id = await one(site)
    site.generator.ahead.errors[request_name] = error
    asking = {
        "prepare": lambda: prepare(site),
        "prepared": lambda: site.client.get(f"/prepared/{prepared_id}"),
        "prepared.drop": lambda: site.client.delete(f"/prepared/{prepared_id}"),
        "commit": lambda: site.client.post(f"/commit/{prepared_id}"),
    }
    answer = await asking[request_name]()
    assert answer.status_code == status
    assert answer.json() == {"error": error.code, "detail": error.detail}


async def test_without_a_generator(site: Site) -> None:
    prepared_id = await one(site)
    await site.generator.die()
    for answer in (
        await prepare(site),
        await site.client.get(f"/prepared/{prepared_id}"),
        await site.client.delete(f"/prepared/{prepared_id}"),
        await site.client.post(f"/commit/{prepared_id}"),
    ):
        assert told(answer) == (503, "generator_unavailable")


async def test_a_preparation_needs_no_recorder_and_a_commit_does(sites: Sites) -> None:
    site = await sites.new(ready=False, recorder=False)

    async def prepared() -> bool:
        return (await prepare(site)).status_code == 202

    await eventually_async(prepared, what="the generator is there")
    assert told(await site.client.post(f"/commit/{await one(site)}")) == (503, "recorder_unavailable")


async def test_a_client_that_goes_away_cancels_its_commit(site: Site) -> None:
    prepared_id = await one(site)
    site.generator.ahead.answering.clear()
    leaving = asyncio.create_task(site.client.post(f"/commit/{prepared_id}"))
    await eventually_async(lambda: bool(site.generator.ahead.named("commit")))
    leaving.cancel()
    await eventually_async(
        lambda: site.generator.cancelled == [site.generator.ahead.named("commit")[0].request_id],
        what="the generator is told",
    )


async def test_a_commit_that_takes_too_long(sites: Sites) -> None:
    site = await sites.new(generation_timeout_s=0.3)
    prepared_id = await one(site)
    site.generator.ahead.answering.clear()
    answer = await site.client.post(f"/commit/{prepared_id}")
    assert told(answer) == (504, "generation_timeout")
    await eventually_async(lambda: len(site.generator.cancelled) == 1)
