"""The page as a display, in headless Chromium: when what was triggered came, and how well its clock is known.

A simulated viewer looks, blinks trigger, a sleeping engine makes the pictures. ``GAZE_MINUTES`` is for how long
(default 1). Headless Chromium draws 60 frames a second to nowhere: of light these figures say nothing.
"""

from __future__ import annotations

import os
import statistics
import time

from playwright.sync_api import sync_playwright

from benchmarks.figures import Figure
from benchmarks.gaze.loop import begin_trial, is_recorded, post
from benchmarks.systems import Caller, sleeping_system
from shared.session.check import check
from shared.session.reading.deciding import decide_again
from shared.session.reading.trials import ChangeRow, rows
from tests.browser.conftest import find_browser
from tests.support.processes import System
from tests.support.waiting import eventually

MINUTES = float(os.environ.get("GAZE_MINUTES", "1"))
POLICY = {"name": "farthest", "dwell_ms": 200.0}


def measure() -> list[Figure]:
    """One recorded trial through the page."""
    with sleeping_system(PARAFOVEA_GAZE="simulated:1") as system, sync_playwright() as playwright:
        system.start("gaze")
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(system.url)
        page.wait_for_selector("main.stage[data-begun]")
        Caller(system).post("/session/start?session_id=page")
        begin_trial(system, trigger="blink", record=True, policy=POLICY, replace=True)
        until = time.monotonic() + 60 * MINUTES
        while time.monotonic() < until:
            page.wait_for_timeout(500)  # the browser needs its turns
        post(system, "/trial/end", {})
        eventually(lambda: is_recorded(system), 30.0, "the recorder has everything")
        Caller(system).post("/session/stop")
        browser.close()
        return _figures(system)


def _figures(system: System) -> list[Figure]:
    folder = system.sessions / "page"
    changes = list(rows(folder))
    shown = [change for change in changes if change.outcome == "shown"]
    latencies = sorted(change.trigger_to_next_frame_ms for change in shown if change.trigger_to_next_frame_ms)
    if not latencies:
        told = ", ".join(f"{change.outcome} ({change.reason})" for change in changes)
        raise RuntimeError(f"nothing was displayed in time on this machine: {told}")
    errors = [change.error_ms for change in shown if change.error_ms is not None]
    whole = [change for change in shown if _is_whole(change)]
    again = list(decide_again(folder))
    return [
        Figure(
            "trigger to next frame, headless Chromium, p99",
            latencies[min(int(len(latencies) * 0.99), len(latencies) - 1)],
            "ms",
            at_most=36.0,
            detail=f"{len(latencies)} swaps; median {statistics.median(latencies):.1f} ms",
        ),
        Figure("bound of a page's clock: half the best of 8 round trips, worst", max(errors), "ms"),
        Figure("swaps drawn after their deadline", sum(bool(change.is_late) for change in shown), at_most=0),
        Figure(
            "displayed changes without their whole chain",
            len(shown) - len(whole),
            at_most=0,
            detail=f"of {len(shown)}; {sum(change.misses for change in changes)} misses",
        ),
        Figure("trials that are not decided identically again", sum(not one.is_identical for one in again), at_most=0),
        Figure("findings of check", sum(one.severity != "note" for one in check(folder)), at_most=0),
    ]


def _is_whole(change: ChangeRow) -> bool:
    stages = (change.fixation_s, change.decision_s, change.request_s, change.frame_s, change.ready_s)
    return None not in (*stages, change.trigger_onset_s, change.swap_s, change.drawn_s, change.eye_onset_s)
