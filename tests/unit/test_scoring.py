"""Counting what a detector found of what is labelled."""

from __future__ import annotations

import os
from math import isnan
from pathlib import Path

import pytest

from benchmarks.gaze import eyes
from benchmarks.gaze.scoring import Counts, Labelled, away_from, counts, listed, matched, read, spans_of
from shared.gaze.sample import Sample

MS = 1_000_000


def test_runs_of_a_label() -> None:
    labels = ["saccade", "saccade", "fixation", "saccade", "pso"]
    recording = Labelled([Sample(n) for n in range(5)], labels)
    assert spans_of(recording, "saccade") == [(0, 1), (3, 3)]
    assert spans_of(recording, "pso") == [(4, 4)]
    assert spans_of(recording, "blink") == []


@pytest.mark.parametrize(
    ("labelled", "found", "pairs"),
    [
        ([(0, 10)], [(10, 20)], [(0, 0)]),
        ([(0, 10)], [(11, 20)], []),
        ([(0, 10)], [(0, 3), (4, 10)], [(0, 1)]),
        ([(0, 3), (4, 10)], [(0, 10)], [(1, 0)]),
        ([(0, 10), (20, 30)], [(8, 30), (0, 4)], [(1, 0), (0, 1)]),
        ([], [(0, 1)], []),
    ],
)
def test_one_to_one_by_the_greatest_overlap(
    labelled: list[tuple[int, int]], found: list[tuple[int, int]], pairs: list[tuple[int, int]]
) -> None:
    assert matched(labelled, found) == pairs
    assert counts(labelled, found) == Counts(len(pairs), len(labelled) - len(pairs), len(found) - len(pairs))


def test_f1() -> None:
    assert (Counts(3, 1, 1) + Counts(0, 1, 0)).f1 == pytest.approx(6 / 9)
    assert Counts(0, 1, 0).f1 == 0
    assert isnan(Counts().f1)


def test_what_is_beside_a_blink_is_left_out() -> None:
    blink = (200 * MS, 300 * MS)
    spans = [
        (100 * MS, 149 * MS),
        (100 * MS, 150 * MS),
        (250 * MS, 260 * MS),
        (350 * MS, 380 * MS),
        (351 * MS, 380 * MS),
    ]
    assert away_from(spans, [blink]) == [spans[0], spans[4]]


def test_a_folder_of_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for n in range(500):
        is_saccade = 250 <= n < 266
        x = 0.3 + 0.4 * min(max((n - 249) / 16, 0), 1)
        rows.append(f"{n * 0.002:.4f},{x:.5f},0.5,3,{'saccade' if is_saccade else 'fixation'}")
    (tmp_path / "images_one.csv").write_text("t,x,y,pupil,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "recordings.csv").write_text(
        "file,rate_hz,screen_px_x,screen_px_y,screen_m_x,screen_m_y,distance_m,samples\n"
        "images_one.csv,500.0,1024,768,0.38,0.3,0.67,500\n"
    )
    ((name, screen),) = listed(tmp_path)
    assert (name, screen.px, screen.m, screen.distance_m) == ("images_one.csv", (1024, 768), (0.38, 0.3), 0.67)
    found = eyes.find(read(tmp_path / name), screen)
    assert (found.saccades, found.triggers, found.triggers_in_fixations) == (Counts(1, 0, 0), 1, 0)
    monkeypatch.setenv(eyes.VARIABLE, str(tmp_path))
    figures = {figure.name: figure.value for figure in eyes.measure()}
    assert figures["saccades in images at 500 Hz, F1"] == 1
    assert figures["saccades in images at 62.5 Hz, F1"] == 1
    assert not [name for name in figures if "blinks" in name]


def test_without_recordings_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(eyes.VARIABLE, raising=False)
    assert eyes.measure() == []
    assert eyes.VARIABLE in capsys.readouterr().err


@pytest.mark.skipif(eyes.VARIABLE not in os.environ, reason=f"{eyes.VARIABLE} names no folder of recordings")
def test_what_was_reached_is_reached() -> None:
    figures = {figure.name: figure.value for figure in eyes.measure()}
    for rate in ("500", "250", "125", "62.5"):
        assert figures[f"saccades in images at {rate} Hz, F1"] > 0.94
        assert figures[f"blinks in images at {rate} Hz, F1"] > 0.93
