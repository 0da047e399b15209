"""Trials over the bus: begin, inputs with their numbers, a change from the gaze to the display, end."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from shared.bus.envelope import Published
from shared.bus.rpc import Client
from shared.errors import InvalidRequest, NotFound, SessionNotActive, TrialActive, TrialNotActive, UnreadableImage
from shared.gaze.record.samples import RECORD_BYTES, decode
from shared.gaze.trial.looking import Looking
from tests.bus.gaze.conftest import AT_ONCE, PICTURE, PROMPTS, Rig
from tests.support.waiting import eventually_async


def numbers(heard: list[Published]) -> list[int]:
    """The numbers of all inputs that were published, in the order in which they came."""
    found: list[int] = []
    for message in heard:
        if message.type == "gaze":
            found += [each.n for each in decode(message.payload)]
        elif "/" not in message.header.get("step_id", "/"):
            found.append(message.header["n"])
    return found


async def test_without_a_trial_nothing_is_published(rig: Rig) -> None:
    await rig.start()
    assert (await rig.ask("status"))["state"] == "waiting"
    assert (await rig.ask("points", source="page", points=[{"x": 0.5, "y": 0.5}]))["count"] == 1
    assert (await rig.ask("trial.response", key="space")) | {"id": 0, "time": 0, "monotonic_ns": 0} == {
        "v": 1,
        "type": "trial.response.ok",
        "id": 0,
        "time": 0,
        "monotonic_ns": 0,
        "trial_id": None,
        "n": None,
    }
    with pytest.raises(TrialNotActive):
        await rig.ask("trial.end")
    assert not rig.of("gaze")
    assert (await rig.ask("trial"))["state"] == "none"


async def test_a_trial_begins_and_ends(rig: Rig) -> None:
    await rig.start()
    began = (await rig.call("trial.begin", PICTURE, prompts=PROMPTS, record=False, fields={"block": 2})).body
    assert began["state"] == "running"
    assert (began["view"], began["phase"], began["display"]) == ("default", "resting", None)
    assert 0 <= began["config"]["seed"] < 2**53
    assert began["config"]["fields"] == {"block": 2}
    assert began["config"]["screen"]["is_assumed"]
    with pytest.raises(TrialActive):
        await rig.begin()
    assert (await rig.ask("trial"))["trial_id"] == began["trial_id"]
    reply = await rig.call("picture", sha256=began["picture_sha256"])
    assert (reply.payloads, reply.body["format"]) == ((PICTURE,), "png")
    with pytest.raises(NotFound):
        await rig.ask("picture", sha256="0" * 64)
    with pytest.raises(TrialNotActive, match="trial another is not under way"):
        await rig.ask("trial.end", trial_id="another")
    ended = await rig.ask("trial.end", trial_id=began["trial_id"])
    assert (ended["state"], ended["counts"]["end"]) == ("complete", 1)
    last = await rig.wait_for("trial", "end")
    assert last.header["details"]["outcome"] == "complete"
    assert (await rig.wait_for("trial", "begin")).header["details"]["config"] == began["config"]


async def test_a_trial_takes_the_place_of_another_where_that_is_wanted(rig: Rig) -> None:
    await rig.start()
    first = await rig.begin()
    second = await rig.begin(replace=True)
    ended = await rig.wait_for("trial", "end")
    assert (ended.header["trial_id"], ended.header["details"]["outcome"]) == (first, "interrupted")
    assert (await rig.ask("status"))["trial_id"] == second


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ({"policy": {"name": "whatever"}}, InvalidRequest, "there is no policy 'whatever'"),
        ({"trigger": {"name": "sneeze"}}, InvalidRequest, "there is no trigger 'sneeze'"),
        ({"policy": {"name": "listed"}}, InvalidRequest, "needs targets"),
        ({"policy": {"name": "listed", "targets": ["MC"]}, "grid_size": 2}, InvalidRequest, "no sector MC"),
        ({"catch_rate": 0.7, "sham_rate": 0.7}, InvalidRequest, "together at most 1"),
        ({"prompts": {"default": ["x" * 16_000] * 300}}, InvalidRequest, "name fewer prompts"),
        ({"record": True}, SessionNotActive, "no session is active"),
    ],
)
async def test_a_trial_that_cannot_be_is_refused_with_the_reason(
    rig: Rig, body: dict[str, Any], error: type[Exception], said: str
) -> None:
    await rig.with_session()
    assert rig.recorder is not None
    rig.recorder.active = None
    await rig.start()
    with pytest.raises(error, match=said):
        await rig.begin(**body)
    assert (await rig.ask("status"))["trial_id"] is None


async def test_a_trial_that_gives_way_is_ended_by_any_other(rig: Rig) -> None:
    await rig.start()
    await rig.begin(gives_way=True)
    second = await rig.begin()
    ended = await rig.wait_for("trial", "end")
    assert ended.header["details"] == {"outcome": "interrupted", "reason": "another trial was begun"}
    with pytest.raises(TrialActive, match=second):
        await rig.begin()


async def test_a_page_that_is_busy_for_a_moment_is_no_loss(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    assert (await rig.ask("trial"))["config"]["detectors"]["silence_ms"] == 1000.0


async def test_a_picture_that_is_none_is_refused(rig: Rig) -> None:
    await rig.start()
    with pytest.raises(UnreadableImage):
        await rig.call("trial.begin", b"no picture", prompts=PROMPTS, record=False)


async def test_prompts_are_the_servers_where_none_are_given(rig: Rig) -> None:
    file = rig.folder / "prompts.json"
    file.write_text('{"default": ["a ladybug"], "sectors": {"TL": "a kite"}}')
    await rig.start(sector_prompts=file)
    await rig.begin(prompts={})
    began = await rig.wait_for("trial", "begin")
    prompts = began.header["details"]["config"]["prompts"]
    assert prompts == {"default": ["a ladybug"], "sectors": {"TL": ["a kite"]}}
    file.write_text("[]")
    with pytest.raises(InvalidRequest, match="cannot be used"):
        await rig.begin(prompts={}, replace=True)


async def test_every_input_has_its_number_and_is_published_in_order(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    await rig.show()
    await rig.look(until=lambda: len(rig.of("gaze")) >= 20)
    pressed = await rig.ask("key", key="space", display="d", at_ms=5.0)
    await rig.look(until=lambda: len(rig.of("gaze")) >= 30)
    ended = await rig.ask("trial.end")
    await rig.wait_for("trial", "end")
    found = numbers(rig.heard)
    assert found == list(range(len(found)))
    assert len(found) == sum(count for step, count in ended["counts"].items() if step in INPUT_STEPS)
    samples = [each for message in rig.of("gaze") for each in decode(message.payload)]
    assert ended["counts"]["sample"] == len(samples)
    assert all(earlier.sample.t_ns < later.sample.t_ns for earlier, later in pairwise(samples))
    assert {message.header["count"] * RECORD_BYTES - len(message.payload) for message in rig.of("gaze")} == {0}
    response = rig.of("trial", "response")[0].header
    assert (response["n"], response["details"]["key"]) == (pressed["n"], "space")


INPUT_STEPS = frozenset({"begin", "tick", "view", "response", "source", "end", "sample"})


async def test_a_change_from_the_gaze_to_the_display(rig: Rig) -> None:
    generator = await rig.with_generator()
    await rig.start()
    trial_id = await rig.begin(**AT_ONCE)
    await rig.show()
    for _ in range(3):
        pong = await rig.ask("ping", display="d", sent_ms=100.0)
        times = {name: pong[name] for name in ("sent_ms", "received_ns", "answered_ns")}
        await rig.ask("clock", display="d", **times, returned_ms=101.0)
    await rig.look(until=lambda: rig.of("trial", "frame"))
    wanted, image = generator.asked[0]
    assert (wanted.client_id, wanted.prompt, image) == (f"trial:{trial_id}", "a kite", PICTURE)
    frame = rig.of("trial", "frame")[0].header
    with pytest.raises(InvalidRequest, match="nothing of the id 99999"):
        await rig.ask("ready", display="d", trial_id=trial_id, frame="99999")
    assert (await rig.ask("ready", display="other", trial_id=trial_id, frame=frame["step_id"]))["n"] is None
    assert (await rig.ask("ready", display="d", trial_id=trial_id, frame=frame["step_id"]))["n"] is not None
    await rig.look(until=lambda: rig.of("swap"))
    swap = rig.of("swap")[0].header
    assert swap["sha256"] == frame["details"]["sha256"]
    assert swap["deadline_ms"] is not None
    with pytest.raises(InvalidRequest, match="no swap 7/7"):
        await rig.ask("displayed", display="d", trial_id=trial_id, swap="7/7")
    shown = swap["deadline_ms"] - 900
    report = {"drawn_ms": shown, "frame_ms": shown, "next_frame_ms": shown + 16}
    await rig.ask("displayed", display="d", trial_id=trial_id, swap=swap["step_id"], **report)
    displayed = (await rig.wait_for("displayed")).header
    assert displayed["caused_by"] == swap["step_id"]
    assert displayed["sha256"] == swap["sha256"]
    picture = await rig.call("picture", sha256=swap["sha256"])
    state = await rig.ask("trial.end")
    assert state["picture_sha256"] == swap["sha256"]
    assert picture.payloads[0] != PICTURE
    assert len(rig.of("clock")) == 3


async def test_a_generator_that_is_not_there_is_told_and_asked_again_later(rig: Rig) -> None:
    await rig.start()
    await rig.begin(**AT_ONCE)
    await rig.show()
    await rig.look(until=lambda: rig.of("trial", "failed"))
    failed = rig.of("trial", "failed")[0].header
    assert failed["details"]["code"] == "generator_unavailable"
    assert failed["caused_by"] == rig.of("trial", "request")[0].header["step_id"]
    abandoned = await rig.wait_for("trial", "abandoned")
    assert abandoned.header["caused_by"] == failed["step_id"]


async def test_what_nobody_waits_for_any_more_is_dropped_at_the_generator(rig: Rig) -> None:
    generator = await rig.with_generator()
    generator.release.clear()
    await rig.start()
    await rig.begin(**AT_ONCE)
    await rig.show()
    await rig.look(until=lambda: generator.asked)
    await rig.ask("trial.end")
    await eventually_async(lambda: generator.cancelled == [generator.asked[0][0].request_id])


async def test_a_trial_whose_session_is_stopped_is_interrupted(rig: Rig) -> None:
    await rig.with_session()
    await rig.start()
    await rig.begin(record=True)
    assert (await rig.ask("status"))["held"][0]["session"]["session_id"] == "s"
    client = Client(rig.buses.new(), "recorder")
    await client.call("start", {"session_id": "another"}, timeout_s=10)
    ended = await rig.wait_for("trial", "end")
    assert ended.header["details"] == {"outcome": "interrupted", "reason": "its session was stopped"}
    await client.close()


async def test_a_blackout_comes_by_the_clock_alone(rig: Rig) -> None:
    await rig.start()
    await rig.begin(trigger={"name": "blackout", "interval_s": 1.5})
    await rig.show()
    async with asyncio.timeout(20):
        dark = await rig.wait_for("trial", "dark")
    assert dark.header["caused_by"] is not None


async def test_a_fault_in_the_decision_ends_the_trial_and_nothing_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.start(gaze="simulated:1")
    await rig.begin()
    await rig.wait_for("eye")

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(Looking, "take", fail)
        ended = await rig.wait_for("trial", "end")
    assert ended.header["details"]["outcome"] == "interrupted"
    assert "fault in the decision" in ended.header["details"]["reason"]
    assert (await rig.ask("trial"))["state"] == "interrupted"
    second = await rig.begin()
    assert (await rig.ask("trial.end"))["trial_id"] == second
