"""Fixations: the gaze stays within a small part of the screen (I-DT, dispersion and time)."""

from __future__ import annotations

from collections import deque
from math import atan2, degrees, inf, nan

from shared.gaze.detectors.parameters import DetectorParameters, nanoseconds
from shared.gaze.detectors.points import Direction, Point
from shared.gaze.events import EyeEvent

Box = tuple[float, float, float, float]
"""Least and greatest angle across, least and greatest angle upwards, in degrees."""
NOTHING: Box = (inf, -inf, inf, -inf)
DEGREES = degrees(1)
KEPT_IN_SACCADE = 256
"""Samples behind the end of a saccade by the time that it is noticed: it takes 20 ms, with a sample each 0.1 ms."""


def _angles(direction: Direction) -> tuple[float, float]:
    x, y, z = direction
    return atan2(x, z) * DEGREES, atan2(y, z) * DEGREES


def _joined(one: Box, other: Box) -> Box:
    return (
        one[0] if one[0] < other[0] else other[0],
        one[1] if one[1] > other[1] else other[1],
        one[2] if one[2] < other[2] else other[2],
        one[3] if one[3] > other[3] else other[3],
    )


class _Window:
    """The latest samples that lie within the dispersion: a queue of two stacks, so that a sample costs the same however
    many there are. The older ones have, each, the box of itself and all that are newer among them."""

    def __init__(self, limit_deg: float) -> None:
        self._limit_deg = limit_deg
        self.clear()

    def clear(self) -> None:
        self._older: list[tuple[Point, Box]] = []
        self._newer: list[tuple[Point, Box]] = []
        self._box = NOTHING

    def add(self, point: Point) -> Box:
        """Add a sample, and drop the oldest until the rest fits; returns what that covers."""
        across, up = _angles(point[3])
        own = (across, across, up, up)
        self._newer.append((point, own))
        self._box = _joined(self._box, own)
        while True:
            box = _joined(self._older[-1][1], self._box) if self._older else self._box
            if box[1] - box[0] + box[3] - box[2] <= self._limit_deg:
                return box
            if not self._older:
                joined = NOTHING
                while self._newer:
                    one, own = self._newer.pop()
                    joined = _joined(joined, own)
                    self._older.append((one, joined))
                self._box = NOTHING
            self._older.pop()

    @property
    def oldest_ns(self) -> int:
        return (self._older[-1] if self._older else self._newer[0])[0][0]

    def points(self) -> list[Point]:
        return [one for one, _ in reversed(self._older)] + [one for one, _ in self._newer]


class Fixations:
    """Finds fixations in valid samples."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self._limit_deg = parameters.dispersion_deg
        self._time_ns = nanoseconds(parameters.fixation_ms)
        self._window = _Window(parameters.dispersion_deg)
        self._in_saccade: deque[Point] = deque(maxlen=KEPT_IN_SACCADE)
        self._box = NOTHING
        self._sum_x = self._sum_y = 0.0
        self._count = 0
        self._onset_ns = self._latest_ns = self._detected_ns = 0
        self.is_going_on = False

    def take(self, point: Point) -> tuple[EyeEvent, ...]:
        """Take a valid sample that is in no saccade; returns what is to be told."""
        t_ns = point[0]
        if not self.is_going_on:
            return self._begin(point)
        across, up = _angles(point[3])
        left, right, top, bottom = self._box
        if not (left <= across <= right and top <= up <= bottom):
            box = self._box = _joined(self._box, (across, across, up, up))
            if box[1] - box[0] + box[3] - box[2] > self._limit_deg:
                over = self.end(t_ns)
                return (*over, *self._begin(point))
        self._latest_ns = t_ns
        self._sum_x += point[1]
        self._sum_y += point[2]
        self._count += 1
        return ()

    def _begin(self, point: Point) -> tuple[EyeEvent, ...]:
        window = self._window
        box = window.add(point)
        onset_ns = window.oldest_ns
        if point[0] - onset_ns < self._time_ns:
            return ()
        points = window.points()
        window.clear()
        self.is_going_on, self._box, self._onset_ns = True, box, onset_ns
        self._latest_ns = self._detected_ns = point[0]
        self._sum_x = self._sum_y = 0.0
        for one in points:  # sum() is another sum from Python 3.12 on
            self._sum_x += one[1]
            self._sum_y += one[2]
        self._count = len(points)
        event = self.event(point[0])
        return (event,) if event else ()

    def keep(self, point: Point) -> None:
        """Take a valid sample within a saccade: if that turns out to be over before it, it belongs to what follows."""
        self._in_saccade.append(point)

    def begin_after(self, offset_ns: int) -> tuple[EyeEvent, ...]:
        """A saccade was over at that time; what was kept since then may begin a fixation."""
        self._window.clear()
        kept = [point for point in self._in_saccade if point[0] >= offset_ns]
        self._in_saccade.clear()
        return tuple(event for point in kept for event in self.take(point))

    def event(self, noticed_ns: int, offset_ns: int | None = None) -> EyeEvent | None:
        """The fixation that goes on, around its centre so far; over where an ``offset_ns`` is given. None where there
        is none."""
        if not self.is_going_on:
            return None
        x, y = self._sum_x / self._count, self._sum_y / self._count
        onset_ns, detected_ns = self._onset_ns, self._detected_ns
        return EyeEvent("fixation", onset_ns, offset_ns, detected_ns, noticed_ns, x, y, nan, nan, nan, nan)

    def end(self, noticed_ns: int, not_after_ns: int | None = None) -> tuple[EyeEvent, ...]:
        """End the fixation that goes on, if there is one: at its last sample, or ``not_after_ns`` if that is earlier.
        A new one begins with samples from here on."""
        offset_ns = self._latest_ns if not_after_ns is None else min(self._latest_ns, not_after_ns)
        event = self.event(noticed_ns, max(offset_ns, self._onset_ns))
        self.is_going_on = False
        self._window.clear()
        self._in_saccade.clear()
        return (event,) if event else ()
