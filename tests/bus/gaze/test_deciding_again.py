"""What was held of a trial decides the same again."""

from __future__ import annotations

from typing import Any

from shared.gaze.record import lines
from shared.gaze.record.lines import Origin
from shared.gaze.record.samples import decode
from shared.gaze.trial.inputs import Began
from shared.gaze.trial.trial import Trial
from tests.bus.gaze.conftest import AT_ONCE, Rig
from tests.bus.gaze.taking_display import TakingDisplay
from tests.support.waiting import eventually_async


def decided_again(told: list[lines.Line], records: bytes) -> list[dict[str, Any]]:
    """The lines of all outcomes, from the inputs alone."""
    inputs: dict[int, Any] = {line.n: line.what for line in told if "/" not in line.id}
    inputs |= {each.n: each.sample for each in decode(records)}
    began = inputs.pop(0)
    assert isinstance(began, Began)
    origin = Origin(began.config.trial_id, began.t_ns, began.unix_s)
    trial = Trial(began)
    found = []
    for n in sorted(inputs):
        taken = inputs[n]
        outcomes = trial.take(n, taken) if hasattr(taken, "step") else trial.take_sample(n, taken)
        found += [lines.of_outcome(origin, outcome) for outcome in outcomes]
    return found


async def show(rig: Rig, trial_id: str, number: int) -> bool:
    """Be the display for one change; False where the viewer looked there, and it was given up for another one."""
    frame = (await rig.wait_for("trial", "frame", number + 1)).header["step_id"]
    await rig.ask("ready", display="d", trial_id=trial_id, frame=frame)
    await eventually_async(lambda: len(rig.of("swap")) > number or len(rig.of("trial", "frame")) > number + 1)
    if len(rig.of("swap")) <= number:
        return False
    swap = rig.of("swap")[number].header
    report = {"drawn_ms": swap["deadline_ms"], "frame_ms": swap["deadline_ms"]}
    await rig.ask("displayed", display="d", trial_id=trial_id, swap=swap["step_id"], **report)
    return True


async def test_the_record_of_a_trial_decides_the_same_again(rig: Rig) -> None:
    await rig.with_session()
    await rig.with_generator()
    await rig.start(gaze="simulated:4@500")
    trial_id = await rig.begin(record=True, **AT_ONCE)
    await rig.show()
    for n in range(3):
        pong = await rig.ask("ping", display="d", sent_ms=float(n))
        times = {name: pong[name] for name in ("sent_ms", "received_ns", "answered_ns")}
        await rig.ask("clock", display="d", **times, returned_ms=n + 1.0)
    for number in range(3):
        if not await show(rig, trial_id, number):
            break
    await rig.ask("key", key="space", display="d")
    assert {"fixation", "decision", "request"} <= await assert_identical(rig, trial_id)


async def test_the_record_of_a_trial_whose_changes_are_made_ahead_decides_the_same_again(rig: Rig) -> None:
    await rig.with_session()
    await rig.with_generator()
    await rig.start(gaze="simulated:4@500")
    display = TakingDisplay(rig)
    policy = {"name": "random", "ahead": 3, "near": 0.0}
    trial_id = await rig.begin(record=True, policy=policy, trigger={"name": "at_once"}, catch_rate=0.2, sham_rate=0.2)
    await display.show()
    await rig.wait_for("displayed", count=6)
    assert {"prepare", "prepared", "ready", "commit", "frame", "swap"} <= await assert_identical(rig, trial_id)


async def assert_identical(rig: Rig, trial_id: str) -> set[str]:
    """End a trial, and decide it again from what is held of it: the same. The kinds of steps in it."""
    await rig.ask("trial.end")
    reply = await rig.call("fetch", trial_id=trial_id, from_n=0, limit_bytes=1 << 24)
    assert reply.body["ended"]
    size = reply.body["lines_bytes"]
    written = bytes(reply.payload)[:size].splitlines()
    told = [lines.parse(line) for line in written]
    again = [lines.encode(line).rstrip(b"\n") for line in decided_again(told, bytes(reply.payload)[size:])]
    assert again == [line for line, parsed in zip(written, told, strict=True) if "/" in parsed.id]
    return {line.what.step for line in told if hasattr(line.what, "step")}
