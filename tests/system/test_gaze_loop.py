"""The loop from gaze to picture in real processes, each of them killed in the midst of a trial."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.session.check import check
from shared.session.reading.deciding import decide_again
from shared.session.reading.trials import ChangeRow, rows, summaries
from tests.support.processes import REPOSITORY
from tests.support.studio import TIMEOUT_S, Studio, noise_png, studio_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

TRIAL = {
    "trigger": "blink",
    "policy": {"name": "farthest", "dwell_ms": 200.0},
    "prompts": "a bee",
    "seed": 3,
    "catch_rate": 0.2,
}


@contextmanager
def loop(folder: Path, **settings: str) -> Iterator[Studio]:
    """Everything, with a simulated viewer, a display, and a session."""
    with studio_in(folder, PARAFOVEA_GAZE="simulated:1", **settings) as studio:
        studio.start_everything()
        studio.start_session("s")
        with display(studio):
            yield studio


@contextmanager
def display(studio: Studio) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.support.drawing_display", str(studio.port)]
    drawing = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    try:
        yield
    finally:
        drawing.terminate()
        drawing.wait()


def begin(studio: Studio, **more: Any) -> str:
    body = {"image_base64": base64.b64encode(noise_png(96, 96, 1)).decode(), **TRIAL, **more}
    answer = studio.http.post("/trial/begin", json=body)
    assert answer.status_code == 200, answer.text
    trial_id: str = answer.json()["trial_id"]
    return trial_id


def trial(studio: Studio) -> dict[str, Any]:
    answer: dict[str, Any] = studio.http.get("/trial").json()
    return answer


def wait_displayed(studio: Studio, count: int) -> None:
    eventually(lambda: trial(studio)["counts"].get("displayed", 0) >= count, TIMEOUT_S, f"{count} displayed")


def end(studio: Studio) -> None:
    answer = studio.http.post("/trial/end")
    assert answer.status_code == 200, answer.text


def wait_on_disk(studio: Studio) -> None:
    """Until everything of the session's trials is recorded, and the session is closed."""

    def done() -> bool:
        status = studio.ask("gaze-control", "status")
        return status is not None and not status.get("held") and status.get("trial_id") is None

    eventually(done, TIMEOUT_S, "the recorder has everything")
    studio.http.post("/session/stop")


def whole(studio: Studio, *states: str) -> list[ChangeRow]:
    """The session is whole, decided again identically, and its trials ended so; their changes."""
    folder = studio.sessions / "s"
    # What comes from a spill is written bit by bit: the ends come last.
    eventually(lambda: tuple(one["state"] for one in summaries(folder)) == states, TIMEOUT_S, "their ends are recorded")
    eventually(lambda: not [each for each in check(folder) if each.severity != "note"], TIMEOUT_S, "it is whole")
    again = list(decide_again(folder))
    assert [one for one in again if not one.is_identical] == []
    return list(rows(folder))


def test_each_change_is_recorded_with_all_that_led_to_it(folder: Path) -> None:
    with loop(folder) as studio:
        begin(studio, participant="P07", fields={"block": 1})
        assert studio.http.post("/trial/response", json={"key": "y"}).status_code == 200
        wait_displayed(studio, 3)
        end(studio)
        wait_on_disk(studio)
        changes = whole(studio, "complete")
        shown = [change for change in changes if change.outcome == "shown"]
        assert len(shown) >= 3
        for change in shown:
            assert change.trigger == "blink"
            assert change.flags == ("late" if change.is_late else "")  # a loaded machine draws when it can
            assert change.eccentricity_deg is not None
            assert change.eccentricity_deg > 0
            assert change.trigger_to_next_frame_ms is not None
            assert change.trigger_to_next_frame_ms > 0
        recorded = set(studio.frame_ids("s"))
        assert {change.frame_id for change in shown} <= recorded
        listed = studio.http.get("/session/s/trials").json()
        assert [one["trial_id"] for one in listed["changes"]] == [change.trial_id for change in changes]


@pytest.mark.parametrize("name", ["recorder", "generator", "api"])
def test_a_process_that_is_killed_leaves_the_trial_going_on_and_its_record_whole(folder: Path, name: str) -> None:
    with loop(folder) as studio:
        begin(studio)
        wait_displayed(studio, 1)
        studio.process(name).kill()
        if name == "generator":
            studio.start_generator()
        elif name == "recorder":
            studio.start_recorder()
        else:
            studio.start("api")
        studio.wait_until_ready()
        if name == "api":
            with display(studio):
                wait_displayed(studio, 3)
        else:
            wait_displayed(studio, 3)
        end(studio)
        wait_on_disk(studio)
        assert sum(change.outcome == "shown" for change in whole(studio, "complete")) >= 3


def test_a_gaze_process_that_is_killed_leaves_an_interrupted_trial_and_the_next_one_is_whole(folder: Path) -> None:
    with loop(folder) as studio:
        begin(studio)
        wait_displayed(studio, 1)
        eventually(lambda: (studio.sessions / "s" / "trials.jsonl").exists(), TIMEOUT_S, "it is being recorded")
        studio.process("gaze").kill()
        studio.start("gaze")
        eventually(lambda: trial(studio)["state"] == "none", TIMEOUT_S, "the API has met the new one")
        begin(studio)
        wait_displayed(studio, 1)
        end(studio)
        wait_on_disk(studio)
        whole(studio, "interrupted", "complete")
        index = json.loads((studio.sessions / "s" / "gaze" / "gaze.json").read_text())
        assert len(index["gaps"]) == 1


def test_a_gaze_process_that_stops_while_the_recorder_is_away_leaves_it_all_to_the_spill(folder: Path) -> None:
    with loop(folder) as studio:
        begin(studio)
        wait_displayed(studio, 1)
        studio.process("recorder").kill()
        wait_displayed(studio, 2)
        assert studio.process("gaze").stop() == 0
        studio.start_recorder()
        eventually(lambda: (studio.sessions / "s" / "trials.jsonl").exists(), TIMEOUT_S, "it is taken in")
        studio.start("gaze")
        wait_on_disk(studio)
        assert sum(change.outcome == "shown" for change in whole(studio, "interrupted")) >= 2


def test_a_trial_ends_with_its_session(folder: Path) -> None:
    with loop(folder) as studio:
        begin(studio)
        wait_displayed(studio, 1)
        studio.http.post("/session/stop")
        eventually(lambda: trial(studio)["state"] == "interrupted", TIMEOUT_S, "the trial has ended")
        answer = studio.http.post("/trial/begin", json={"sample": "meadow.jpg"})
        assert (answer.status_code, answer.json()["error"]) == (409, "session_not_active")
        whole(studio, "interrupted")
