"""How much a tracker's samples jitter."""

from __future__ import annotations

from math import degrees, sqrt

from shared.gaze.detectors.points import Direction

LEAST_NOISE_DEG = 0.01
"""What the best trackers have; where a file's digits end, samples in a row are often the very same."""
SLOW_AFTER = 50
"""Samples; so slowly the median follows from then on, and so soon it is near."""
_DEGREES = degrees(1)


class Noise:
    """The running median of what is left of each where a steady movement is taken
    away, so that neither pursuit nor a few saccades bear on it.

    Attributes:
        degrees: that median.
    """

    def __init__(self) -> None:
        self.degrees = LEAST_NOISE_DEG
        self._count = 1
        self._one: Direction | None = None
        self._other: Direction | None = None

    def take(self, direction: Direction) -> None:
        """Take the next valid sample."""
        one, other = self._one, self._other
        self._one, self._other = other, direction
        if one is None or other is None:
            return
        x = one[0] + direction[0] - 2 * other[0]
        y = one[1] + direction[1] - 2 * other[1]
        z = one[2] + direction[2] - 2 * other[2]
        self._count += 1
        # A median that needs no memory: a step towards each value, long ones at first.
        step = 1 + 1 / self._count if self._count < SLOW_AFTER else 1 + 1 / SLOW_AFTER
        if sqrt(x * x + y * y + z * z) * _DEGREES > self.degrees:
            self.degrees *= step
        elif self.degrees > LEAST_NOISE_DEG:
            self.degrees /= step

    def interrupt(self) -> None:
        """The next sample has no neighbour."""
        self._one = self._other = None
