"""When each frame of a session comes in a replay: the one rule, for whoever plays one."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence

from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import SessionReader

DEFAULT_GAP_S = 1.0
"""Between the last frame and the first of the next round, where the session has no interval to take it from."""


class Timeline:
    """When each frame of a session was made, in seconds since the first; it may grow while it is played.

    Where the recording machine's clock was set back between two frames, the second comes with no interval: time does
    not run backwards, and what follows keeps its own intervals. So does a frame whose entry tells no time.

    Attributes:
        offsets: never falling.
    """

    def __init__(self, timestamps: Iterable[float | None] = ()) -> None:
        self.offsets: array[float] = array("d")
        self._first: float | None = None
        self._shift = 0.0
        self.extend(timestamps)

    def extend(self, timestamps: Iterable[float | None]) -> None:
        """Take in more frames, by their Unix seconds; None for one that is not known."""
        for timestamp in timestamps:
            last = self.offsets[-1] if self.offsets else 0.0
            if timestamp is None or not math.isfinite(timestamp):
                self.offsets.append(last)
                continue
            if self._first is None:
                self._first = timestamp - last
            offset = timestamp - self._first + self._shift
            if offset < last:
                self._shift += last - offset
                offset = last
            self.offsets.append(offset if math.isfinite(offset) else last)


def round_s(offsets: Sequence[float]) -> float:
    """Seconds from the first frame to the first frame of the next round: the last interval is used twice."""
    if len(offsets) < 2:
        return DEFAULT_GAP_S
    last = offsets[-1] - offsets[-2]
    return offsets[-1] + (last if last > 0 else DEFAULT_GAP_S)


def times(reader: SessionReader, first: int) -> list[float | None]:
    """Unix seconds of a session's entries from a position on; None for one that says none, or cannot be understood."""
    return [None if isinstance(entry, DamagedMetadata) else entry.timestamp for entry in reader.each(first)]
