"""``/health`` and ``/ready``: what is wrong is said, and quickly."""

from __future__ import annotations

import asyncio

import pytest

from shared.version import VERSION
from tests.contract.conftest import Site, Sites
from tests.support.waiting import eventually_async


async def test_all_is_well(site: Site) -> None:
    async def well() -> bool:
        return (await site.health())["status"] == "ok"

    await eventually_async(well)
    told = await site.health()
    assert told["reasons"] == []
    assert told["version"] == VERSION
    states = {name: process["state"] for name, process in told["processes"].items()}
    assert states == {"api": "ok", "generator": "ready", "recorder": "ok", "replayer": "ok", "gaze": "ok"}
    assert told["queue"] == {"waiting": 0, "limit": 8}
    assert told["backlog"] == {"bytes": 0, "limit_bytes": 1 << 30}
    assert told["model"]["id"] == "stand-in"
    assert told["disk"]["state"] == "ok"
    assert told["session"] is None


@pytest.mark.parametrize(
    ("changes", "status", "code", "word"),
    [
        ({"state": "loading"}, 503, "generator_loading", "loading"),
        ({"state": "failed"}, 503, "generator_unavailable", "failed"),
        ({"state": "stopping"}, 503, "generator_unavailable", "stopping"),
        ({"queue": 8}, 503, "queue_full", ""),
    ],
)
async def test_the_generator_does_not_take_jobs(
    site: Site, changes: dict[str, object], status: int, code: str, word: str
) -> None:
    for name, value in changes.items():
        setattr(site.generator, name, value)
    await site.generator.tell()

    async def refused() -> bool:
        answer = await site.client.get("/ready")
        return answer.status_code == status and answer.json()["error"] == code

    await eventually_async(refused)
    told = await site.health()
    assert told["status"] == {"loading": "starting", "": "ok"}.get(word, "degraded")
    assert word in " ".join(told["reasons"])
    assert ("retry-after" in (await site.client.get("/ready")).headers) == (code != "generator_unavailable")


async def test_a_full_backlog_refuses_only_what_would_be_recorded(site: Site) -> None:
    site.generator.backlog_bytes = 1 << 30
    await site.generator.tell()

    async def told() -> bool:
        return (await site.health())["backlog"]["bytes"] == 1 << 30

    await eventually_async(told)
    assert (await site.client.get("/ready")).status_code == 200
    await site.client.post("/session/start")
    answer = await site.client.get("/ready")
    assert (answer.status_code, answer.json()["error"]) == (503, "recording_backlog_full")


async def test_health_does_not_wait_for_anybody(site: Site) -> None:
    site.generator.release.clear()
    waiting = [asyncio.create_task(site.generate()) for _ in range(3)]
    await eventually_async(lambda: len(site.generator.asked) == 3)
    asked_before = site.recorder.status_requests
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for _ in range(100):
        assert (await site.client.get("/health")).status_code == 200
    elapsed_s = loop.time() - begun
    assert site.recorder.status_requests - asked_before <= elapsed_s + 1, "health asks nobody"
    site.generator.release.set()
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_processes_that_are_not_there_are_named(sites: Sites) -> None:
    site = await sites.new(ready=False, generator=False, recorder=False)
    told = await site.health()
    assert told["status"] == "starting", "they may be on their way"
    assert {"generator", "recorder"} <= {reason.split(":")[0] for reason in told["reasons"]}
    answer = await site.client.get("/ready")
    assert (answer.status_code, answer.json()["error"]) == (503, "recorder_unavailable")


async def test_why_a_frame_was_set_aside_is_told(site: Site) -> None:
    assert (await site.health())["processes"]["recorder"]["set_aside"] == {}
    site.recorder.set_aside = {"e-7": "its picture is no PNG"}
    await site.client.get("/session/status")
    assert (await site.health())["processes"]["recorder"]["set_aside"] == {"e-7": "its picture is no PNG"}


async def test_trouble_of_the_recorder_is_passed_on(site: Site) -> None:
    site.recorder.error = "the sessions folder is read-only"
    await site.client.get("/session/status")
    told = await site.health()
    assert told["processes"]["recorder"]["state"] == "trouble"
    assert told["status"] == "degraded"
    assert "recorder: the sessions folder is read-only" in told["reasons"]


async def test_the_gaze_is_told(site: Site) -> None:
    site.gaze.status = {
        "source": "websocket",
        "state": "running",
        "rate_hz": 249.5,
        "loss": 0.02,
        "age_s": 0.004,
        "held_bytes": 4096,
        "held_limit_bytes": 1 << 20,
        "displays": ("display-1",),
        "view": "default",
    }
    await site.gaze.tell()

    async def told() -> bool:
        return ((await site.health())["gaze"] or {}).get("source") == "websocket"

    await eventually_async(told)
    health = await site.health()
    wanted = {"state": "running", "rate_hz": 249.5, "loss": 0.02, "age_s": 0.004, "trial_id": None, "held_bytes": 4096}
    assert wanted.items() <= health["gaze"].items()
    assert health["processes"]["gaze"]["displays"] == ["display-1"]
    assert health["status"] == "ok"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"state": "failed", "source": "file:x.csv", "detail": "there is no such file"}, "there is no such file"),
        ({"held_bytes": 1 << 20, "held_limit_bytes": 1 << 20}, "limit"),
    ],
)
async def test_trouble_of_the_gaze_process_is_told(site: Site, changes: dict[str, object], word: str) -> None:
    site.gaze.status = changes
    await site.gaze.tell()

    async def told() -> bool:
        return word in " ".join((await site.health())["reasons"])

    await eventually_async(told)
    health = await site.health()
    assert (health["status"], health["processes"]["gaze"]["state"]) == ("degraded", "trouble")
    assert (await site.client.get("/ready")).status_code == 200


async def test_a_gaze_process_that_went_is_missed(site: Site) -> None:
    await site.until_gaze()
    await site.gaze.die()

    async def missed() -> bool:
        return (await site.health())["processes"]["gaze"]["state"] == "unreachable"

    await eventually_async(missed)
    health = await site.health()
    assert (health["status"], health["gaze"]) == ("degraded", None)
    assert "gaze" in {reason.split(":")[0] for reason in health["reasons"]}
    assert (await site.client.get("/ready")).status_code == 200, "pictures are made without it"
