"""What the replayer asks of others, answered oddly: an error of the one re-run, and of nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.bus.envelope import Reply, Request
from shared.bus.server import Server
from shared.errors import InternalError
from tests.bus.replayer.conftest import Rig
from tests.support.frames import CREATED_AT
from tests.support.waiting import eventually_async

READY = {
    "epoch": "e",
    "state": "ready",
    "last_seq": -1,
    "queue": 0,
    "backlog_bytes": 0,
    "backlog_limit_bytes": 1,
    "model": {"id": "m", "revision": "1", "kind": "k", "pipeline": "p", "scheduler": "s"},
}
ODD: list[dict[str, Any]] = [{}, {"state": "ready", "model": 5}, {**READY, "model": {"id": "m"}}, {"state": ["ready"]}]


@pytest.mark.parametrize("answer", ODD)
async def test_an_odd_status_is_an_error_of_the_request(rig: Rig, answer: dict[str, Any]) -> None:
    rig.record()

    async def odd(_: Request) -> Reply:
        return Reply(answer)

    serving = asyncio.create_task(Server(rig.buses.new(), "generator", {"status": odd}).serve())
    with pytest.raises(InternalError, match="cannot be understood"):
        await rig.ask("rerun", session_id="s", into="again")
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    serving.cancel()


@pytest.mark.parametrize("strange", ["generate", "recorder", "status"])
async def test_odd_answers_while_it_runs_end_that_rerun_only(rig: Rig, strange: str) -> None:
    rig.record()
    rig.record("again", frames=0)
    asked = 0

    async def status(_: Request) -> Reply:
        nonlocal asked
        asked += 1
        return Reply({"sessions": 5} if strange == "status" and asked > 1 else READY)

    async def generate(_: Request) -> Reply:
        return Reply({"frame_id": 1})

    async def start(request: Request) -> Reply:
        return Reply({"session_id": request.body["session_id"], "created_at": CREATED_AT})

    async def recorder_status(_: Request) -> Reply:
        return Reply({"epoch": "r", "active": None, "free_bytes": 1} if strange != "recorder" else {"sessions": [{}]})

    async def stop(_: Request) -> Reply:
        return Reply({})

    bus = rig.buses.new()
    generator = Server(bus, "generator", {"status": status, "generate": generate, "cancel": stop})
    recorder = Server(rig.buses.new(), "recorder", {"start": start, "status": recorder_status, "stop": stop})
    serving = [asyncio.create_task(server.serve()) for server in (generator, recorder)]
    await rig.ask("rerun", session_id="s", into="again")

    async def over() -> bool:
        state = (await rig.ask("rerun.status", session_id="again")).body
        return (state["state"] == "failed" and state["reason"]) or len(state["skipped"]) == 3

    await eventually_async(over)
    assert not rig.task.done()
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    for task in serving:
        task.cancel()
