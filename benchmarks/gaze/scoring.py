"""Labelled recordings of eye movements: reading them, and counting which events a detector found."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

BESIDE_BLINK_NS = 50_000_000
"""Saccades as near to a labelled blink are the eyelid's, and the human coder labels them now so, now so."""

Span = tuple[int, int]
"""Onset and offset in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recording, and what a human coder says of each of its samples."""

    samples: list[Sample]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Counts:
    """Events found that are labelled, labelled ones that were not found, and found ones that are not labelled."""

    hits: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.missed + other.missed, self.false + other.false)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 to 1; NaN where there is neither a label nor an event."""
        every = 2 * self.hits + self.missed + self.false
        return 2 * self.hits / every if every else nan


def read(path: Path) -> Labelled:
    """A file with the columns t (seconds), x, y (of the screen), pupil and label.

    Raises KeyError, ValueError, OSError: it is no such file."""
    samples, labels = [], []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            x, y, pupil = (float(row[name] or nan) for name in ("x", "y", "pupil"))
            samples.append(Sample(round(float(row["t"]) * 1e9), x, y, pupil))
            labels.append(row["label"])
    return Labelled(samples, labels)


def listed(folder: Path) -> list[tuple[str, Screen]]:
    """The files of the folder's ``recordings.csv``, each with its screen. Raises KeyError, ValueError, OSError."""
    with (folder / "recordings.csv").open(encoding="utf-8-sig", newline="") as file:
        return [
            (
                row["file"],
                Screen(
                    (int(row["screen_px_x"]), int(row["screen_px_y"])),
                    (float(row["screen_m_x"]), float(row["screen_m_y"])),
                    float(row["distance_m"]),
                ),
            )
            for row in csv.DictReader(file)
        ]


def spans_of(recording: Labelled, label: str) -> list[Span]:
    """The runs of samples with a label: from the first of them to the last."""
    spans: list[Span] = []
    before = None
    for sample, own in zip(recording.samples, recording.labels, strict=True):
        if own == label:
            onset_ns = spans.pop()[0] if before == label else sample.t_ns
            spans.append((onset_ns, sample.t_ns))
        before = own
    return spans


def matched(labelled: Sequence[Span], found: Sequence[Span]) -> list[tuple[int, int]]:
    """Pairs of indices of a labelled and a found event, one to one: those that overlap in time, by the greatest overlap
    first. To touch in one sample is to overlap."""
    overlaps = sorted(
        (max(one[0], other[0]) - min(one[1], other[1]), i, j)
        for i, one in enumerate(labelled)
        for j, other in enumerate(found)
        if max(one[0], other[0]) <= min(one[1], other[1])
    )
    pairs: list[tuple[int, int]] = []
    taken_labelled, taken_found = set(), set()
    for _, i, j in overlaps:
        if i not in taken_labelled and j not in taken_found:
            pairs.append((i, j))
            taken_labelled.add(i)
            taken_found.add(j)
    return pairs


def counts(labelled: Sequence[Span], found: Sequence[Span]) -> Counts:
    """Hits, missed and false events."""
    hits = len(matched(labelled, found))
    return Counts(hits, len(labelled) - hits, len(found) - hits)


def away_from(spans: Iterable[Span], blinks: Sequence[Span], within_ns: int = BESIDE_BLINK_NS) -> list[Span]:
    """Those of the spans that are not beside a blink, and not in one."""
    return [
        one
        for one in spans
        if not any(one[0] <= blink[1] + within_ns and one[1] >= blink[0] - within_ns for blink in blinks)
    ]
