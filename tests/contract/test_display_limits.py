"""``WS /display`` with displays that say what nobody understands, too much, or that do not read."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets

from services.api.live.display import MAX_ERRORS, MAX_UNDER_WAY
from tests.contract.conftest import Site
from tests.contract.test_display import VIEW, connect, following, joined, say, until
from tests.contract.test_gaze import wire
from tests.support.gaze_standin import trial_step
from tests.support.waiting import eventually_async

BAD: list[str | bytes] = [
    *("", "no", "[]", "null", "{}", '{"type": 1}', '{"type": "nothing"}', '{"type": "view", "left": NaN}'),
    *('{"type": "view", "width": 0}', '{"type": "view", "page_px": [0, 1]}', '{"type": "ready"}', b"\0\xff"),
    *('{"type": "ping", "sent_ms": 1e999}', '{"type": "ping", "sent_ms": true}', '{"type": "points"}'),
    *('{"type": "points", "points": [[1, 2]]}', '{"type": "points", "points": [[1, true, 0.5]]}'),
    *('{"type": "points", "points": [7]}', '{"type": "points", "points": [{"x": [], "y": 1}]}', "[" * 60_000),
    '{"type": "' + "x" * 5000 + '"}',
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad[:40]))
async def test_what_cannot_be_used_is_told_and_ends_nothing(shared_site: Site, bad: str | bytes) -> None:
    display, _ = await connect(shared_site)
    await display.send(bad)
    error = await following(display)
    while error["type"] == "source":
        error = await following(display)
    assert (error["type"], error["error"]) == ("error", "invalid_request")
    assert len(json.dumps(error)) < 3000
    await say(display, type="ping", sent_ms=1.0)
    await until(display, "pong")
    await display.close()


async def test_of_ten_thousand_bad_messages_a_few_are_told(site: Site) -> None:
    display, _ = await connect(site)
    for number in range(10_000):
        await display.send(f"no message {number}")
    await say(display, type="ping", sent_ms=1.0)
    errors = []
    while (message := await following(display))["type"] != "pong":
        errors += [message] if message["type"] == "error" else []
    assert len(errors) == MAX_ERRORS
    assert "not told" in errors[-1]["detail"]
    await display.close()


async def test_a_message_that_is_too_long_ends_the_connection(site: Site) -> None:
    display, name = await connect(site)
    await display.send("x" * 70_000)
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await until(display, "nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    await eventually_async(lambda: [each.display for each in site.gaze.named("gone")] == [name])


async def test_so_many_requests_are_under_way_and_no_more_is_read(site: Site) -> None:
    display, _ = await connect(site)
    site.gaze.release.clear()
    count = 10_000

    async def press() -> None:
        for _ in range(count):
            await say(display, type="key", key="a")

    pressing = asyncio.create_task(press())
    await eventually_async(lambda: len(site.gaze.named("key")) == MAX_UNDER_WAY)
    assert (await site.health())["status"] == "ok"
    assert len(site.gaze.named("key")) == MAX_UNDER_WAY
    site.gaze.release.set()
    await pressing
    await eventually_async(lambda: len(site.gaze.named("key")) == count)
    await display.close()


async def test_one_that_does_not_read_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.live.display.MAX_WAITING", 20)
    quick, _ = await connect(site)
    async with wire(site, "/display", limit=1024) as stuck:
        await stuck.send(json.dumps(VIEW))
        await eventually_async(lambda: len(site.gaze.named("view")) == 2)
        padding = {"text": "x" * 30_000}

        async def cut_off() -> bool:
            await site.gaze.publish(trial_step(1, details=padding))
            await until(quick, "trial")
            return bool(site.gaze.named("gone"))

        await eventually_async(cut_off, 30)
    assert "unread" in site.gaze.named("gone")[0].reason
    await joined(site, quick)
    await quick.close()
