"""Which frames are recorded, by number (``record_seq``) or by frame id, in few bytes however long a session grows.

A frame id is a frame's for good. A place (session, epoch and ``record_seq``) tells frames of one stream apart, and no
more: an imported or copied session holds numbers of the session that it was made from, and a new frame of its own may
get the same ones.
"""

from __future__ import annotations

from bisect import bisect_right

_MAX_DIGITS = 18
"""Of a number that ends a frame id: what is longer was made by nobody who counts frames."""


class NumberSet:
    """Whole numbers as sorted half-open ranges: numbers without gaps are one."""

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


class FrameIds:
    """A set of frame ids. Those that end in a number, as the generator's do, are kept as ranges."""

    __slots__ = ("_numbered", "_others")

    def __init__(self) -> None:
        self._numbered: dict[str, NumberSet] = {}
        self._others: set[str] = set()

    def __contains__(self, frame_id: object) -> bool:
        if not isinstance(frame_id, str):
            return False
        start, number = _split(frame_id)
        if number is None:
            return frame_id in self._others
        return number in self._numbered.get(start, ())

    def __len__(self) -> int:
        return len(self._others) + sum(len(numbers) for numbers in self._numbered.values())

    def add(self, frame_id: str) -> None:
        """Put an id in; one that is in already changes nothing."""
        start, number = _split(frame_id)
        if number is None:
            self._others.add(frame_id)
        else:
            self._numbered.setdefault(start, NumberSet()).add(number)

    def update(self, other: FrameIds) -> None:
        """Put all ids of another set in."""
        self._others |= other._others
        for start, numbers in other._numbered.items():
            mine = self._numbered.setdefault(start, NumberSet())
            for first, stop in numbers.ranges():
                mine.add_range(first, stop)


def _split(frame_id: str) -> tuple[str, int | None]:
    """``("5be1...", 41)`` of ``5be1...-41``; no number where putting the two together would not give the id again."""
    start, dash, digits = frame_id.rpartition("-")
    if not dash or not 0 < len(digits) <= _MAX_DIGITS or not (digits.isascii() and digits.isdigit()):
        return frame_id, None
    if digits[0] == "0" and digits != "0":
        return frame_id, None
    return start, int(digits)
