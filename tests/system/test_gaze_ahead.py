"""The loop from gaze to picture with changes that are made ahead, in real processes, each of them killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process
from tests.support.studio import TIMEOUT_S, Studio, studio_in
from tests.support.waiting import eventually
from tests.system.test_gaze_loop import begin, end, trial, wait_displayed, wait_on_disk, whole

pytestmark = pytest.mark.system

TRIAL: dict[str, Any] = {"trigger": "saccade", "policy": {"name": "random", "ahead": 4, "near": 0.0}, "catch_rate": 0.1}


@contextmanager
def loop(folder: Path, **settings: str) -> Iterator[Studio]:
    """Everything, with a simulated viewer, and a session."""
    with studio_in(folder, PARAFOVEA_GAZE="simulated:1", **settings) as studio:
        studio.start_recorder()
        studio.start("replayer")
        studio.start("gaze")
        yield studio


@contextmanager
def display(studio: Studio) -> Iterator[Process]:
    """A display that takes sectors; what it drew is what was committed."""
    shown = studio.run("display", [sys.executable, "-m", "tests.support.sector_display", str(studio.port)])
    try:
        yield shown
    finally:
        shown.kill()
    assert shown.out.split()[::2].count("same") == len(shown.out.splitlines())
    assert "Traceback" not in shown.err


def compared(shown: Process, count: int) -> None:
    """Wait until a display has compared so many pictures."""
    eventually(lambda: len(shown.out.splitlines()) >= count, TIMEOUT_S, f"{count} pictures are compared")


def start(studio: Studio) -> None:
    """The API, and a session."""
    studio.start_api()
    studio.start_session("s")


def was_committed(studio: Studio) -> bool:
    """Whether the trial's changes were made ahead."""
    counts = trial(studio)["counts"]
    return counts.get("commit", 0) > 0 and "request" not in counts


@pytest.mark.parametrize("model", ["tiny-layer", "tiny"])
def test_a_model_prepares_and_each_change_is_recorded_with_all_that_led_to_it(folder: Path, model: str) -> None:
    with loop(folder, PARAFOVEA_MODEL=model) as studio:
        studio.start("generator")
        start(studio)
        with display(studio) as shown:
            begin(studio, **TRIAL)
            compared(shown, 5)
            assert was_committed(studio)
            end(studio)
        wait_on_disk(studio)
        changes = whole(studio, "complete")
        seen = [change for change in changes if change.outcome == "shown"]
        assert len(seen) >= 5
        for change in seen:
            assert change.flags == ("late" if change.is_late else "")  # a loaded machine draws when it can
            assert change.is_late or not change.seen_risk
        assert {change.frame_id for change in seen if change.kind == "change"} <= set(studio.frame_ids("s"))


@pytest.mark.parametrize("name", ["recorder", "generator", "api"])
def test_a_process_that_is_killed_leaves_the_trial_going_on_and_its_record_whole(folder: Path, name: str) -> None:
    with loop(folder) as studio:
        studio.start_generator(sleep_ms=20)
        start(studio)
        with display(studio) as shown:
            begin(studio, **TRIAL)
            compared(shown, 3)
            studio.process(name).kill()
            if name == "generator":
                studio.start_generator(sleep_ms=20)
            elif name == "recorder":
                studio.start_recorder()
        if name == "api":
            studio.start("api")
        studio.wait_until_ready()
        with display(studio) as shown:
            before = trial(studio)["counts"]["displayed"]
            compared(shown, 3)
            wait_displayed(studio, before + 3)
            assert was_committed(studio)
            end(studio)
        wait_on_disk(studio)
        whole(studio, "complete")


def test_a_gaze_process_that_is_killed_leaves_an_interrupted_trial_and_the_next_one_is_whole(folder: Path) -> None:
    with loop(folder) as studio:
        studio.start_generator(sleep_ms=20)
        start(studio)
        with display(studio) as shown:
            begin(studio, **TRIAL)
            compared(shown, 2)
            eventually(lambda: (studio.sessions / "s" / "trials.jsonl").exists(), TIMEOUT_S, "it is being recorded")
            studio.process("gaze").kill()
        studio.start("gaze")
        eventually(lambda: trial(studio)["state"] == "none", TIMEOUT_S, "the API has met the new one")
        with display(studio) as shown:
            begin(studio, **TRIAL)
            compared(shown, 2)
            end(studio)
        wait_on_disk(studio)
        whole(studio, "interrupted", "complete")


def test_a_display_that_comes_later_goes_on_with_what_is_made(folder: Path) -> None:
    with loop(folder) as studio:
        studio.start_generator()
        start(studio)
        begin(studio, **TRIAL)
        for _ in range(2):
            with display(studio) as shown:
                compared(shown, 2)
        end(studio)
        wait_on_disk(studio)
        whole(studio, "complete")
