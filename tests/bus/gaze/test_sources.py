"""Where the gaze comes from, over the bus: chosen, changed while a trial runs, silent and back; points of any kind."""

from __future__ import annotations

from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from services.gaze.service import Gaze
from shared.errors import InvalidRequest
from shared.gaze.record.samples import NumberedSample, decode
from shared.process.runner import Refused, Runtime
from shared.process.settings import Settings
from shared.system.disk import Disk
from tests.bus.gaze.conftest import Rig
from tests.support.waiting import eventually_async


def samples(rig: Rig) -> list[NumberedSample]:
    return [each for message in rig.of("gaze") for each in decode(message.payload)]


def told(rig: Rig) -> list[tuple[str, str]]:
    """What a trial was told of its source."""
    return [(each.header["details"]["source"], each.header["details"]["state"]) for each in rig.of("trial", "source")]


def trace(folder: Path, rows: int = 50) -> Path:
    file = folder / "trace.csv"
    file.write_text("t,x,y\n" + "".join(f"{n * 0.004:.3f},0.25,0.5\n" for n in range(rows)))
    return file


async def test_a_simulated_viewer_looks_at_its_rate(rig: Rig) -> None:
    await rig.start(gaze="simulated:3@500")

    async def is_measured() -> bool:
        status = await rig.ask("status")
        return status["rate_hz"] is not None and abs(status["rate_hz"] - 500) < 25

    await eventually_async(is_measured)
    status = await rig.ask("status")
    assert (status["source"], status["state"], status["refused"]) == ("simulated:3@500", "running", 0)


async def test_a_simulated_viewer_looks_at_the_picture(rig: Rig) -> None:
    await rig.start(gaze="simulated")
    await rig.show(left=0.5, top=0.5, width=0.01, height=0.01, is_full_screen=False)
    await rig.begin()
    await eventually_async(lambda: len(samples(rig)) > 200)
    seen = [each.sample for each in samples(rig) if each.sample.is_valid]
    assert all(0.49 < sample.x < 0.52 and 0.49 < sample.y < 0.52 for sample in seen)
    assert rig.of("trial", "view")[0].header["details"]["is_assumed"]
    spacings = [later.sample.t_ns - earlier.sample.t_ns for earlier, later in pairwise(samples(rig))]
    assert all(abs(spacing - 4_000_000) < 200_000 for spacing in spacings[50:])


async def test_a_trace_is_given_once(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    await rig.ask("source", source=f"file:{trace(rig.folder)}")
    await rig.wait_state("ended")
    await eventually_async(lambda: len(samples(rig)) == 50)
    assert [each.device_s for each in samples(rig)][:3] == [0.0, 0.004, 0.008]
    await eventually_async(lambda: [state for _, state in told(rig)][-3:] == ["silent", "running", "gone"])
    assert told(rig)[-1][0].startswith("file:")


async def test_a_trace_may_be_given_fast(rig: Rig) -> None:
    await rig.start(gaze=f"file:{trace(rig.folder, 5000)}?speed=100")
    status = await rig.wait_state("ended")
    assert (status["samples"], status["refused"]) == (5000, 0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mouse", "there is no source 'mouse'; there are page, websocket, simulated:SEED"),
        ("simulated:x", "write simulated:SEED"),
        ("simulated:1@9000", "1 to 2000 samples a second"),
        ("file:nothing.csv", "cannot be read"),
        ("file:/etc/passwd", "is no trace"),
        ("file:", "is no trace"),
        ("file:a.csv?speed=0", "with a speed up to 1000"),
    ],
)
async def test_a_source_that_is_none_is_refused_and_the_one_before_stays(rig: Rig, name: str, said: str) -> None:
    await rig.start(gaze="websocket")
    with pytest.raises(InvalidRequest, match=said.replace("?", "[?]")):
        await rig.ask("source", source=name)
    assert (await rig.ask("status"))["source"] == "websocket"


async def test_a_file_that_is_no_trace_is_told_with_its_reason(rig: Rig) -> None:
    file = rig.folder / "notes.csv"
    file.write_text("name,value\n")
    await rig.start(gaze=f"file:{file}")
    status = await rig.ask("status")
    assert status["state"] == "failed"
    assert "names no column t" in status["detail"]


async def test_a_setting_that_names_no_source_stops_the_process(rig: Rig) -> None:
    settings = Settings.model_validate({"bus": str(rig.buses.address), "gaze": "mouse"})
    runtime = Runtime(settings, rig.buses.new())
    with pytest.raises(Refused, match="PARAFOVEA_GAZE: there is no source 'mouse'"):
        await Gaze(runtime, Disk()).run()
    await runtime.finish()


async def test_a_source_is_changed_while_a_trial_runs(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    await rig.show()
    await rig.look(until=lambda: rig.of("gaze"))
    await rig.ask("source", source="simulated:5")
    await eventually_async(lambda: len(samples(rig)) > 50)
    await eventually_async(
        lambda: (
            told(rig)
            == [("page", "silent"), ("page", "running"), ("simulated:5", "silent"), ("simulated:5", "running")]
        )
    )
    assert {message.header["source"] for message in rig.of("gaze")} == {"page", "simulated:5"}
    assert (await rig.ask("points", source="page", points=[{"x": 0.5, "y": 0.5}]))["count"] == 0


async def test_a_source_falls_silent_and_comes_back(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    await rig.look(until=lambda: rig.of("gaze"))
    assert (await rig.wait_state("silent"))["detail"] == "nothing has come for a second"
    await rig.look(until=lambda: told(rig)[-2:] == [("page", "silent"), ("page", "running")])
    assert rig.of("eye"), "the gaze was lost meanwhile"


POINTS: list[dict[str, Any]] = [  # within microseconds: none is of before the trial
    {"x": 0.5, "y": 0.5, "t": 1.0},
    {"x": 1e30, "y": -7.0, "t": 1.000001},
    {"x": 1e300, "y": 0.5, "t": 1.000002},
    {"x": None, "y": None, "t": 1.000003},
    {"x": 0.5, "y": 0.5, "t": 1.000004, "valid": False, "pupil": 3.5},
    {"x": 0.5, "y": 0.5, "t": 1.000005, "confidence": 0.1},
    {"x": 0.5, "y": 0.5, "t": 1.000005},
    {"x": 0.5, "y": 0.5, "t": 0.9},
    {"x": 0.5, "y": 0.5, "t": 1e200},
    {"x": 0.5, "y": 0.5, "t": 1.000006},
]


async def test_points_of_any_kind_are_kept_as_they_came_and_those_that_run_backwards_are_not(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    assert (await rig.ask("points", source="page", points=POINTS))["count"] == 7
    await eventually_async(lambda: len(samples(rig)) == 7)
    found = [each.sample for each in samples(rig)]
    assert [sample.is_valid for sample in found] == [True, False, False, False, False, False, True]
    assert (found[1].y, isnan(found[2].x), isnan(found[4].x), found[4].pupil) == (-7.0, True, True, 3.5)
    status = await rig.ask("status")
    assert (status["samples"], status["refused"], round(status["loss"], 3)) == (7, 3, 0.714)
    assert any("3 points so far" in each.header["details"]["detail"] for each in rig.of("trial", "source"))


async def test_of_two_pages_the_one_that_counts_is_taken(rig: Rig) -> None:
    await rig.start()
    await rig.show("first")
    await rig.show("second")
    point = [{"x": 0.5, "y": 0.5}]
    assert (await rig.ask("points", source="page", display="second", points=point))["count"] == 1
    await rig.begin()
    assert (await rig.ask("points", source="page", display="second", points=point))["count"] == 0
    assert (await rig.ask("points", source="page", display="first", points=point))["count"] == 1


async def test_a_slow_source_is_refused_for_saccades(rig: Rig) -> None:
    await rig.start(gaze="simulated@60")

    async def is_measured() -> bool:
        return (await rig.ask("status"))["rate_hz"] is not None

    await eventually_async(is_measured)
    with pytest.raises(InvalidRequest, match=r"gives [56]\d samples a second"):
        await rig.begin(trigger={"name": "saccade"})
    await rig.begin()


async def test_what_was_seen_before_a_trial_is_not_of_it(rig: Rig) -> None:
    await rig.start()
    await rig.begin()
    points = [{"x": 0.5, "y": 0.5, "t": t} for t in (1.0, 500.0, 999.0, 1000.0)]
    assert (await rig.ask("points", source="page", points=points))["count"] == 4
    await eventually_async(lambda: len(samples(rig)) == 1)
    assert samples(rig)[0].device_s == 1000.0
