"""Points of ``WS /gaze`` on their way to a trial, and which source a trial goes by."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from services.api.live.gaze import MAX_UNANSWERED
from tests.contract.conftest import Site, Sites
from tests.contract.test_gaze import connect, point, reaches, wire
from tests.contract.test_trial import refused
from tests.support.waiting import eventually_async


def taken(site: Site) -> list[Any]:
    """All points that the gaze process was given, in order."""
    return [point for asked in site.gaze.named("points") for point in asked.points]


def since(site: Site, x: float) -> list[Any]:
    """Points behind the last with this ``x``."""
    listed = taken(site)
    at = max((number for number, each in enumerate(listed) if each.x == x), default=len(listed))
    return listed[at + 1 :]


async def test_every_point_is_passed_on_in_order(site: Site) -> None:
    await site.until_gaze()
    async with wire(site, "/gaze") as tracker:
        for number in range(1000):
            await tracker.send(json.dumps({"x": number / 1000, "y": 0.5, "t": number / 250}))
        await eventually_async(lambda: len(taken(site)) == 1000)
    assert [each.t for each in taken(site)] == [number / 250 for number in range(1000)]
    assert {asked.source for asked in site.gaze.named("points")} == {"websocket"}
    assert {asked.display for asked in site.gaze.named("points")} == {None}


async def test_what_a_tracker_knows_goes_with_it(site: Site) -> None:
    await site.until_gaze()
    async with connect(site) as viewer, connect(site, "?listen=false") as tracker:
        await reaches(tracker, viewer, point(0.9))
        known = {"x": 0.1, "y": 0.2, "t": 7.5, "confidence": 0.9, "pupil": 3.1, "open": 0.8, "valid": True}
        await tracker.send(json.dumps({**known, "eye": "left"}))
        await tracker.send(json.dumps({"x": 0.2, "y": 0.2, "t": "at noon", "pupil": True}))
        await tracker.send(json.dumps({"valid": False, "t": 7.6}))
        await tracker.send(json.dumps({"x": None, "y": None, "valid": False}))
        await eventually_async(lambda: len(since(site, 0.9)) == 4)
        whole, odd, blink, lost = since(site, 0.9)
        assert whole.model_dump() == known
        assert (odd.x, odd.t, odd.pupil) == (0.2, None, None)
        assert (blink.valid, blink.x, blink.t, lost.valid, lost.y) == (False, None, 7.6, False, None)
        await reaches(tracker, viewer, point(0.3))


async def test_a_list_is_many_points_and_its_newest_is_relayed(site: Site) -> None:
    await site.until_gaze()
    async with connect(site) as viewer, connect(site, "?listen=false") as tracker:
        await reaches(tracker, viewer, point(0.9))
        newest = {"x": 0.4, "y": 0.5, "t": 3, "eye": "left"}
        await tracker.send(json.dumps([{"x": 0.1, "y": 0.1}, newest, {"valid": False}]))
        assert json.loads(await viewer.recv()) == newest
        await eventually_async(lambda: len(since(site, 0.9)) == 3)
        assert [each.valid for each in since(site, 0.9)] == [True, True, False]
        for bad in ([], [7], [{"x": 0.1}], [[0.1, 0.2]], [{"x": 0.1, "y": 0.1}] * 1001):
            await tracker.send(json.dumps(bad))
            assert json.loads(await tracker.recv())["error"] == "invalid_request"
        assert len(since(site, 0.9)) == 3


async def test_a_point_beside_the_view_is_for_trials_alone(site: Site) -> None:
    await site.until_gaze()
    async with connect(site) as viewer, connect(site, "?listen=false") as tracker:
        await reaches(tracker, viewer, point(0.9))
        await tracker.send(json.dumps({"x": 1.2, "y": 0.5}))
        assert json.loads(await tracker.recv())["error"] == "invalid_request"
        await eventually_async(lambda: [each.x for each in since(site, 0.9)] == [1.2])
        await tracker.send(point(0.4))
        assert json.loads(await viewer.recv())["x"] == 0.4


async def test_of_a_gaze_process_that_is_stuck_nothing_waits_without_end(site: Site) -> None:
    await site.until_gaze()
    site.gaze.release.clear()
    async with wire(site, "/gaze") as tracker, connect(site) as viewer:
        for _ in range(60):
            for _ in range(50):
                await tracker.send(json.dumps({"x": 0.5, "y": 0.5, "padding": "x" * 1900}))
            await asyncio.sleep(0)
        await reaches(tracker, viewer, point(0.7))
        assert len(site.gaze.named("points")) <= MAX_UNANSWERED
        site.gaze.release.set()
        await reaches(tracker, viewer, point(0.8))
        await eventually_async(lambda: [each.x for each in taken(site)[-1:]] == [0.8])


async def test_without_a_gaze_process_points_are_relayed(sites: Sites) -> None:
    site = await sites.new(gaze=False)
    async with wire(site, "/gaze") as tracker, connect(site) as viewer:
        await reaches(tracker, viewer, point(0.1))
        site.new_gaze()
        await site.until_gaze()
        await reaches(tracker, viewer, point(0.2))
        await eventually_async(lambda: [each.x for each in taken(site)[-1:]] == [0.2])
        await site.gaze.die()
        await reaches(tracker, viewer, point(0.3))


async def test_the_source_is_chosen(site: Site) -> None:
    assert (await site.client.get("/gaze/source")).json()["source"] == "page"
    chosen = await site.client.post("/gaze/source", json={"source": "simulated:7"})
    assert (chosen.status_code, chosen.json()["source"]) == (200, "simulated:7")
    assert (await site.client.get("/gaze/source")).json()["source"] == "simulated:7"
    for bad in ({}, {"source": ""}, {"source": 5}, {"source": "x\n"}, {"source": "page", "image_base64": "x"}):
        refused(await site.client.post("/gaze/source", json=bad))
    for bad in ({}, {"key": ""}, {"key": "a", "at": -1}, {"key": "a", "display": "d"}):
        refused(await site.client.post("/trial/response", json=bad))
