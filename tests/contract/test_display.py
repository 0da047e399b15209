"""``WS /display``: what a display says goes to the gaze process in order, and what that says of its view comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets

from shared.bus.requests.gaze import PreparedChange, TrialState
from shared.errors import TrialNotActive
from tests.contract.conftest import Site, Sites
from tests.contract.test_gaze import wire
from tests.support.gaze_standin import shown, swap, trial_step
from tests.support.waiting import eventually_async

Shown = websockets.ClientConnection
VIEW = {"type": "view", "left": 0.1, "top": 0.1, "width": 0.8, "height": 0.8, "page_px": [800, 600], "refresh_ms": 16.7}


async def connect(site: Site, **view: Any) -> tuple[Shown, str]:
    """A display that shows a view, and its name; the gaze process is there."""
    await site.until_gaze()
    display = await websockets.connect(f"ws://127.0.0.1:{site.port}/display")
    hello = await following(display)
    assert hello["type"] == "hello"
    await say(display, **{**VIEW, **view})
    assert (await until(display, "view"))["counts"] is True
    return display, hello["display"]


async def say(display: Shown, **message: Any) -> None:
    await display.send(json.dumps(message))


async def following(display: Shown) -> dict[str, Any]:
    async with asyncio.timeout(10):
        return dict(json.loads(await display.recv()))


async def until(display: Shown, kind: str) -> dict[str, Any]:
    """The next message of a type; others, but for errors, are passed over."""
    while True:
        message = await following(display)
        if message["type"] == kind:
            return message
        assert message["type"] != "error", message


async def joined(site: Site, display: Shown) -> None:
    """Wait until what is published reaches a display."""

    async def seen() -> bool:
        await site.gaze.publish(trial_step(1, step="probe"))
        try:
            async with asyncio.timeout(0.1):
                return (await until(display, "trial"))["step"] == "probe"
        except TimeoutError:
            return False

    await eventually_async(seen)


async def of_view(display: Shown, until_n: int) -> list[int]:
    """Numbers of the steps that come, up to one."""
    numbers: list[int] = []
    while not numbers or numbers[-1] != until_n:
        message = await following(display)
        if message["type"] in ("trial", "swap", "displayed") and message["step"] != "probe":
            numbers.append(message["n"])
    return numbers


async def test_it_is_greeted_with_all_that_is_known(site: Site) -> None:
    await site.until_gaze()
    address = f"ws://127.0.0.1:{site.port}/display"
    async with websockets.connect(address) as first, websockets.connect(address) as second:
        hellos = [await following(first), await following(second)]
    for hello in hellos:
        assert hello["type"] == "hello"
        assert hello["trial"]["state"] == "none"
        assert (hello["gaze"]["source"], hello["gaze"]["epoch"]) == ("page", site.gaze.epoch)
    assert len({hello["display"] for hello in hellos}) == 2


async def test_what_it_says_arrives_in_order_without_waiting_for_answers(site: Site) -> None:
    display, name = await connect(site)
    site.gaze.release.clear()
    site.gaze.asked.clear()
    await say(display, type="points", points=[[1000.0, 0.1, 0.2], [1004.0, None, None]])
    await say(display, type="ready", trial_id="t", frame="7")
    await say(display, type="points", points=[{"x": 0.5, "y": 0.5, "t": 1.2, "pupil": 3.5}])
    await say(display, type="displayed", trial_id="t", swap="8/1", drawn_ms=1.5, frame_ms=2.5, next_frame_ms=19.2)
    await say(display, type="missed", trial_id="t", swap="9/1", reason="too late")
    await say(display, type="key", key=" ", at_ms=12.5)
    await say(display, type="clock", sent_ms=1.0, received_ns=2, answered_ns=3, returned_ms=2.0)
    await eventually_async(lambda: len(site.gaze.asked) == 7)
    assert [kind for kind, _ in site.gaze.asked] == ["points", "ready", "points", "displayed", "missed", "key", "clock"]
    asked = [fields for _, fields in site.gaze.asked]
    assert {each.display for each in asked} == {name}
    (first, second), (third,) = asked[0].points, asked[2].points
    assert (first.t, first.x, first.y, first.valid) == (1.0, 0.1, 0.2, True)
    assert (second.t, second.x, second.valid) == (1.004, None, False)
    assert (third.t, third.x, third.pupil) == (1.2, 0.5, 3.5)
    assert asked[0].source == "page"
    assert (asked[3].swap, asked[3].next_frame_ms, asked[4].reason) == ("8/1", 19.2, "too late")
    site.gaze.release.set()
    await display.close()


async def test_a_ping_is_answered_with_the_times_of_the_gaze_process(site: Site) -> None:
    display, _ = await connect(site)
    await say(display, type="ping", sent_ms=123.5)
    pong = await until(display, "pong")
    assert pong["sent_ms"] == 123.5
    assert 0 < pong["received_ns"] <= pong["answered_ns"]
    await display.close()


async def test_points_of_one_turn_go_together(site: Site) -> None:
    display, _ = await connect(site)
    async with wire(site, "/display") as raw:
        point = json.dumps({"type": "points", "points": [[1, 0.5, 0.5]]}).encode()
        frame = bytes([0x81, 0x80 | len(point)]) + bytes(4) + point
        raw.write(frame * 20)
        await eventually_async(lambda: sum(len(each.points) for each in site.gaze.named("points")) == 20)
        assert len(site.gaze.named("points")) < 10
    await display.close()


async def test_steps_of_its_view_come_each_in_order(site: Site) -> None:
    display, _ = await connect(site)
    other, _ = await connect(site, view="other")
    await joined(site, display)
    for n in range(0, 60, 3):
        await site.gaze.publish(trial_step(n + 10, step="fixation", details={"sector": "TL"}))
        await site.gaze.publish(swap(n + 11))
        await site.gaze.publish(shown(n + 12, latency_ms=12.5))
    await site.gaze.publish(trial_step(1000, view="other"))
    assert await of_view(display, 69) == list(range(10, 70))
    assert await of_view(other, 1000) == [1000]
    await site.gaze.publish(swap(2000, deadline_ms=77.5))
    order = await until(display, "swap")
    assert (order["sha256"], order["deadline_ms"], order["display"]) == ("ab" * 32, 77.5, "d")
    assert (await until(display, "source"))["state"] == "waiting"
    await display.close()
    await other.close()


async def test_one_that_takes_sectors_says_so_and_hears_of_what_is_made_ahead(site: Site) -> None:
    display, _ = await connect(site, takes_sectors=True)
    assert [each.takes_sectors for each in site.gaze.named("view")] == [True]
    await joined(site, display)
    about = {"prepare": "3/0", "state": "ready", "picture_sha256": "cd" * 32}
    await site.gaze.publish(trial_step(4, step="prepared", step_id="4", details=about))
    await site.gaze.publish(swap(5, prepared_id="t-p0", on="cd" * 32))
    prepared = await until(display, "trial")
    assert (prepared["step"], prepared["step_id"], prepared["details"]) == ("prepared", "4", about)
    order = await until(display, "swap")
    assert (order["prepared_id"], order["on"]) == ("t-p0", "cd" * 32)
    await say(display, type="ready", trial_id="t", frame="4")
    await eventually_async(lambda: [each.frame for each in site.gaze.named("ready")] == ["4"])
    made = {"prepare": "3/0", "prepared_id": "t-p0", "target": "TL", "made": "4", "picture_sha256": "cd" * 32}
    site.gaze.trial = TrialState(state="running", prepared=(PreparedChange(**made),))
    await say(display, **VIEW, takes_sectors=True)
    assert (await until(display, "view"))["trial"]["prepared"] == [{**made, "ready": False}]
    await display.close()


async def test_one_that_shows_nothing_hears_of_the_source_alone(site: Site) -> None:
    await site.until_gaze()
    async with websockets.connect(f"ws://127.0.0.1:{site.port}/display") as mute:
        display, _ = await connect(site)
        await joined(site, display)
        await site.gaze.tell()
        kinds = {(await following(mute))["type"] for _ in range(3)}
        assert kinds == {"hello", "source"}
        await display.close()


async def test_when_it_ends_the_gaze_process_is_told(site: Site) -> None:
    display, name = await connect(site)
    assert (await site.health())["processes"]["api"]["displays"] == 1
    await display.close()
    await eventually_async(lambda: [each.display for each in site.gaze.named("gone")] == [name])
    assert (await site.health())["processes"]["api"]["displays"] == 0


async def test_an_error_of_the_gaze_process_is_passed_on(site: Site) -> None:
    display, _ = await connect(site)
    site.gaze.error = TrialNotActive("no trial is under way")
    await say(display, type="ready", trial_id="t", frame="7")
    error = await following(display)
    while error["type"] == "source":
        error = await following(display)
    assert error == {"type": "error", "error": "trial_not_active", "detail": "no trial is under way", "about": "ready"}
    await display.close()


async def test_it_outlives_the_gaze_process(site: Site) -> None:
    display, name = await connect(site, view="wall")
    await site.gaze.die()
    assert (await until(display, "gaze"))["there"] is False
    await say(display, type="points", points=[[1, 0.5, 0.5]])
    await say(display, **{**VIEW, "view": "wall", "left": 0.25})
    site.new_gaze()
    assert (await until(display, "gaze"))["there"] is True
    assert (await until(display, "view"))["counts"] is True
    (view,) = site.gaze.named("view")
    assert (view.display, view.view, view.left) == (name, "wall", 0.25)
    assert not site.gaze.named("points"), "what it said meanwhile is of no use to the next"
    await say(display, type="ping", sent_ms=1.0)
    await until(display, "pong")
    await display.close()


async def test_without_a_gaze_process_it_waits_for_one(sites: Sites) -> None:
    site = await sites.new(gaze=False)
    display = await websockets.connect(f"ws://127.0.0.1:{site.port}/display")
    hello = await following(display)
    assert (hello["trial"], hello["gaze"]) == (None, None)
    await say(display, **VIEW)
    site.new_gaze()
    assert await following(display) == {"type": "gaze", "there": True}
    await until(display, "view")
    await display.close()


async def test_displays_are_sent_away_when_the_server_stops(site: Site) -> None:
    displays = [await connect(site) for _ in range(3)]
    site.runtime.stopping.set()
    for display, _ in displays:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await until(display, "nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    await site.serving
    assert {each.display for each in site.gaze.named("gone")} == {name for _, name in displays}


async def test_who_may_connect(sites: Sites) -> None:
    site = await sites.new(api_token="secret")
    address = f"ws://127.0.0.1:{site.port}/display"
    foreign = {"origin": "https://evil.example", "additional_headers": {"Authorization": "Bearer secret"}}
    for more, options, status in (
        ("", {}, 401),
        ("?token=wrong", {}, 401),
        ("", foreign, 403),
        ("?x=1&token=secret", {}, 422),
    ):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address + more, **options)  # type: ignore[arg-type]
        assert refused.value.response.status_code == status
    async with websockets.connect(f"{address}?token=secret", origin="http://localhost:3000") as display:  # type: ignore[arg-type]
        assert (await following(display))["type"] == "hello"
    answer = await site.client.get("/display")
    assert (answer.status_code, answer.json()["error"]) == (426, "upgrade_required")
