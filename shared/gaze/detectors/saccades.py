"""Saccades: the speed of the gaze is above a threshold."""

from __future__ import annotations

from collections import deque
from math import asin, degrees, dist, nan

from shared.gaze.detectors.noise import Noise
from shared.gaze.detectors.parameters import DetectorParameters, nanoseconds
from shared.gaze.detectors.points import Point, degrees_between
from shared.gaze.events import EyeEvent

LEFT_SHARE = 0.2
"""Of the way within the window, which the gaze has gone when its movement has begun: the rest is noise."""
FORGOTTEN_WINDOWS = 3
"""A saccade is over after so many windows in which no speed could be taken."""
_NS_DEGREES = degrees(1) * 1e9


class Saccades:
    """Finds saccades in valid samples.

    Attributes:
        speed_deg_s: of the latest sample, over the window; NaN where none can be known.
    """

    def __init__(self, parameters: DetectorParameters) -> None:
        self.speed_deg_s = nan
        fast, slow = parameters.window_ms, parameters.slow_window_ms
        self._fast = (nanoseconds(fast), parameters.on_deg_s, parameters.on_samples)
        self._slow = (nanoseconds(slow), parameters.slow_on_deg_s, parameters.slow_on_samples)
        self._fast_off = (parameters.off_deg_s, parameters.off_samples)
        self._slow_off = (parameters.slow_off_deg_s, parameters.slow_off_samples)
        # Half a percent of grace: a tracker of exactly that rate is measured a little above it, or below.
        self._slow_spacing_ns = 0.995e9 / parameters.slow_rate_hz
        self._on_noises, self._off_noises = parameters.on_noises, parameters.off_noises
        self._noise = Noise()
        self._recent: deque[Point] = deque()
        self._above = 0
        self._below = 0
        self._peak_deg_s = 0.0
        self._began: Point | None = None
        self._ended: Point | None = None
        self._latest: Point | None = None
        self._detected_ns = 0
        self.is_going_on = False

    def take(self, point: Point, spacing_ns: float, may_begin: bool) -> EyeEvent | None:
        """Take a valid sample; returns what is to be told, if anything. ``may_begin`` is false beside a blink, where it
        is the eyelid that moves."""
        is_slow = spacing_ns >= self._slow_spacing_ns
        window_ns, on_deg_s, on_samples = self._slow if is_slow else self._fast
        recent, t_ns = self._recent, point[0]
        recent.append(point)
        before_ns = t_ns - window_ns + min(spacing_ns, window_ns) / 2
        noise = self._noise
        noise.take(point[3])
        while len(recent) > 1 and recent[1][0] <= before_ns:
            recent.popleft()
        first = recent[0]
        if first[0] > before_ns or first is point:
            self.speed_deg_s = nan
            # Samples that are valid only now and then would let it go on for ever.
            is_forgotten = self._latest is not None and t_ns - self._latest[0] > FORGOTTEN_WINDOWS * window_ns
            return self.end(t_ns) if self.is_going_on and is_forgotten else None
        chord = dist(first[3], point[3])
        speed = self.speed_deg_s = 2 * asin(chord / 2 if chord < 2 else 1.0) * _NS_DEGREES / (t_ns - first[0])
        noise_deg_s = noise.degrees * 1e9 / window_ns
        if self.is_going_on:
            self._latest = point
            off_deg_s, off_samples = self._slow_off if is_slow else self._fast_off
            return self._go_on(point, speed, max(off_deg_s, self._off_noises * noise_deg_s), off_samples)
        on_deg_s = max(on_deg_s, self._on_noises * noise_deg_s)
        if speed <= on_deg_s or not may_begin:
            self._above = 0
            return None
        if not self._above:
            self._began, self._peak_deg_s = self._left(), speed
        self._above += 1
        self._peak_deg_s = max(self._peak_deg_s, speed)
        if self._above < on_samples:
            return None
        self.is_going_on, self._below, self._detected_ns, self._latest = True, 0, t_ns, point
        return self.event(t_ns)

    def _go_on(self, point: Point, speed: float, off_deg_s: float, off_samples: int) -> EyeEvent | None:
        self._peak_deg_s = max(self._peak_deg_s, speed)
        if speed >= off_deg_s:
            self._below = 0
            return None
        if not self._below:
            self._ended = self._arrived()
        self._below += 1
        return self.end(point[0], self._ended) if self._below >= off_samples else None

    def _left(self) -> Point:
        """The last sample of the window that is not yet on its way."""
        points = list(self._recent)
        way = dist(points[0][3], points[-1][3]) * LEFT_SHARE
        began = points[0]
        for point in points[1:-1]:
            if dist(points[0][3], point[3]) > way:
                break
            began = point
        return began

    def _arrived(self) -> Point:
        """The time at which the window begins, since in it the gaze hardly moves any more, and where it is at its end.
        A saccade that is shorter than a window ends with its last fast sample."""
        first, last = self._recent[0], self._recent[-1]
        if self._began is not None and first[0] <= self._began[0]:
            first = self._recent[-2]
        return first[0], last[1], last[2], last[3]

    def interrupt(self) -> None:
        """No speed is taken across what comes now: a gap, or samples that are not valid."""
        self._recent.clear()
        self._noise.interrupt()
        self._above = 0
        self._below = 0
        self.speed_deg_s = nan

    def event(self, noticed_ns: int, end: Point | None = None) -> EyeEvent | None:
        """The saccade that goes on, as far as it is; over where an ``end`` is given. None where there is none."""
        began, latest = self._began, end or self._latest
        if not self.is_going_on or began is None or latest is None:
            return None
        return EyeEvent(
            "saccade",
            began[0],
            max(end[0], began[0]) if end else None,
            self._detected_ns,
            noticed_ns,
            began[1],
            began[2],
            latest[1],
            latest[2],
            degrees_between(began[3], latest[3]),
            self._peak_deg_s,
        )

    def end(self, noticed_ns: int, at: Point | None = None) -> EyeEvent | None:
        """End the saccade that goes on, if there is one: at its latest sample, or ``at`` another."""
        event = self.event(noticed_ns, at or self._latest)
        self.is_going_on, self._above, self._below = False, 0, 0
        return event
