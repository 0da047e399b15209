"""What is held of recorded trials: fetched, acknowledged, bounded, and left for the next start."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from shared.bus.requests.gaze import AcknowledgeTrial
from shared.errors import Forbidden, GazeBacklogFull, NotFound, RecorderUnavailable
from shared.gaze.record import lines
from shared.gaze.record.samples import RECORD_BYTES, decode
from shared.session.writing.gaze_part import sort_part
from shared.session.writing.gaze_spill import read_gaze_spill
from tests.bus.gaze.conftest import SESSION, Rig
from tests.support.waiting import eventually_async


async def fetch(
    rig: Rig, trial_id: str, from_n: int = 0, limit_bytes: int = 1 << 20
) -> tuple[dict[str, Any], list[int]]:
    """A part, and the numbers of all inputs in it, in order."""
    reply = await rig.call("fetch", trial_id=trial_id, from_n=from_n, limit_bytes=limit_bytes)
    told, size = reply.payload, reply.body["lines_bytes"]
    found = [lines.parse(line) for line in told[:size].splitlines()]
    assert all(line.trial_id == trial_id for line in found)
    assert (len(told) - size) % RECORD_BYTES == 0
    inputs = [line.n for line in found if "/" not in line.id]
    return reply.body, sorted([*inputs, *(each.n for each in decode(told[size:]))])


async def acknowledge(rig: Rig, trial_id: str, next_n: int) -> None:
    proving = await rig.proving()
    asked: AcknowledgeTrial = proving.acknowledge_trial(trial_id, next_n)
    await rig.ask("ack", **asked.flat())


async def test_a_trial_is_held_until_it_is_acknowledged(rig: Rig) -> None:
    await rig.with_session()
    await rig.start()
    trial_id = await rig.begin(record=True)
    await rig.show()
    await rig.look(until=lambda: len(rig.of("gaze")) > 5)
    part, found = await fetch(rig, trial_id)
    assert found == list(range(part["next_n"]))
    assert not part["ended"]
    assert part["about"]["source"] == "page"
    await rig.look(until=lambda: len(rig.of("gaze")) > 10)
    await rig.ask("trial.end")
    rest, later = await fetch(rig, trial_id, part["next_n"])
    assert later == list(range(part["next_n"], rest["next_n"]))
    assert rest["ended"]
    some, between = await fetch(rig, trial_id, 3)
    assert between[0] == 3
    assert some["next_n"] == rest["next_n"]
    await acknowledge(rig, trial_id, part["next_n"])
    (held,) = (await rig.ask("status"))["held"]
    assert (held["acknowledged"], held["next_n"], held["ended"]) == (part["next_n"], rest["next_n"], True)
    with pytest.raises(NotFound, match="are on disk"):
        await fetch(rig, trial_id)
    await acknowledge(rig, trial_id, rest["next_n"])
    status = await rig.ask("status")
    assert (status["held"], status["held_bytes"]) == ([], 0)
    with pytest.raises(NotFound):
        await fetch(rig, trial_id)
    await acknowledge(rig, trial_id, rest["next_n"])


async def test_nobody_else_may_acknowledge(rig: Rig) -> None:
    await rig.with_session()
    await rig.start()
    trial_id = await rig.begin(record=True)
    with pytest.raises(Forbidden):
        await rig.ask("ack", trial_id=trial_id, next_n=1, proof="nonsense")
    assert (await rig.ask("status"))["held"][0]["acknowledged"] == 0
    await rig.ask("trial.end")
    await acknowledge(rig, trial_id, (await fetch(rig, trial_id))[0]["next_n"])


async def test_at_the_limit_a_recorded_trial_is_ended_and_none_begins(rig: Rig) -> None:
    await rig.with_session()
    await rig.start(gaze="simulated:1@1000", gaze_backlog_bytes=30_000)
    trial_id = await rig.begin(record=True)
    ended = await rig.wait_for("trial", "end")
    assert ended.header["details"]["outcome"] == "interrupted"
    assert "reached the limit" in ended.header["details"]["reason"]
    with pytest.raises(GazeBacklogFull):
        await rig.begin(record=True)
    await rig.begin(record=False)
    part, found = await fetch(rig, trial_id)
    assert (found, part["ended"]) == (list(range(part["next_n"])), True)
    await acknowledge(rig, trial_id, part["next_n"])
    await rig.begin(record=False, replace=True)


async def test_a_trial_that_is_not_recorded_is_not_held(rig: Rig) -> None:
    await rig.with_session()
    await rig.start()
    trial_id = await rig.begin(record=False)
    assert (await rig.ask("status"))["held"] == []
    with pytest.raises(NotFound, match="nothing is held"):
        await fetch(rig, trial_id)


async def test_without_a_recorder_a_trial_that_is_to_be_recorded_is_refused(rig: Rig) -> None:
    await rig.start()
    with pytest.raises(RecorderUnavailable):
        await rig.begin(record=True)


async def test_a_stop_interrupts_the_trial_and_waits_for_the_recorder(rig: Rig) -> None:
    await rig.with_session()
    await rig.start()
    trial_id = await rig.begin(record=True)
    rig.runtime.stopping.set()
    ended = await rig.wait_for("trial", "end")
    assert ended.header["details"]["reason"] == "the gaze process stopped"
    await eventually_async(lambda: rig.gaze.trials.running is None)
    await acknowledge(rig, trial_id, (await fetch(rig, trial_id))[0]["next_n"])
    await rig.stop()
    assert not (rig.root / ".spill").exists()


async def test_what_nobody_has_fetched_at_the_end_is_spilled(rig: Rig) -> None:
    await rig.with_session()
    await rig.start(gaze="simulated:1@1000")
    trial_id = await rig.begin(record=True)
    await eventually_async(lambda: len(rig.of("gaze")) > 10)
    await acknowledge(rig, trial_id, 20)
    await rig.stop()
    parts = [spilled.load() for spilled in read_gaze_spill(rig.root)]
    assert (parts[0].from_n, parts[0].trial_id, parts[0].session) == (20, trial_id, SESSION)
    assert parts[-1].ended
    for part in parts:
        sort_part(part)
    assert all(earlier.next_n == later.from_n for earlier, later in pairwise(parts))
