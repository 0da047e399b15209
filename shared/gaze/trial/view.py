"""Where the picture lies, what of it is looked at, and how far away the rest is."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, log, pi, sin

from shared import sectors
from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

PEAK_LIMIT_DEG_S, PEAK_SCALE_DEG = 600.0, 8.0
"""Peak speed of a saccade = limit * (1 - exp(-amplitude / scale)): the main sequence, in the form of Baloh, Sills,
Kumley and Honrubia (Neurology 25, 1975)."""
MAX_AMPLITUDE_DEG = 30.0
"""Further no saccade is foretold to go: larger ones come with a turn of the head."""
STEPS_AHEAD = 24
"""Points of the way ahead at which it is asked which sectors lie there."""
STEPS_ONWARD = 16
SIDEWAYS_RAD = pi / 12
"""Saccades are not quite straight, and the first samples of one tell its direction to some degrees."""
AT_DIGITS = 6
"""Of a point that is recorded; its sector is that of what is recorded."""

Point = tuple[float, float]


def foretold_amplitude_deg(peak_deg_s: float) -> float:
    """How far a saccade goes that reaches such a speed."""
    if peak_deg_s >= PEAK_LIMIT_DEG_S:
        return MAX_AMPLITUDE_DEG
    return min(-PEAK_SCALE_DEG * log(1 - peak_deg_s / PEAK_LIMIT_DEG_S), MAX_AMPLITUDE_DEG)


@dataclass(frozen=True, slots=True)
class View:
    """A picture on a screen: left, top, width and height as shares of what the gaze's points are fractions of."""

    left: float
    top: float
    width: float
    height: float
    screen: Screen
    grid_size: int
    near: float

    def to_picture(self, x: float, y: float) -> Point:
        """A point of the gaze as fractions of the picture."""
        return (x - self.left) / self.width, (y - self.top) / self.height

    def seen_at(self, sample: Sample) -> Point:
        return self.to_picture(sample.x, sample.y)

    def looked(self, sample: Sample, near: frozenset[str]) -> Looked:
        """Where the viewer looks, of the last sample and the sectors that are looked at."""
        x, y = self.seen_at(sample)
        at = min(max(round(x, AT_DIGITS), 0.0), 1.0), min(max(round(y, AT_DIGITS), 0.0), 1.0)
        return Looked(self, sectors.at_point(*at, self.grid_size), at, near)

    def sectors_near(self, point: Point) -> frozenset[str]:
        """The sectors that are looked at, of a point of the picture: more than one at a border, none well beside it."""
        size, margin = self.grid_size, self.near * self.grid_size
        return frozenset(
            name
            for row, names in enumerate(sectors.NAMES[size])
            if row - margin <= point[1] * size <= row + 1 + margin
            for column, name in enumerate(names)
            if column - margin <= point[0] * size <= column + 1 + margin
        )

    def sectors_ahead(self, saccade: EyeEvent) -> frozenset[str]:
        """The sectors on a saccade's way, from where it is to where its speed so far foretells that it will end."""
        amplitude = saccade.amplitude_deg
        if not amplitude > 0:
            return self.sectors_near(self.to_picture(saccade.x_end, saccade.y_end))
        ahead = max(foretold_amplitude_deg(saccade.peak_deg_s) / amplitude, 1.0)
        right, down = saccade.x_end - saccade.x, saccade.y_end - saccade.y
        found: frozenset[str] = frozenset()
        for step in range(STEPS_AHEAD + 1):
            share = 1 + (ahead - 1) * step / STEPS_AHEAD
            found |= self.sectors_near(self.to_picture(saccade.x + right * share, saccade.y + down * share))
        return found

    def sectors_onward(self, saccade: EyeEvent) -> frozenset[str]:
        """The sectors that a saccade may end in: those before it, however far, and a little to both sides. When one is
        found its speed has not reached its peak, so that it says too little of how far it will go."""
        width, height = self.screen.px
        right, down = (saccade.x_end - saccade.x) * width, (saccade.y_end - saccade.y) * height
        length = hypot(right, down)
        if not length > 0:
            return self.sectors_near(self.to_picture(saccade.x_end, saccade.y_end))
        farthest, found = hypot(width, height), frozenset[str]()
        for turn in (-SIDEWAYS_RAD, 0.0, SIDEWAYS_RAD):
            along = (right * cos(turn) - down * sin(turn)) / length
            across = (right * sin(turn) + down * cos(turn)) / length
            for step in range(STEPS_ONWARD + 1):
                away = farthest * step / STEPS_ONWARD
                x, y = saccade.x_end + along * away / width, saccade.y_end + across * away / height
                found |= self.sectors_near(self.to_picture(x, y))
        return found

    def degrees(self, a: Point, b: Point) -> float:
        """Visual angle between two points of the picture."""
        return self.screen.degrees_between(*self._to_screen(a), *self._to_screen(b))

    def degrees_to_centre(self, point: Point, sector: str) -> float:
        """Visual angle from a point of the picture to the middle of a sector, to the millionth of a degree."""
        row, column = sectors.position(sector, self.grid_size)
        return round(self.degrees(point, ((column + 0.5) / self.grid_size, (row + 0.5) / self.grid_size)), 6)

    def eccentricity_deg(self, point: Point, sector: str) -> float:
        """Visual angle from a point of the picture to the nearest one of a sector; 0 within it."""
        row, column = sectors.position(sector, self.grid_size)
        nearest = (_within(point[0], column, self.grid_size), _within(point[1], row, self.grid_size))
        return self.degrees(point, nearest)

    def _to_screen(self, point: Point) -> Point:
        return self.left + point[0] * self.width, self.top + point[1] * self.height


@dataclass(frozen=True, slots=True)
class Looked:
    """Where the viewer looks now.

    Attributes:
        focus: the sector, and ``at`` the point of it that is nearest to the gaze, as fractions of the picture.
        near: the sectors that are looked at.
    """

    view: View
    focus: str
    at: Point
    near: frozenset[str]


def _within(at: float, place: int, size: int) -> float:
    return min(max(at, place / size), (place + 1) / size)
