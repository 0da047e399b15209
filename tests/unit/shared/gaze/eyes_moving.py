"""Eyes that rest, jump and blink at times that a test chooses."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

from shared.gaze.detectors.eyes import EyeDetectors
from shared.gaze.detectors.parameters import DEFAULTS, DetectorParameters
from shared.gaze.detectors.whole import WholeEvents
from shared.gaze.events import EyeEvent, EyeEventKind
from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

SCREEN = Screen((1024, 768), (0.38, 0.30), 0.67)
MS = 1_000_000


def smooth(share: float) -> float:
    """How far a jump has come, with the least jerk (Hogan 1984)."""
    share = min(max(share, 0.0), 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)


def duration_ms(amplitude_deg: float) -> float:
    """Of a saccade (Carpenter 1988)."""
    return 21 + 2.2 * amplitude_deg


def jump(amplitude_deg: float, rate_hz: float, at_ms: float = 400, until_ms: float = 800) -> list[Sample]:
    """Rest left of the middle, one saccade to the right across it, rest."""
    half_x = SCREEN.fraction_of(amplitude_deg)[0] / 2
    samples = []
    for number in range(int(until_ms * rate_hz / 1000)):
        t_ms = number * 1000 / rate_hz
        noise = 0.0002 * ((number * 7919) % 5 - 2)
        gone = smooth((t_ms - at_ms) / duration_ms(amplitude_deg))
        samples.append(Sample(round(t_ms * MS), 0.5 - half_x + 2 * half_x * gone, 0.5 + noise))
    return samples


def rest(from_ms: float, until_ms: float, rate_hz: float = 500, **values: float) -> list[Sample]:
    """Samples of one place, from a time until just before another."""
    step_ms = 1000 / rate_hz
    count = round((until_ms - from_ms) / step_ms)
    return [Sample(round((from_ms + n * step_ms) * MS), **({"x": 0.5, "y": 0.5} | values)) for n in range(count)]


def shut(from_ms: float, until_ms: float, rate_hz: float = 500, **values: float) -> list[Sample]:
    """Samples that say nothing of the gaze."""
    return rest(from_ms, until_ms, rate_hz, **({"x": nan, "y": nan} | values))


def told(samples: Iterable[Sample], parameters: DetectorParameters = DEFAULTS) -> list[EyeEvent]:
    """All that is told, each event twice."""
    detectors = EyeDetectors(SCREEN, parameters)
    return [event for sample in samples for event in detectors.take(sample)] + list(detectors.finish())


def whole(samples: Iterable[Sample], kind: EyeEventKind | None = None) -> list[EyeEvent]:
    """The events that are printed, of one kind or of all."""
    detectors, events = EyeDetectors(SCREEN), WholeEvents()
    found = [event for sample in samples for event in events.take(detectors.take(sample))]
    found += events.take(detectors.finish())
    return [event for event in found if kind in (None, event.kind)]


def spans_ms(events: Iterable[EyeEvent]) -> list[tuple[str, float, float]]:
    return [(one.kind, one.onset_ns / MS, (one.offset_ns or 0) / MS) for one in events]
