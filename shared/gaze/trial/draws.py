"""Random numbers that are the same on every machine and in every order of asking: each has a name."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from math import cos, exp, log, pi, sqrt
from typing import TypeVar

T = TypeVar("T")

_BITS = 53
"""Of a number that a float holds exactly."""
_LIMIT = 1 << _BITS


class Draws:
    """Numbers drawn from a seed and a name, by SHA-256: the same name gives the same number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def uniform(self, *name: str | int) -> float:
        """From 0 to 1, without 1."""
        return self._bits(name) / _LIMIT

    def below(self, limit: int, *name: str | int) -> int:
        """A whole number from 0 to ``limit`` - 1; ``limit`` is at most 2^53."""
        return self._bits(name) * limit // _LIMIT

    def one_of(self, items: Sequence[T], *name: str | int) -> T:
        return items[self.below(len(items), *name)]

    def lognormal(self, mean: float, sigma: float, *name: str | int) -> float:
        """With this mean; ``sigma`` is the standard deviation of its logarithm (by Box and Muller, 1958)."""
        radius = sqrt(-2 * log(1 - self.uniform(*name, "radius")))
        return mean * exp(sigma * radius * cos(2 * pi * self.uniform(*name, "angle")) - sigma * sigma / 2)

    def _bits(self, name: tuple[str | int, ...]) -> int:
        said = "/".join(map(str, (self._seed, *name)))
        return int.from_bytes(sha256(said.encode()).digest()[:8], "big") >> (64 - _BITS)
