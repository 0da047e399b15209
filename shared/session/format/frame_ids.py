"""Which frames a session holds, by the one key that is theirs for good: the frame id.

A frame's place in the recording (session, epoch and ``record_seq``) tells frames of one stream apart, and no more: an
imported or copied session holds numbers of the session that it was made from, and a new frame of its own may get the
same ones.
"""

from __future__ import annotations

from shared.session.format.numbers import NumberSet

_MAX_DIGITS = 18
"""Of a number that ends a frame id: what is longer was made by nobody who counts frames."""


class FrameIds:
    """A set of frame ids. Those that end in a number, as the generator's do, are kept as ranges: few bytes however
    long a session grows."""

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
