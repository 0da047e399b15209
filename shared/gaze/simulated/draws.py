"""Random draws that are the same on every platform and with every Python."""

from __future__ import annotations

from math import cos, exp, log, pi, sqrt
from random import Random

_DIGITS = 9
"""Results are rounded to it, as the logarithms of two C libraries differ in their last bit."""


class Draws:
    """Draws from one seed, for one subject: those for another do not depend on how many are drawn here.

    Only ``random()`` of Python's generator is used, as nobody promises that a later version's other methods draw the
    same.
    """

    def __init__(self, seed: int, subject: str) -> None:
        # As a text, since Python takes a number and its negative for the same seed.
        self.uniform = Random(f"{seed} {subject}").random

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.uniform()

    def normal(self) -> float:
        """Mean 0, standard deviation 1 (Box & Muller, Annals of Mathematical Statistics 29, 1958)."""
        return round(sqrt(-2 * log(1 - self.uniform())) * cos(2 * pi * self.uniform()), _DIGITS)

    def noise(self) -> float:
        """Mean 0, standard deviation 1, nearly normal and never beyond 3: for each sample, so no logarithm."""
        uniform = self.uniform
        return 2 * (uniform() + uniform() + uniform()) - 3

    def lognormal(self, median: float, spread: float, limits: tuple[float, float] | None = None) -> float:
        """In the unit of the median; ``spread`` is the logarithm's standard deviation. Beyond a limit, the limit."""
        value = round(median * exp(spread * self.normal()), _DIGITS)
        return value if limits is None else min(max(value, limits[0]), limits[1])

    def exponential(self, mean: float) -> float:
        """In the unit of the mean."""
        return round(-mean * log(1 - self.uniform()), _DIGITS)
