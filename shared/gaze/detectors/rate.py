"""How often samples come, measured from them."""

from __future__ import annotations

from math import nan
from statistics import median

KEPT = 16
"""Spacings whose median is taken: a few lost samples change nothing, and a rate that jumps is soon followed."""
EVERY = 4
"""Spacings between two medians."""
FIRST = 3


class RateMeter:
    """The usual spacing of samples.

    Args:
        rate_hz: what the tracker is said to have, until enough samples are there to measure it; None: nobody says.

    Attributes:
        spacing_ns: nanoseconds from a sample to the next; 0 while not even one is known.
        is_measured: whether it is measured, not said.
    """

    def __init__(self, rate_hz: float | None = None) -> None:
        self.spacing_ns = 1e9 / rate_hz if rate_hz else 0.0
        self.is_measured = False
        self._is_said = bool(rate_hz)
        self._spacings: list[int] = []
        self._next = 0
        self._due = FIRST

    def take(self, spacing_ns: int) -> float:
        """Take the time between two samples; returns what is now usual."""
        if len(self._spacings) < KEPT:
            self._spacings.append(spacing_ns)
        else:
            self._spacings[self._next] = spacing_ns
            self._next = (self._next + 1) % KEPT
        self._due -= 1
        if self._due <= 0:
            self._due = EVERY if len(self._spacings) >= EVERY else 1
            self.spacing_ns = float(median(self._spacings))
            self.is_measured = True
        elif not self.is_measured and not self._is_said:
            self.spacing_ns = float(median(self._spacings))
        return self.spacing_ns

    @property
    def rate_hz(self) -> float:
        """As measured; NaN before it is."""
        return 1e9 / self.spacing_ns if self.is_measured and self.spacing_ns else nan
