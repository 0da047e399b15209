"""A figure with its limit, and the statistics behind it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        value: a ratio or a count.
        at_most, at_least: the limit that the project promises, if any.
        detail: what it was made of.
    """

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def limit(self) -> str:
        """The limit in words."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def abba(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Medians of two measurements taken in the order A B B A, so that drift of the machine meets both alike."""
    values: tuple[list[float], list[float]] = ([], [])
    for which in _order(rounds):
        values[which].append((first, second)[which]())
    return statistics.median(values[0]), statistics.median(values[1])


def _order(rounds: int) -> Iterator[int]:
    for _ in range(rounds):
        yield from (0, 1, 1, 0)
