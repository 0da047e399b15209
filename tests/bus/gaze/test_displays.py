"""Displays over the bus: which of them counts, what becomes of the others, and one that goes."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from tests.bus.gaze.conftest import Rig
from tests.bus.gaze.test_trials import AT_ONCE


async def test_the_first_display_of_a_view_counts(rig: Rig) -> None:
    await rig.start()
    assert (await rig.show("first"))["counts"]
    assert not (await rig.show("second"))["counts"]
    assert (await rig.show("elsewhere", view="other"))["counts"]
    assert (await rig.ask("status"))["displays"] == ["first", "second", "elsewhere"]


async def test_when_it_goes_the_next_one_counts(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    await rig.show("first")
    await rig.show("second", left=0.25)
    assert (await rig.wait_for("trial", "view")).header["details"]["display"] == "first"
    await rig.ask("gone", display="first", reason="its page was closed")
    gone = await rig.wait_for("trial", "gone")
    assert gone.header["details"] == {"display": "first", "reason": "its page was closed"}
    second = await rig.wait_for("trial", "view", 2)
    assert (second.header["details"]["display"], second.header["details"]["left"]) == ("second", 0.25)
    assert (await rig.ask("trial.end"))["state"] == "complete"


async def test_a_display_says_where_the_picture_lies_whenever_that_changes(rig: Rig) -> None:
    await rig.start()
    await rig.show("d", left=None)
    await rig.begin()
    assert not rig.of("trial", "view")
    await rig.show("d")
    await rig.show("d")
    await rig.show("d", top=0.5)
    await rig.show("another", top=0.1)
    await rig.ask("trial.end")
    await rig.wait_for("trial", "end")
    assert [each.header["details"]["top"] for each in rig.of("trial", "view")] == [0.0, 0.5]


async def test_a_clock_that_was_measured_before_the_trial_is_known_in_it(rig: Rig) -> None:
    await rig.start()
    await rig.show("d")
    for n in range(10):
        pong = await rig.ask("ping", display="d", sent_ms=float(n))
        assert pong["received_ns"] <= pong["answered_ns"]
        measured = {name: pong[name] for name in ("sent_ms", "received_ns", "answered_ns")}
        assert (await rig.ask("clock", display="d", **measured, returned_ms=n + 1.0))["n"] is None
    await rig.begin()
    await rig.wait_for("clock", count=8)
    assert [each.header["sent_ms"] for each in rig.of("clock")] == [float(n) for n in range(2, 10)]


async def test_keys_count_from_any_display_of_the_view(rig: Rig) -> None:
    await rig.start()
    trial_id = await rig.begin()
    await rig.show("d")
    await rig.show("second")
    await rig.show("elsewhere", view="other")
    assert (await rig.ask("key", key="a", display="second"))["trial_id"] == trial_id
    assert (await rig.ask("key", key="a", display="elsewhere"))["n"] is None
    assert (await rig.ask("key", key="a", display="nobody"))["n"] is None
    assert (await rig.ask("trial.response", key="a"))["n"] is not None


async def test_degrees_are_worked_out_from_what_the_page_or_the_experimenter_says(rig: Rig) -> None:
    await rig.start()
    await rig.show("d", page_px=[960, 480])
    await rig.begin()
    config = (await rig.wait_for("trial", "begin")).header["details"]["config"]
    assert (config["screen"]["px"], config["screen"]["is_assumed"]) == ([960, 480], True)
    assert abs(config["screen"]["m"][0] - 0.254) < 1e-9
    screen = {"px": [1920, 1080], "m": [0.5, 0.3], "distance_m": 0.7, "is_assumed": False}
    await rig.ask("screen", **screen)
    await rig.begin(replace=True)
    assert (await rig.wait_for("trial", "begin", 2)).header["details"]["config"]["screen"] == screen


async def test_a_display_that_was_ready_before_it_counted_need_not_say_so_again(rig: Rig) -> None:
    await rig.with_generator()
    await rig.start()
    trial_id = await rig.begin(**AT_ONCE)
    await rig.show()
    await rig.show("second")
    await rig.look(until=lambda: rig.of("trial", "frame"))
    frame = rig.of("trial", "frame")[0].header["step_id"]
    assert (await rig.ask("ready", display="second", trial_id=trial_id, frame=frame))["n"] is None
    await rig.ask("gone", display="d")
    ready = await rig.wait_for("trial", "ready")
    assert ready.header["details"] == {"frame": frame, "display": "second"}


async def test_a_clock_that_cannot_be_is_refused(rig: Rig) -> None:
    await rig.start()
    await rig.show()
    await rig.begin()
    pong = await rig.ask("ping", display="d", sent_ms=1.0)
    right = {"sent_ms": 1.0, "received_ns": pong["received_ns"], "answered_ns": pong["answered_ns"], "returned_ms": 2.0}
    for wrong in (
        {"received_ns": 2**62, "answered_ns": 2**62},
        {"answered_ns": right["received_ns"] - 1},
        {"sent_ms": 1e15},
    ):
        with pytest.raises(InvalidRequest):
            await rig.ask("clock", display="d", **{**right, **wrong})
    assert (await rig.ask("clock", display="d", **right))["n"] is not None


async def test_whatever_times_a_display_tells_they_are_noted(rig: Rig) -> None:
    """The largest that there are, and clocks as far apart as can be."""
    await rig.with_generator()
    await rig.start()
    trial_id = await rig.begin(**AT_ONCE)
    await rig.show()
    pong = await rig.ask("ping", display="d", sent_ms=4e12)
    times = {"received_ns": pong["received_ns"], "answered_ns": pong["answered_ns"]}
    await rig.ask("clock", display="d", sent_ms=4e12 - 100, **times, returned_ms=4e12)
    await rig.look(until=lambda: rig.of("trial", "frame"))
    frame = rig.of("trial", "frame")[0].header["step_id"]
    await rig.ask("ready", display="d", trial_id=trial_id, frame=frame)
    await rig.look(until=lambda: rig.of("swap"))
    swap = rig.of("swap")[0].header["step_id"]
    report = {"drawn_ms": -4e12, "frame_ms": -4e12, "next_frame_ms": -4e12}
    await rig.ask("displayed", display="d", trial_id=trial_id, swap=swap, **report)
    displayed = (await rig.wait_for("displayed")).header
    assert displayed["flags"] == ["before_its_swap"]
    assert displayed["latency_ms"] is None
    assert displayed["is_late"] is None
    assert (await rig.ask("trial.end"))["state"] == "complete"
