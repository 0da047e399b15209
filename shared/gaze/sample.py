"""One sample of an eye tracker."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

MIN_CONFIDENCE = 0.5
"""Below it the tracker itself holds the sample for none (Pupil Labs' own threshold for a blink)."""
NEAR_SCREEN = (-1.0, 2.0)
"""Trackers tell points beside the screen; further away than its own size they are errors."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the eyes look at one time. What the tracker did not tell is NaN.

    Attributes:
        t_ns: nanoseconds, by the clock of whoever took it in; only differences count.
        x, y: fractions of the screen's width and height from its top left.
        pupil: the pupil's diameter or area, in the tracker's own unit.
        confidence: 0 to 1.
        openness: of the eye, in the tracker's own unit: some tell millimetres, some 0 to 1.
    """

    t_ns: int
    x: float = nan
    y: float = nan
    pupil: float = nan
    confidence: float = nan
    openness: float = nan

    @property
    def is_valid(self) -> bool:
        """Whether it says where the eyes look."""
        low, high = NEAR_SCREEN
        # NaN is within no limits.
        return low <= self.x <= high and low <= self.y <= high and not self.confidence < MIN_CONFIDENCE
