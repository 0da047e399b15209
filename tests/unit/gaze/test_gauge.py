"""How a source does: its states, rate, loss and age."""

from __future__ import annotations

import pytest

from services.gaze.sources.gauge import Gauge
from services.gaze.sources.registry import source_of, word_of
from services.gaze.sources.source import Surroundings
from shared.errors import InvalidRequest
from shared.fields import fits
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.trial.config import Name

MS = 1_000_000
AROUND = Surroundings(lambda: ASSUMED_SCREEN, lambda: None)


def test_a_source_waits_runs_is_silent_and_comes_back() -> None:
    gauge = Gauge()
    assert (gauge.state, gauge.watch(10**12), gauge.age_s(10**12)) == ("waiting", False, None)
    assert gauge.take(0, 1, 0)
    assert not gauge.take(10 * MS, 1, 0)
    assert not gauge.watch(1009 * MS)
    assert gauge.watch(1010 * MS)
    assert not gauge.watch(1020 * MS)
    assert (gauge.state, gauge.age_s(2010 * MS)) == ("silent", 2.0)
    assert gauge.take(3000 * MS, 1, 0)
    gauge.end("ended", "the trace is at its end")
    assert not gauge.watch(10**12)
    assert gauge.is_over


def test_rate_and_loss_are_those_of_the_last_seconds() -> None:
    gauge = Gauge()
    for n in range(1000):
        gauge.take(n * 8 * MS, 2, 0)
        if n == 10:
            assert gauge.rate_hz(n * 8 * MS) is None
    assert gauge.rate_hz(8000 * MS) == pytest.approx(250, abs=1)
    for n in range(1000, 2000):
        gauge.take(n * 8 * MS, 1, 1)
    assert gauge.rate_hz(16_000 * MS) == pytest.approx(125, abs=1)
    assert gauge.loss(16_000 * MS) == 1.0
    assert (gauge.samples, gauge.rate_hz(30_000 * MS)) == (3000, None)


@pytest.mark.parametrize(
    "name", ["page", "websocket", "simulated", "simulated:7", "simulated:7@500", "simulated@59.94"]
)
def test_sources_by_their_names(name: str) -> None:
    assert source_of(name, AROUND).name == name


@pytest.mark.parametrize("name", ["", "Page", "mouse", "simulated:", "simulated:-1", "simulated:1@0", "simulator"])
def test_what_is_no_source_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(InvalidRequest):
        source_of(name, AROUND)


def test_the_name_of_a_long_path_fits_a_record() -> None:
    name = f"file:/{'folder/' * 40}trace.csv"
    assert not fits(Name, name)
    assert fits(Name, word_of(name))
    assert word_of(name).endswith("folder/trace.csv")


def test_another_rate_is_told() -> None:
    gauge, now = Gauge(), 0
    told = []
    for rate in (250, 250, 1000, 1000, 900):
        for _ in range(100 * 5):
            now += 10 * MS
            gauge.take(now, rate // 100, 0)
            if (hz := gauge.another_rate(now)) is not None:
                told.append(round(hz))
    assert len(told) in (1, 2)
    assert told[-1] == pytest.approx(1000, rel=0.3)
