"""``WS /ws``: live events, and viewers that can't keep up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets

from shared.bus.messages import Progress, ReplayFrame
from tests.contract.conftest import Site, body
from tests.support.gaze_standin import shown, swap, trial_step
from tests.support.waiting import eventually_async

Viewer = websockets.ClientConnection


async def connect(site: Site, **options: Any) -> Viewer:
    """A viewer that has been greeted and takes part."""
    viewer = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws", max_size=None, **options)
    assert json.loads(await viewer.recv())["type"] == "hello"
    return viewer


async def until(viewer: Viewer, kind: str) -> dict[str, Any]:
    """The next message of a type; the pictures of others are passed over."""
    async with asyncio.timeout(10):
        while True:
            message = await viewer.recv()
            if isinstance(message, str) and (told := json.loads(message))["type"] == kind:
                return dict(told)


async def joined(site: Site, viewer: Viewer) -> None:
    """Wait until what is published reaches a viewer: a late subscriber misses the beginning."""

    async def seen() -> bool:
        await site.generator.publish(Progress(request_id="probe", client_id=None, step=1, steps=1))
        try:
            async with asyncio.timeout(0.1):
                return (await until(viewer, "progress"))["request_id"] == "probe"
        except TimeoutError:
            return False

    await eventually_async(seen)


async def test_a_frame_and_then_its_picture(site: Site) -> None:
    viewer = await connect(site)
    await joined(site, viewer)
    answer = await site.generate(client_id="me")
    progress = await until(viewer, "progress")
    while progress["request_id"] == "probe":
        progress = await until(viewer, "progress")
    assert (progress["client_id"], progress["step"], progress["steps"]) == ("me", 1, 2)
    frame = await until(viewer, "frame")
    assert frame["frame_id"] == answer.headers["x-frame-id"]
    assert await viewer.recv() == answer.content
    await viewer.close()


async def test_sessions_and_recordings_are_told(site: Site) -> None:
    viewer = await connect(site)
    await site.client.post("/session/start?session_id=s")
    assert (await until(viewer, "session.started"))["session_id"] == "s"
    answer = await site.generate()
    assert (await until(viewer, "frame.recorded"))["frame_id"] == answer.headers["x-frame-id"]
    assert (await until(viewer, "status"))["state"] == "ready"
    await viewer.close()
    again = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws")
    hello = json.loads(await again.recv())
    assert hello["session"]["session_id"] == "s"
    assert hello["generator"]["state"] == "ready"
    await again.close()


async def test_replayed_frames_are_shown(site: Site) -> None:
    viewer = await connect(site)

    async def seen() -> bool:
        shown = ReplayFrame(cursor="c", session_id="s", index=0, total=1, entry={"index": 0})
        await site.replayer.publish(shown, b"picture")
        try:
            async with asyncio.timeout(0.1):
                return (await until(viewer, "replay.frame"))["cursor"] == "c"
        except TimeoutError:
            return False

    await eventually_async(seen)
    assert await viewer.recv() == b"picture"
    await viewer.close()


async def test_each_step_of_a_trial_is_told(site: Site) -> None:
    viewer = await connect(site)
    await site.until_gaze()

    async def seen() -> bool:
        await site.gaze.publish(trial_step(1, step="probe"))
        try:
            async with asyncio.timeout(0.1):
                return (await until(viewer, "trial"))["step"] == "probe"
        except TimeoutError:
            return False

    await eventually_async(seen)
    for n in range(2, 50, 3):
        await site.gaze.publish(trial_step(n))
        await site.gaze.publish(swap(n + 1))
        await site.gaze.publish(shown(n + 2))
    told = [
        (kind, (await until(viewer, kind))["n"]) for _ in range(2, 50, 3) for kind in ("trial", "swap", "displayed")
    ]
    assert [n for _, n in told if n > 1] == list(range(2, 50)), "none took another's place"
    await viewer.close()


async def test_a_slow_viewer_gets_the_newest_frame(site: Site) -> None:
    slow = await connect(site, max_queue=1)
    quick = await connect(site)
    await joined(site, quick)
    site.generator.png_bytes = 4_000_000
    count = 12
    for number in range(count):
        await site.generate(seed=number)
        assert (await until(quick, "frame"))["seed"] == number, "a slow viewer slows nobody"
        assert len(await quick.recv()) > 4_000_000
    seeds = []
    while not seeds or seeds[-1] != count - 1:
        seeds.append((await until(slow, "frame"))["seed"])
    assert seeds == sorted(set(seeds))
    assert len(seeds) < count, "it was not given them all"
    await slow.close()
    await quick.close()


async def test_without_viewers_frames_are_not_fetched(site: Site) -> None:
    viewer = await connect(site)
    await joined(site, viewer)
    assert (await site.health())["processes"]["api"]["viewers"] == 1
    await viewer.close()

    async def nobody() -> bool:
        return (await site.health())["processes"]["api"]["viewers"] == 0

    await eventually_async(nobody)
    assert (await site.generate()).status_code == 200
    again = await connect(site)
    await joined(site, again)
    await again.close()


async def test_what_a_viewer_says_is_passed_over(site: Site) -> None:
    viewer = await connect(site)
    await viewer.send("hello?")
    await viewer.send(b"\0" * 1000)
    await joined(site, viewer)
    await viewer.send("x" * 100_000)
    with pytest.raises(websockets.ConnectionClosed):
        await until(viewer, "nothing")

    async def well() -> bool:
        return (await site.health())["status"] == "ok"

    await eventually_async(well)


async def test_viewers_are_sent_away_when_the_server_stops(site: Site) -> None:
    viewers = [await connect(site) for _ in range(3)]
    begun = asyncio.get_running_loop().time()
    site.runtime.stopping.set()
    for viewer in viewers:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await until(viewer, "nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    await site.serving
    assert asyncio.get_running_loop().time() - begun < 2


async def test_an_unknown_websocket_path_is_refused(site: Site) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://127.0.0.1:{site.port}/other")
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body)["error"] == "not_found"


async def test_what_is_made_ahead_is_told_as_it_changes(site: Site) -> None:
    viewer = await connect(site)
    await joined(site, viewer)
    answer = await site.client.post("/prepare", json=body(target_sectors=["TL", "BR"], focus_sector=None, view="wall"))
    first, second = [each["id"] for each in answer.json()["prepared"]]
    seen: dict[str, list[str]] = {first: [], second: []}
    while [states[-1:] for states in seen.values()] != [["ready"]] * 2:
        told = await until(viewer, "prepared")
        seen[told["prepared_id"]].append(told["state"])
        assert (told["view"], told["picture_sha256"]) == ("wall", answer.json()["picture_sha256"])
    made = await site.client.post(f"/commit/{first}")
    frame = await until(viewer, "frame")
    committed = await until(viewer, "prepared")
    assert (committed["prepared_id"], committed["state"]) == (first, "committed"), "behind its frame"
    assert committed["frame_sha256"] == frame["sha256"] == made.headers["x-image-sha256"]
    aimed = await until(viewer, "prepared")
    assert aimed["prepared_id"] == second
    # A word that waits for the viewer gives way to the next one of the same change.
    ready = await until(viewer, "prepared") if aimed["state"] == "composing" else aimed
    assert (ready["state"], ready["picture_sha256"], ready["region"]) == ("ready", frame["sha256"], [0, 0, 21, 21])
    await viewer.close()


async def test_a_viewer_without_pictures_is_told_of_what_is_made_ahead(site: Site) -> None:
    viewer = await websockets.connect(f"ws://127.0.0.1:{site.port}/ws?frames=false", max_size=None)
    await joined(site, viewer)
    answer = await site.client.post("/prepare", json=body(target_sectors=["TL"], focus_sector=None))
    told = await until(viewer, "prepared")
    assert told["prepared_id"] == answer.json()["prepared"][0]["id"]
    await viewer.close()
