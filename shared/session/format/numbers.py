"""Which ``record_seq`` of an epoch are recorded: a set of whole numbers kept as ranges.

Numbers come without gaps, so this is one range an epoch however long a session grows.
"""

from __future__ import annotations

from bisect import bisect_right


class NumberSet:
    """Whole numbers as sorted half-open ranges."""

    __slots__ = ("_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number < self._stops[at]

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.ranges())

    def add(self, number: int) -> None:
        """Put a number in; one that is in already changes nothing."""
        at = bisect_right(self._starts, number)
        if at and number < self._stops[at - 1]:
            return
        if at and self._stops[at - 1] == number:
            at -= 1
            self._stops[at] = number + 1
        else:
            self._starts.insert(at, number)
            self._stops.insert(at, number + 1)
        if at + 1 < len(self._starts) and self._starts[at + 1] == number + 1:
            self._stops[at] = self._stops.pop(at + 1)
            del self._starts[at + 1]

    def count(self, start: int, stop: int) -> int:
        """How many of ``start`` to ``stop - 1`` are in."""
        return sum(max(0, min(past, stop) - max(first, start)) for first, past in self.ranges())

    def ranges(self) -> list[tuple[int, int]]:
        """First number and one past the last, of each range in order."""
        return list(zip(self._starts, self._stops, strict=True))

    @property
    def next(self) -> int:
        """One past the largest; 0 when empty."""
        return self._stops[-1] if self._stops else 0

    def add_range(self, start: int, stop: int) -> None:
        """Put ``start`` to ``stop - 1`` in."""
        for number in range(start, stop):
            self.add(number)
