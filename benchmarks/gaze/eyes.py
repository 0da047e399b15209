"""What the detectors find of what a human coder labelled.

``GAZE_RECORDINGS`` names a folder of labelled recordings with its ``recordings.csv``; none are part of the project, so
without it nothing is measured. A file's name says what was looked at: ``images_...`` or ``dots_...``.
"""

from __future__ import annotations

import csv
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.gaze.scoring import Counts, Labelled, Span, away_from, counts, listed, matched, read, spans_of
from shared.gaze.detectors.eyes import EyeDetectors
from shared.gaze.detectors.whole import WholeEvents
from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

VARIABLE = "GAZE_RECORDINGS"
RATE_HZ = 500.0
STEPS = (1, 2, 4, 8)
TRIGGER_DEG_S = 100.0
KINDS = ("images", "dots")
OPENNESS_SCREEN = Screen((1920, 1080), (0.531, 0.299), 0.65, is_assumed=True)
"""Of recordings with openness, whose points are millimetres from the top left: only their blinks are counted."""


@dataclass(slots=True)
class Found:
    """What was found in one recording, or in several."""

    saccades: Counts = field(default_factory=Counts)
    blinks: Counts = field(default_factory=Counts)
    saccade_lags_ms: list[float] = field(default_factory=list)
    blink_lags_ms: list[float] = field(default_factory=list)
    triggers: int = 0
    triggers_in_fixations: int = 0

    def add(self, other: Found) -> None:
        self.saccades += other.saccades
        self.blinks += other.blinks
        self.saccade_lags_ms += other.saccade_lags_ms
        self.blink_lags_ms += other.blink_lags_ms
        self.triggers += other.triggers
        self.triggers_in_fixations += other.triggers_in_fixations


def measure() -> list[Figure]:
    """F1, lags and triggers for each kind of recording at each rate; blinks of the recordings with openness."""
    named = os.environ.get(VARIABLE)
    if not named:
        print(f"{VARIABLE} names no folder of labelled recordings: nothing is measured", file=sys.stderr)
        return []
    folder = Path(named)
    recordings = [(name, screen, read(folder / name)) for name, screen in listed(folder)]
    figures = []
    for kind in KINDS:
        own = [(screen, recording) for name, screen, recording in recordings if name.startswith(f"{kind}_")]
        for step in STEPS if own else ():
            total = Found()
            for screen, recording in own:
                total.add(find(recording, screen, step))
            figures += list(_figures(f"{kind} at {RATE_HZ / step:g} Hz", total))
    figures += [_cost([(screen, recording) for _, screen, recording in recordings])]
    return figures + [_openness(path) for path in sorted(folder.glob("openness_*.csv"))]


def find(recording: Labelled, screen: Screen, step: int = 1) -> Found:
    """Run the detectors over every ``step``-th sample of a recording, and compare with the labels of all."""
    detectors, whole = EyeDetectors(screen), WholeEvents()
    events: list[EyeEvent] = []
    found = Found()
    armed = True
    for sample, label in zip(recording.samples[::step], recording.labels[::step], strict=True):
        events += whole.take(detectors.take(sample))
        if detectors.going_on("saccade") is None:
            armed = True
        elif armed and detectors.speed_deg_s >= TRIGGER_DEG_S:
            armed = False
            found.triggers += 1
            found.triggers_in_fixations += label == "fixation"
    events += whole.take(detectors.finish())
    blinks = spans_of(recording, "blink")
    labelled = away_from(spans_of(recording, "saccade"), blinks)
    saccades = [event for event in events if event.kind == "saccade"]
    spans = away_from(map(_span, saccades), blinks)
    found.saccades = counts(labelled, spans)
    found.saccade_lags_ms = _lags(labelled, spans, {_span(event): event for event in saccades})
    own_blinks = [event for event in events if event.kind == "blink"]
    found.blinks = counts(blinks, [_span(event) for event in own_blinks])
    found.blink_lags_ms = [(event.detected_ns - event.onset_ns) / 1e6 for event in own_blinks]
    return found


def _span(event: EyeEvent) -> Span:
    return event.onset_ns, event.offset_ns if event.offset_ns is not None else event.onset_ns


def _lags(labelled: list[Span], spans: list[Span], events: dict[Span, EyeEvent]) -> list[float]:
    """From a labelled onset until the detector told it, in milliseconds."""
    return [(events[spans[j]].detected_ns - labelled[i][0]) / 1e6 for i, j in matched(labelled, spans)]


def _figures(where: str, found: Found) -> Iterator[Figure]:
    for kind, one in (("saccades", found.saccades), ("blinks", found.blinks)):
        if one.hits + one.missed:
            detail = f"{one.hits} found, {one.missed} missed, {one.false} false"
            yield Figure(f"{kind} in {where}, F1", one.f1, detail=detail)
    for kind, lags in (("saccades", found.saccade_lags_ms), ("blinks", found.blink_lags_ms)):
        if lags:
            since = "the labelled onset" if kind == "saccades" else "the first missing sample"
            yield Figure(
                f"{kind} in {where}, told after {since}, median",
                statistics.median(lags),
                "ms",
                detail=f"95 % within {_percentile(lags, 0.95):.0f} ms",
            )
    share = found.triggers_in_fixations / found.triggers if found.triggers else nan
    detail = f"{found.triggers_in_fixations} of {found.triggers}"
    yield Figure(f"triggers at {TRIGGER_DEG_S:g} deg/s in {where} that fall into fixations", share, detail=detail)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _cost(recordings: list[tuple[Screen, Labelled]]) -> Figure:
    """All recordings once, without labels."""
    count = sum(len(recording.samples) for _, recording in recordings)
    began = time.perf_counter()
    for screen, recording in recordings:
        take = EyeDetectors(screen).take
        for sample in recording.samples:
            take(sample)
    return Figure("one sample through all detectors", (time.perf_counter() - began) * 1e6 / max(count, 1), "us")


def _openness(path: Path) -> Figure:
    """Blinks in a recording that tells how open the eyes are. Raises KeyError, ValueError, OSError."""
    detectors, whole = EyeDetectors(OPENNESS_SCREEN), WholeEvents()
    events: list[EyeEvent] = []
    width_m, height_m = OPENNESS_SCREEN.m
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            x_mm, y_mm, pupil, openness = (float(row[name] or nan) for name in ("x_mm", "y_mm", "pupil_mm", "open_mm"))
            t_ns = round(float(row["t"]) * 1e9)
            sample = Sample(t_ns, x_mm / width_m / 1000, y_mm / height_m / 1000, pupil, nan, openness)
            events += whole.take(detectors.take(sample))
    events += whole.take(detectors.finish())
    lost = sum(event.kind == "lost" for event in events)
    return Figure(
        f"blinks in {path.stem}", sum(event.kind == "blink" for event in events), detail=f"and {lost} losses of 500 ms"
    )
