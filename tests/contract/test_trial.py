"""Trials over HTTP: what is asked of the gaze process, and what of a request never gets there."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from shared.errors import GazeBacklogFull, InvalidRequest
from shared.gaze.trial.config import Policy, Trigger
from tests.contract.conftest import PROMPTS, Site, Sites, image
from tests.support.waiting import eventually_async

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def begun(**fields: Any) -> dict[str, Any]:
    """A valid body, with changes; ``None`` leaves a field out."""
    wanted = {"image_base64": base64.b64encode(image()).decode(), "record": False, **fields}
    return {name: value for name, value in wanted.items() if value is not None}


async def begin(site: Site, **fields: Any) -> httpx.Response:
    await site.until_gaze()
    return await site.client.post("/trial/begin", json=begun(**fields))


def refused(answer: httpx.Response) -> dict[str, str]:
    """What an ``invalid_request`` says of which field."""
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request"), answer.text
    fields: dict[str, str] = answer.json()["fields"]
    return fields


async def test_a_trial_from_its_begin_to_its_end(site: Site) -> None:
    answer = await begin(site, seed=7)
    assert answer.status_code == 200
    state = answer.json()
    assert (state["state"], state["phase"]) == ("running", "resting")
    sha256 = hashlib.sha256(image()).hexdigest()
    assert state["picture_sha256"] == sha256
    assert (await site.client.get("/trial")).json() == state
    picture = await site.client.get(f"/trial/picture/{sha256}")
    assert picture.content == image()
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["x-image-sha256"] == sha256
    assert {"private", "immutable"} <= set(picture.headers["cache-control"].split(", "))
    pressed = await site.client.post("/trial/response", json={"key": "space", "at": 1700000000.5})
    assert pressed.json() == {"trial_id": state["trial_id"], "n": 1}
    (response,) = site.gaze.named("trial.response")
    assert (response.key, response.at, response.display) == ("space", 1700000000.5, None)
    second = await begin(site)
    assert (second.status_code, second.json()["error"]) == (409, "trial_active")
    assert (await begin(site, replace=True)).json()["trial_id"] != state["trial_id"]
    other = await site.client.post(f"/trial/end?trial_id={state['trial_id']}")
    assert (other.status_code, other.json()["error"]) == (409, "trial_not_active")
    assert (await site.client.post("/trial/end")).json()["state"] == "complete"
    assert (await site.client.post("/trial/end")).json()["error"] == "trial_not_active"


async def test_what_is_left_out_has_its_default(site: Site) -> None:
    await begin(site)
    (asked,) = site.gaze.named("trial.begin")
    assert (asked.view, asked.grid_size, asked.seed, asked.record, asked.replace) == ("default", 3, None, False, False)
    assert (asked.policy, asked.trigger, asked.fields_) == (Policy(), Trigger(), {})
    assert asked.model.timeout_ms == 20_000
    assert asked.prompts.default == tuple(PROMPTS["default"])
    assert asked.prompts.of("TL") == ("a kite", "a balloon")
    assert asked.prompts.of("BR") == ("a snail",)


async def test_all_that_can_be_said_arrives(site: Site) -> None:
    await site.client.post("/session/start?session_id=s")
    given: dict[str, Any] = {
        "grid_size": 2,
        "policy": {"name": "listed", "targets": ["TL", "BR"], "dwell_ms": 300},
        "trigger": {"name": "blackout", "interval_s": 4},
        "prompts": {"TL": "a kite", "default": ["a bee"]},
        "negative_prompt": "text",
        "steps": 5,
        "guidance_scale": 2,
        "strength": 0.5,
        "seed": 2**63 - 1,
        "catch_rate": 0.25,
        "sham_rate": 0.5,
        "view": "wall",
        "participant": "P-07",
        "fields": {"block": 3, "condition": "late"},
        "record": True,
    }
    answer = await begin(site, **given)
    assert answer.status_code == 200, answer.text
    (asked,) = site.gaze.named("trial.begin")
    assert (asked.policy.targets, asked.policy.dwell_ms, asked.policy.near) == (("TL", "BR"), 300, Policy().near)
    assert (asked.trigger.name, asked.trigger.interval_s) == ("blackout", 4)
    assert (asked.prompts.of("TL"), asked.prompts.of("BR")) == (("a kite",), ("a bee",))
    assert (asked.model.steps, asked.model.strength, asked.model.negative_prompt) == (5, 0.5, "text")
    assert (asked.seed, asked.catch_rate, asked.sham_rate) == (2**63 - 1, 0.25, 0.5)
    assert (asked.view, asked.participant, asked.record) == ("wall", "P-07", True)
    assert asked.fields_ == {"block": 3, "condition": "late"}


@pytest.mark.parametrize(
    ("prompts", "sector", "expected"),
    [
        ("a bee", "MC", ("a bee",)),
        (["a bee", "a rose"], "MC", ("a bee", "a rose")),
        ({"TL": "a kite", "MC": ["a", "b"]}, "MC", ("a", "b")),
        ({"default": "a bee", "sectors": {"MC": "a rose"}}, "MC", ("a rose",)),
    ],
)
async def test_prompts_have_many_forms(site: Site, prompts: Any, sector: str, expected: tuple[str, ...]) -> None:
    assert (await begin(site, prompts=prompts)).status_code == 200
    (asked,) = site.gaze.named("trial.begin")
    assert asked.prompts.of(sector) == expected


async def test_how_many_changes_are_made_ahead_can_be_said(site: Site) -> None:
    for ahead in (0, 9):
        answer = await begin(site, policy={"name": "random", "ahead": ahead}, replace=True)
        assert answer.json()["prepared"] == []
        assert site.gaze.named("trial.begin")[-1].policy.ahead == ahead


async def test_names_alone_will_do(site: Site) -> None:
    for policy in ("opposite", "farthest", "random"):
        for trigger in ("blink", "saccade", "key", "blackout", "at_once"):
            assert (await begin(site, policy=policy, trigger=trigger, replace=True)).status_code == 200
            asked = site.gaze.named("trial.begin")[-1]
            assert (asked.policy.name, asked.trigger.name) == (policy, trigger)


async def test_a_sample_stands_for_a_picture(site: Site) -> None:
    sample = (await site.client.get("/samples")).json()["samples"][0]["file"]
    answer = await begin(site, image_base64=None, sample=sample)
    picture = (await site.client.get(f"/samples/{sample}")).content
    assert answer.json()["picture_sha256"] == hashlib.sha256(picture).hexdigest()
    unknown = await begin(site, image_base64=None, sample="../README.md")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"image_base64": None}, "image_base64", "sample"),
    ({"sample": "x.jpg"}, "image_base64", "one picture"),
    ({"image_base64": 5}, "image_base64", "string"),
    ({"policy": "nearest"}, "policy", "opposite, farthest, random, listed"),
    ({"policy": {"ahead": 10}}, "policy", "ahead"),
    ({"policy": {"ahead": 1.5}}, "policy", "ahead"),
    ({"policy": {"name": "nearest"}}, "policy", "opposite, farthest, random, listed"),
    ({"policy": {"dwel_ms": 5}}, "policy", "dwell_ms"),
    ({"policy": {"ask": "never"}}, "policy", "ask"),
    ({"policy": "listed"}, "policy", "targets"),
    ({"policy": {"name": "listed", "targets": ["MC"]}, "grid_size": 2}, "policy", "MC"),
    ({"policy": 5}, "policy", ""),
    ({"trigger": "wink"}, "trigger", "blink, saccade, key, blackout, at_once"),
    ({"trigger": {"interval_s": 0}}, "trigger", "interval_s"),
    ({"catch_rate": 0.6, "sham_rate": 0.6}, "sham_rate", "at most 1"),
    ({"catch_rate": 2}, "catch_rate", ""),
    ({"prompts": {"XX": "a"}}, "prompts", "XX"),
    ({"prompts": [""]}, "prompts", ""),
    ({"prompts": 5}, "prompts", ""),
    ({"prompts": {"TL": "a", "sectors": {"BR": "b"}}}, "prompts", "one"),
    ({"prompts": {"TL": ["a"] * 1001}}, "prompts", ""),
    ({"prompts": []}, "prompts", "none"),
    ({"participant": "Jane Doe"}, "participant", ""),
    ({"view": "a\nb"}, "view", ""),
    ({"fields": [1]}, "fields", ""),
    ({"fields": {"text": "x" * 20_000}}, "fields", ""),
    ({"seed": 2**63}, "seed", ""),
    ({"record": "yes"}, "record", ""),
    ({"nosuch": 1}, "nosuch", "no such field"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("fields", "name", "word"), REFUSED, ids=lambda value: str(value)[:40])
async def test_what_does_not_fit_is_named(shared_site: Site, fields: dict[str, Any], name: str, word: str) -> None:
    shared_site.gaze.asked.clear()
    assert word in refused(await begin(shared_site, **fields))[name]
    assert not shared_site.gaze.asked


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"no", 400, "invalid_json"),
        (b'{"image_base64": "aGFsbG8="}', 422, "unreadable_image"),
        (b'{"image_base64": "?"}', 422, "unreadable_image"),
        (b'{"image_base64": "' + b"A" * 300_000 + b'"}', 422, "unreadable_image"),
        (b'{"sample": "' + b"x" * 300_000 + b'"}', 422, "invalid_request"),
        (b'{"fields": ' + b'{"a":' * 900 + b"1" + b"}" * 901, 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_is_no_request_is_refused(shared_site: Site, content: bytes, status: int, code: str) -> None:
    answer = await shared_site.client.post(
        "/trial/begin", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    form = await shared_site.client.post("/trial/begin", content=b"a=b", headers=FORM)
    assert (form.status_code, form.json()["error"]) == (415, "unsupported_media_type")


async def test_a_trial_is_recorded_in_the_active_session(site: Site) -> None:
    refusal = await begin(site, record=None)
    assert (refusal.status_code, refusal.json()["error"]) == (409, "session_not_active")
    await site.client.post("/session/start")
    assert (await begin(site, record=None)).status_code == 200
    assert site.gaze.named("trial.begin")[0].record is True


async def test_what_the_gaze_process_answers_is_answered(site: Site) -> None:
    site.gaze.error = GazeBacklogFull("what is held has reached its limit")
    refusal = await begin(site)
    assert (refusal.status_code, refusal.json()["error"]) == (503, "gaze_backlog_full")
    site.gaze.error = InvalidRequest("there is no trace x.csv")
    answer = await site.client.post("/gaze/source", json={"source": "file:x.csv"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "there is no trace x.csv")


async def test_a_picture_that_is_not_there(site: Site) -> None:
    for name in ("ab" * 32, "nothing", "AB" * 32):
        answer = await site.client.get(f"/trial/picture/{name}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_without_a_gaze_process_all_else_goes_on(sites: Sites) -> None:
    site = await sites.new(gaze=False)
    for method, path, body in (
        ("GET", "/trial", None),
        ("POST", "/trial/end", None),
        ("GET", f"/trial/picture/{'ab' * 32}", None),
        ("GET", "/gaze/source", None),
        ("POST", "/gaze/source", {"source": "page"}),
        ("POST", "/trial/response", {"key": "a"}),
        ("POST", "/trial/begin", begun()),
    ):
        answer = await site.client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["error"]) == (503, "gaze_unavailable"), path
        assert "gaze process" in answer.json()["detail"]
    assert (await site.generate()).status_code == 200
    assert (await site.client.get("/ready")).status_code == 200
    told = await site.health()
    assert told["gaze"] is None
    assert told["processes"]["gaze"]["state"] == "unreachable"
    site.new_gaze()
    await site.until_gaze()

    async def answers() -> bool:
        return (await site.client.get("/trial")).status_code == 200

    await eventually_async(answers)
