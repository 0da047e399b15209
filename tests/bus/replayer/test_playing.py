"""Timed playback over real sockets, seen by an independent subscriber. No test waits for a time, or asserts one."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from shared.bus.envelope import Published
from shared.errors import InvalidRequest, NotReplaying
from shared.session.writing.writer import SessionWriter
from tests.bus.replayer.conftest import Rig
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.waiting import eventually_async

FAST = 100.0
TIMES = (0.0, 0.5, 0.75, 3.0, 3.0, 4.25)


def record(rig: Rig, times: tuple[float, ...] = TIMES) -> SessionWriter:
    writer = rig.record(frames=0)
    add(writer, times)
    return writer


def add(writer: SessionWriter, times: tuple[float, ...]) -> None:
    first = writer.recorded
    writer.append(
        [pending_frame(first + n, session_id="s", timestamp=CREATED_AT + time) for n, time in enumerate(times)]
    )


async def subscribed(rig: Rig) -> None:
    """The subscriber has joined: it was told of a cursor."""
    await rig.ask("start", session_id="s")
    await rig.published("replay.status")


async def frames(rig: Rig, count: int) -> list[Published]:
    return [await rig.published("replay.frame") for _ in range(count)]


def indexes(shown: list[Published]) -> list[int]:
    return [message.header["index"] for message in shown]


async def state(rig: Rig) -> str:
    told: str = (await rig.ask("status")).body["state"]
    return told


async def until(rig: Rig, wanted: str) -> None:
    async def reached() -> bool:
        return await state(rig) == wanted

    await eventually_async(reached, 20, wanted)


def planned(shown: list[Published]) -> list[float]:
    return [message.header["planned_time"] for message in shown]


@pytest.mark.parametrize("speed", [FAST, FAST / 2])
async def test_frames_come_planned_at_the_recorded_intervals(rig: Rig, speed: float) -> None:
    record(rig)
    await subscribed(rig)
    answer = (await rig.ask("play", speed=speed)).body
    assert (answer["state"], answer["speed"], answer["loop"]) == ("playing", speed, False)
    shown = await frames(rig, len(TIMES))
    assert indexes(shown) == list(range(len(TIMES)))
    for (earlier, later), (before, after) in zip(pairwise(planned(shown)), pairwise(TIMES), strict=True):
        assert later - earlier == pytest.approx((after - before) / speed, abs=1e-5)
    for message in shown:
        assert message.header["actual_time"] >= message.header["planned_time"] - 1e-5
        assert message.header["entry"]["filename"].startswith(f"{message.header['index']:04d}")
        assert message.payload.startswith(b"\x89PNG")
    await until(rig, "complete")
    assert (await rig.ask("next")).body["complete"]


async def test_one_that_joins_late_sees_the_rest(rig: Rig) -> None:
    record(rig)
    await rig.ask("start", session_id="s")
    await rig.ask("play", speed=1)
    await subscribed_to_running(rig)
    await rig.ask("play", speed=FAST)
    last = await frames(rig, 1)
    while last[-1].header["index"] != 5:
        last += await frames(rig, 1)
    assert indexes(last) == list(range(last[0].header["index"], 6))


async def subscribed_to_running(rig: Rig) -> None:
    await rig.published("replay.status")


async def test_a_paused_cursor_shows_nothing_and_goes_on_where_it_was(rig: Rig) -> None:
    record(rig, (0.0, 0.1, 1000.0, 1000.1))
    await subscribed(rig)
    await rig.ask("play", speed=1)
    assert indexes(await frames(rig, 2)) == [0, 1]
    assert (await rig.ask("pause")).body["state"] == "paused"
    assert (await rig.ask("status")).body["position"] == 2
    await rig.ask("seek", index=2)
    assert await state(rig) == "paused"
    answer = (await rig.ask("play")).body
    assert (answer["state"], answer["speed"]) == ("playing", 1.0)
    assert indexes(await frames(rig, 2)) == [2, 3]


async def test_a_playing_cursor_can_be_sent_elsewhere(rig: Rig) -> None:
    record(rig, (0.0, 1000.0, 2000.0, 2000.1, 9000.0))
    await subscribed(rig)
    await rig.ask("play", speed=1)
    assert indexes(await frames(rig, 1)) == [0]
    await rig.ask("seek", index=2)
    assert await state(rig) == "playing"
    assert indexes(await frames(rig, 2)) == [2, 3]
    await rig.ask("seek", index=5)
    await until(rig, "complete")


async def test_steps_go_both_ways_and_pause(rig: Rig) -> None:
    record(rig, (0.0, 1000.0, 2000.0, 3000.0))
    await subscribed(rig)
    await rig.ask("play", speed=1)
    assert indexes(await frames(rig, 1)) == [0]
    assert [await rig.shown(), await rig.shown(), await rig.shown("previous")] == [1, 2, 1]
    assert await state(rig) == "paused"
    stepped = await frames(rig, 3)
    assert indexes(stepped) == [1, 2, 1]
    assert planned(stepped) == [None] * 3  # asked for, not planned
    await rig.ask("seek", index=3)
    await rig.ask("play")
    assert indexes(await frames(rig, 1)) == [3]


async def test_a_loop_goes_round_until_it_is_told_otherwise(rig: Rig) -> None:
    record(rig, (0.0, 1.0, 3.0))
    await subscribed(rig)
    await rig.ask("play", speed=FAST, loop=True)
    shown = await frames(rig, 7)
    assert indexes(shown) == [0, 1, 2, 0, 1, 2, 0]
    first = planned(shown)[0]
    rounds = [0.0, 1.0, 3.0, 5.0, 6.0, 8.0, 10.0]
    assert planned(shown) == pytest.approx([first + offset / FAST for offset in rounds], abs=1e-5)
    assert (await rig.ask("play", loop=False)).body["loop"] is False
    await until(rig, "complete")


async def test_played_to_the_end_it_begins_again(rig: Rig) -> None:
    record(rig, (0.0, 1.0))
    await subscribed(rig)
    await rig.ask("play", speed=FAST)
    await until(rig, "complete")
    assert (await rig.ask("play")).body["position"] == 0
    assert indexes(await frames(rig, 4)) == [0, 1, 0, 1]


async def test_a_session_that_grows_is_played_to_its_new_end(rig: Rig) -> None:
    writer = record(rig, (0.0, 1.0))
    await subscribed(rig)
    await rig.ask("play", speed=FAST)
    await until(rig, "complete")
    add(writer, (1.5, 2.0))
    assert await state(rig) != "complete"
    await rig.ask("play")
    assert indexes(await frames(rig, 4)) == [0, 1, 2, 3]


async def test_a_frame_that_is_gone_is_passed_over(rig: Rig) -> None:
    record(rig)
    (rig.root / "s" / "0002_BR.png").unlink()
    (rig.root / "s" / "0003_BR.png").write_bytes(b"other bytes")
    await subscribed(rig)
    await rig.ask("play", speed=FAST)
    assert indexes(await frames(rig, 4)) == [0, 1, 4, 5]
    await until(rig, "complete")


async def test_a_session_that_goes_away_ends_its_playback_and_nothing_else(rig: Rig) -> None:
    import shutil

    record(rig, (0.0, 1.0, 2.0))
    rig.record("other")
    await subscribed(rig)
    shutil.rmtree(rig.root / "s")
    with pytest.raises(Exception, match="no session"):
        await rig.ask("play", speed=FAST)
    await rig.ask("start", session_id="other", cursor="b")
    assert (await rig.ask("play", cursor="b", speed=FAST)).body["state"] == "playing"
    shown = await rig.published("replay.frame")
    assert shown.header["session_id"] == "other"


async def test_a_cursor_that_is_stopped_or_started_anew_plays_no_more(rig: Rig) -> None:
    record(rig, (0.0, 1000.0))
    await subscribed(rig)
    await rig.ask("play", speed=1)
    await frames(rig, 1)
    assert (await rig.ask("stop")).body["state"] == "idle"
    with pytest.raises(NotReplaying):
        await rig.ask("play")
    with pytest.raises(NotReplaying):
        await rig.ask("pause")
    assert (await rig.ask("start", session_id="s")).body["state"] == "replaying"
    assert (await rig.ask("pause")).body["state"] == "replaying"

    def playing() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("playing")]

    await eventually_async(lambda: not playing(), 10, "no task plays")


async def test_cursors_play_side_by_side(rig: Rig) -> None:
    record(rig)
    await subscribed(rig)
    for name in ("left", "right"):
        await rig.ask("start", session_id="s", cursor=name)
        await rig.ask("play", cursor=name, speed=FAST)
    shown: dict[str, list[int]] = {"left": [], "right": []}
    for message in await frames(rig, 2 * len(TIMES)):
        shown[message.header["cursor"]].append(message.header["index"])
    assert shown == {"left": list(range(6)), "right": list(range(6))}


@pytest.mark.parametrize("body", [{"speed": 0}, {"speed": -1}, {"speed": 101}, {"speed": "fast"}, {"loop": "maybe"}])
async def test_what_makes_no_sense_is_refused(rig: Rig, body: dict[str, Any]) -> None:
    record(rig)
    await rig.ask("start", session_id="s")
    with pytest.raises(InvalidRequest):
        await rig.ask("play", **body)
    assert await state(rig) == "replaying"
