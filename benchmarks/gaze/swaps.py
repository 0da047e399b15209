"""Would a swap have come in time? Triggers on labelled recordings, and light a while after their detection.

At 60 Hz a page's next frame is begun 33 ms after the trigger at the most, and light follows: 40 ms in all. It reads the
folder that ``GAZE_RECORDINGS`` names, as :mod:`benchmarks.gaze.eyes` does.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.gaze.eyes import KINDS, TRIGGER_DEG_S, VARIABLE
from benchmarks.gaze.scoring import Labelled, Span, listed, read, spans_of
from shared.gaze.detectors.eyes import EyeDetectors
from shared.gaze.screen import Screen

LIGHT_NS = 40_000_000
"""From a trigger's detection to light."""
UNNOTICED_NS = 60_000_000
"""Changes within this time after an eye movement are not reliably noticed (Loschky and Wolverton, ACM TOMM 3(4), 2007);
certainly not within 6 ms (McConkie and Loschky, Behavior Research Methods 34, 2002)."""
CERTAIN_NS = 6_000_000


@dataclass(slots=True)
class InTime:
    """Of how many swaps how many met what the viewer does not see.

    Attributes:
        blinks, closed: triggers that are labelled blinks, and those of them still going on when light comes.
        saccades, unnoticed, certain, moving: triggers in a labelled saccade (or just behind it), and those whose light
            comes by 60 ms after its end, by 6 ms after it, and before it.
    """

    blinks: int = 0
    closed: int = 0
    saccades: int = 0
    unnoticed: int = 0
    certain: int = 0
    moving: int = 0

    def add(self, other: InTime) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def measure() -> list[Figure]:
    """For photographs and dots: the shares of swaps in time."""
    named = os.environ.get(VARIABLE)
    if not named:
        print(f"{VARIABLE} names no folder of labelled recordings: nothing is measured", file=sys.stderr)
        return []
    folder = Path(named)
    figures: list[Figure] = []
    for kind in KINDS:
        total = InTime()
        for name, screen in listed(folder):
            if name.startswith(f"{kind}_"):
                total.add(swaps_of(read(folder / name), screen))
        figures += [
            *_share(f"{kind}: blink swaps before the blink's labelled end", total.closed, total.blinks),
            *_share(f"{kind}: saccade swaps by 60 ms after its labelled end", total.unnoticed, total.saccades),
            *_share(f"{kind}: saccade swaps by 6 ms after its labelled end", total.certain, total.saccades),
            *_share(f"{kind}: saccade swaps while it is labelled as going on", total.moving, total.saccades),
        ]
    return figures


def swaps_of(recording: Labelled, screen: Screen) -> InTime:
    """Every trigger of a recording, at its own rate."""
    detectors, found = EyeDetectors(screen), InTime()
    blinks, saccades = spans_of(recording, "blink"), spans_of(recording, "saccade")
    armed = True
    for sample in recording.samples:
        for event in detectors.take(sample):
            if event.kind == "blink" and not event.is_over:
                blink = _around(blinks, event.onset_ns, sample.t_ns)
                if blink is not None:
                    found.blinks += 1
                    found.closed += sample.t_ns + LIGHT_NS <= blink[1]
        if detectors.going_on("saccade") is None:
            armed = True
        elif armed and detectors.speed_deg_s >= TRIGGER_DEG_S:
            armed = False
            saccade = _around(saccades, sample.t_ns - LIGHT_NS, sample.t_ns)
            if saccade is not None:
                light_ns = sample.t_ns + LIGHT_NS
                found.saccades += 1
                found.unnoticed += light_ns <= saccade[1] + UNNOTICED_NS
                found.certain += light_ns <= saccade[1] + CERTAIN_NS
                found.moving += light_ns <= saccade[1]
    return found


def _around(spans: list[Span], from_ns: int, until_ns: int) -> Span | None:
    """The last labelled event that goes on in a time; None where there is none."""
    at = bisect_left(spans, (until_ns + 1, 0)) - 1
    return spans[at] if at >= 0 and spans[at][1] >= from_ns else None


def _share(name: str, count: int, of: int) -> list[Figure]:
    return [Figure(name, count / of, detail=f"{count} of {of}")] if of else []
