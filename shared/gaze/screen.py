"""The screen, and how much of the field of view lies between two of its points."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, tan


@dataclass(frozen=True, slots=True)
class Screen:
    """A flat screen, looked at straight on.

    Attributes:
        px: width and height in pixels.
        m: width and height in metres.
        distance_m: from the eyes to the middle of the screen.
        is_assumed: whether nobody has measured it, so that degrees are rough.
    """

    px: tuple[int, int]
    m: tuple[float, float]
    distance_m: float
    is_assumed: bool = False

    def degrees_between(self, x1: float, y1: float, x2: float, y2: float) -> float:
        """Visual angle between two points, which are fractions of the screen; exact, also beside its middle."""
        a = ((x1 - 0.5) * self.m[0], (y1 - 0.5) * self.m[1], self.distance_m)
        b = ((x2 - 0.5) * self.m[0], (y2 - 0.5) * self.m[1], self.distance_m)
        cross = hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
        return degrees(atan2(cross, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]))

    def fraction_of(self, angle_deg: float) -> tuple[float, float]:
        """How much of the screen's width and height an angle takes around its middle."""
        length_m = 2 * self.distance_m * tan(_half_radians(angle_deg))
        return length_m / self.m[0], length_m / self.m[1]


def _half_radians(angle_deg: float) -> float:
    return angle_deg * 0.008726646259971648  # pi / 360


ASSUMED_SCREEN = Screen((1920, 1080), (0.531, 0.299), 0.6, is_assumed=True)
"""A 24 inch monitor at arm's length, until the settings or a display say otherwise."""
