"""The API's half of the recording protocol: who is active, what was acknowledged, what is lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.frame import SessionStamp
from tests.contract.conftest import Site, Sites
from tests.support.waiting import eventually_async


async def start(site: Site, session_id: str = "s", **more: str) -> None:
    answer = await site.client.post("/session/start", params={"session_id": session_id, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"session_id": session_id, "status": "recording"}


async def test_a_frame_of_a_session_is_stamped_and_acknowledged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.bus.delivery.ACKNOWLEDGEMENT_S", 30)
    await start(site)
    answer = await site.generate()
    assert answer.headers["x-recorded"] == "disk"
    assert answer.headers["x-session"] == "s"
    stamp = site.generator.asked[0][0].session
    assert stamp is not None
    assert stamp.session_id == "s"
    metadata = (await site.client.get("/session/s")).json()
    assert [entry["frame_id"] for entry in metadata["sequence"]] == [answer.headers["x-frame-id"]]
    assert (await site.client.get("/session/s/frames/0")).content == answer.content
    assert (await site.generate(session_id="s")).status_code == 200


async def test_an_answer_waits_a_moment(site: Site) -> None:
    await start(site)
    site.recorder.records = "never"
    begun = time.monotonic()
    assert (await site.generate()).headers["x-recorded"] == "pending"
    assert time.monotonic() - begun >= 0.05
    assert (await site.client.get("/session/status")).json()["pending"] == 1


async def test_an_answer_does_not_wait_behind_an_older_frame(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.bus.delivery.ACKNOWLEDGEMENT_S", 30)
    await start(site)
    site.recorder.records = "never"
    first = asyncio.create_task(site.generate())
    await eventually_async(lambda: site.recorder.unrecorded)
    assert (await site.generate()).headers["x-recorded"] == "pending"
    assert not first.done()
    await site.recorder.record(*site.recorder.unrecorded.pop(0))
    assert (await first).headers["x-recorded"] == "disk"


async def test_an_announcement_that_was_missed_is_asked_for(site: Site) -> None:
    await start(site)
    site.recorder.records = "silently"
    assert (await site.generate()).headers["x-recorded"] == "pending"

    async def none_pending() -> bool:
        return (await site.health())["processes"]["recorder"]["pending"] == {}

    await eventually_async(none_pending)
    answer = await site.generate(durable=True)
    assert answer.headers["x-recorded"] == "disk"


async def test_durable_waits_until_the_deadline_and_says_what_will_be(sites: Sites) -> None:
    site = await sites.new(generation_timeout_s=0.5)
    await start(site)
    site.recorder.records = "never"
    answer = await site.generate(durable=True)
    assert (answer.status_code, answer.json()["error"]) == (504, "generation_timeout")
    assert f"{site.generator.epoch}-0" in answer.json()["detail"]
    assert "will be recorded" in answer.json()["detail"]


async def test_durable_is_answered_when_the_frame_gets_there(site: Site) -> None:
    await start(site)
    site.recorder.records = "never"
    waiting = asyncio.create_task(site.generate(durable=True))
    await eventually_async(lambda: site.recorder.unrecorded)
    await site.recorder.record(*site.recorder.unrecorded.pop())
    assert (await waiting).headers["x-recorded"] == "disk"


@pytest.mark.parametrize("believed", ["other", ""])
async def test_a_caller_who_is_wrong_about_the_session_is_told(site: Site, believed: str) -> None:
    answer = await site.generate(session_id=believed)
    assert (answer.status_code, answer.json()["error"]) == (409, "session_not_active")
    await start(site)
    answer = await site.generate(session_id=believed)
    assert (answer.status_code, answer.json()["error"]) == (409, "session_not_active")
    assert not site.generator.asked


async def test_until_it_is_learnt_which_session_is_active_nothing_is_generated(sites: Sites) -> None:
    site = await sites.new(recorder=False, ready=False)
    for answer in (await site.generate(), await site.client.get("/ready"), await site.client.get("/session/status")):
        assert (answer.status_code, answer.json()["error"]) == (503, "recorder_unavailable")
    recorder = site.new_recorder()
    recorder.active = SessionStamp(session_id="running", created_at=1.0)
    recorder.records = "never"
    await site.until_ready()
    answer = await site.generate()
    assert answer.headers["x-session"] == "running", "adopted from the recorder"
    status = (await site.client.get("/session/status")).json()
    assert (status["session_id"], status["pending"]) == ("running", 1)


async def test_a_recorder_that_comes_back_is_told_the_session(site: Site) -> None:
    await start(site)
    await site.recorder.die()

    async def noticed() -> bool:
        return (await site.health())["processes"]["recorder"]["state"] == "unreachable"

    await eventually_async(noticed)
    assert (await site.health())["status"] == "degraded"
    answer = await site.generate()
    assert answer.headers["x-recorded"] == "pending", "generating goes on"
    for path in ("/session/start", "/session/stop"):
        refused = await site.client.post(path)
        assert (refused.status_code, refused.json()["error"]) == (503, "recorder_unavailable")
    recorder = site.new_recorder()
    await eventually_async(lambda: recorder.resumed == ["s"])
    assert (await site.client.get("/session/status")).json()["session_id"] == "s"


async def test_a_new_recorder_with_a_session_of_its_own_is_believed(site: Site) -> None:
    await start(site)
    await site.recorder.die()
    recorder = site.new_recorder()
    recorder.active = SessionStamp(session_id="newer", created_at=1.0)

    async def adopted() -> bool:
        return (await site.client.get("/session/status")).json().get("session_id") == "newer"

    await eventually_async(adopted)
    assert recorder.resumed == []


async def test_a_session_that_another_client_begins_is_noticed_at_once(site: Site) -> None:
    from shared.bus.rpc import Client

    other = Client(site.buses.new(), "recorder")
    await other.call("start", {"session_id": "theirs"}, timeout_s=5)

    async def noticed() -> bool:
        return ((await site.health())["session"] or {}).get("session_id") == "theirs"

    await eventually_async(noticed, 0.9, "before the next poll")
    await other.close()


async def test_stop_and_start_again(site: Site) -> None:
    await start(site)
    await site.generate()
    stopped = (await site.client.post("/session/stop")).json()
    assert (stopped["session_id"], stopped["status"], stopped["pending"]) == ("s", "stopped", 0)
    assert (await site.generate()).headers["x-recorded"] == "no"
    again = await site.client.post("/session/start", params={"session_id": "s"})
    assert (again.status_code, again.json()["error"]) == (409, "session_exists")
    await start(site, resume="true")
    assert (await site.generate(durable=True)).headers["x-recorded"] == "disk"
    named = (await site.client.post("/session/start")).json()["session_id"]
    assert named.startswith("session_")
    assert (await site.client.get("/session/status")).json()["session_id"] == named


async def test_no_room_on_the_disk(site: Site) -> None:
    await start(site)
    site.recorder.free_bytes = 1500

    async def disk_state() -> str:
        await site.client.get("/session/status")  # asks the recorder anew
        state: str = (await site.health())["disk"]["state"]
        return state

    assert await disk_state() == "low"
    assert (await site.health())["status"] == "degraded"
    assert (await site.generate()).status_code == 200
    site.recorder.free_bytes = 500
    assert await disk_state() == "full"
    for answer in (
        await site.generate(),
        await site.client.post("/session/start"),
        await site.client.get("/ready"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (507, "insufficient_storage")
    assert (await site.client.post("/session/stop")).status_code == 200
    assert (await site.generate()).headers["x-recorded"] == "no", "without a session nothing needs the disk"


async def test_frames_of_a_dead_generator_are_named_when_lost(site: Site) -> None:
    await start(site)
    site.recorder.records = "never"
    lost = [(await site.generate()).headers["x-frame-id"] for _ in range(2)]
    site.recorder.gone = True

    async def named() -> bool:
        return (await site.health())["lost"] == {"s": lost}

    await eventually_async(named)
    assert (await site.health())["status"] == "degraded"
    assert (await site.health())["processes"]["recorder"]["pending"] == {}


async def test_who_waits_for_a_durable_frame_that_is_lost_is_told(site: Site) -> None:
    await start(site)
    site.recorder.records = "never"
    site.recorder.gone = True
    answer = await site.generate(durable=True)
    assert (answer.status_code, answer.json()["error"]) == (500, "generation_failed")
    assert "lost before it was on disk" in answer.json()["detail"]


async def test_frames_of_a_dead_generator_that_were_saved_are_not_lost(site: Site) -> None:
    await start(site)
    site.recorder.records = "never"
    await site.generate()
    await site.generator.die()
    site.new_generator()
    for made in list(site.recorder.unrecorded):
        await site.recorder.record(*made, announce=False)
    site.recorder.gone = True

    async def settled() -> bool:
        return (await site.health())["processes"]["recorder"]["pending"] == {}

    await eventually_async(settled)
    assert (await site.health())["lost"] == {}


async def test_a_session_is_removed_but_not_while_it_is_active(site: Site) -> None:
    await start(site)
    await site.generate()
    busy = await site.client.delete("/session/s")
    assert (busy.status_code, busy.json()["error"]) == (409, "session_busy")
    await site.client.get("/session/s/frames/0")
    await site.client.post("/session/stop")
    assert (await site.client.delete("/session/s")).json() == {"session_id": "s", "status": "deleted"}
    for path in ("/session/s", "/session/s/frames/0"):
        assert (await site.client.get(path)).json()["error"] == "session_not_found"
    assert (await site.client.get("/session/list")).json() == {"sessions": []}
