"""What the tracker tells of the eyelid: how open the eye is, and how large the pupil that it sees."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import inf

from shared.gaze.detectors.parameters import DetectorParameters, nanoseconds


class Openness:
    """Whether the eye is closed, against how open it usually is: trackers tell millimetres, or a share."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self._share = parameters.closed_share
        self._every_ns = nanoseconds(parameters.openness_every_ms)
        self._count = parameters.openness_count
        self._kept: deque[float] = deque()
        self._sorted: list[float] = []
        self._kept_ns: int | None = None

    def is_closed(self, t_ns: int, openness: float, is_valid: bool) -> bool | None:
        """Whether it is closed at this sample; None where the tracker doesn't tell, or has not told what is usual.
        Values of valid samples alone, in which a pupil is seen, make the usual openness."""
        if not 0 <= openness < inf:
            return None
        if is_valid and openness and (self._kept_ns is None or t_ns - self._kept_ns >= self._every_ns):
            self._keep(t_ns, openness)
        usual = self.usual
        return openness < self._share * usual if usual is not None else None

    @property
    def usual(self) -> float | None:
        """In the tracker's unit; None while there is none."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else None

    def _keep(self, t_ns: int, openness: float) -> None:
        self._kept_ns = t_ns
        self._kept.append(openness)
        insort(self._sorted, openness)
        if len(self._kept) > self._count:
            del self._sorted[bisect_left(self._sorted, self._kept.popleft())]


class PupilFall:
    """A lid that comes down covers the pupil from above: its size falls faster than any pupil narrows."""

    def __init__(self, parameters: DetectorParameters) -> None:
        self._left = 1 - parameters.pupil_fall_share
        self._within_ns = nanoseconds(parameters.pupil_fall_ms)
        self._recent: deque[tuple[int, float]] = deque()

    def is_falling(self, t_ns: int, pupil: float) -> bool:
        """Whether it has fallen by the share within the time, up to this valid sample."""
        recent = self._recent
        if not 0 < pupil < inf:
            recent.clear()
            return False
        while recent and (recent[0][0] < t_ns - self._within_ns or recent[-1][1] <= pupil):
            # The largest stands first: what is smaller and older than this one decides nothing any more.
            if recent[0][0] < t_ns - self._within_ns:
                recent.popleft()
            else:
                recent.pop()
        recent.append((t_ns, pupil))
        return pupil <= recent[0][1] * self._left

    def clear(self) -> None:
        """What comes next is not compared with what was."""
        self._recent.clear()
