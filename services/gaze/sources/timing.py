"""When a sample was taken, by our clock. Pure.

A source's own clock spaces its samples well, and its zero is anywhere; what comes over a network comes late, now more
and now less. So a sample gets its source's time and an offset, which is the least that was seen between a sample's time
and its coming: jitter makes things come later, never earlier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import isfinite, isnan

PART_NS = 500_000_000
KEPT_PARTS = 40
"""The least delay of each such part of the last 20 s is kept: within that time some sample comes hardly late at all."""
RECENT_PARTS = 4
SLEW = 0.0005
"""A larger offset is gone over to by this share of the time passed: more than any clocks drift, less than a speed
shows."""
LEAP_NS = 100_000_000
"""Where all samples of the last seconds come later by more, the source's clock stood still: that is taken at once."""
RESTART_NS = 1_000_000_000
"""A clock that is back by more has begun anew."""
STUCK_NS = 250_000_000
"""A source whose samples have all been refused for so long has set its clock back."""
SPREAD_NS = 20_000_000
"""Samples without a time that come together are taken to be at most so far apart."""
MAX_DEVICE_S = 1e10
"""Seconds since 1970 are 1.8e9; a number beyond this is in another unit."""


class SampleTimes:
    """Gives samples their times, each later than the one before, and none later than its coming.

    Args:
        after_ns: all are later than this: the last time of the source before.

    Attributes:
        last_ns: the time of the last sample.
        restarts: how often the source's clock has begun anew.
    """

    def __init__(self, after_ns: int = 0) -> None:
        self.restarts = 0
        self.last_ns = after_ns
        self._device_ns: int | None = None
        """Of the last sample, by its own."""
        self._offset_ns = 0
        self._least: deque[int] = deque(maxlen=KEPT_PARTS)
        """Of each part."""
        self._part_ns = 0
        self._refused_since_ns: int | None = None

    def take(self, device_s: Sequence[float], arrival_ns: int) -> list[int | None]:
        """Times of samples that have come together, oldest first; None: it ran backwards, and cannot be used.

        Args:
            device_s: seconds by the source's clock, NaN where it told none.
            arrival_ns: by our clock.
        """
        timed = [round(value * 1e9) for value in device_s if isfinite(value) and abs(value) <= MAX_DEVICE_S]
        if timed:
            self._follow(timed, arrival_ns)
        untimed = len(device_s) - len(timed)
        spacing_ns = min((arrival_ns - self.last_ns) // max(1, untimed), SPREAD_NS)
        times: list[int | None] = []
        for value in device_s:
            if isnan(value):
                untimed -= 1
                times.append(self._accept(arrival_ns - untimed * spacing_ns))
            elif not isfinite(value) or abs(value) > MAX_DEVICE_S:
                untimed -= 1
                times.append(None)
            else:
                times.append(self._timed(round(value * 1e9), arrival_ns))
        return times

    def _timed(self, device_ns: int, arrival_ns: int) -> int | None:
        time_ns = None
        if self._device_ns is None or device_ns > self._device_ns:
            time_ns = self._accept(device_ns + self._offset_ns)
        if time_ns is not None:
            self._device_ns, self._refused_since_ns = device_ns, None
        elif self._refused_since_ns is None:
            self._refused_since_ns = arrival_ns
        return time_ns

    def _accept(self, time_ns: int) -> int | None:
        if time_ns <= self.last_ns:
            return None
        self.last_ns = time_ns
        return time_ns

    def _follow(self, timed: list[int], arrival_ns: int) -> None:
        """Find the offset that holds for samples that have just come."""
        newest_ns = max(timed)
        if self._has_restarted(newest_ns, arrival_ns):
            self.restarts += 1
            self._begin()
        self._see(arrival_ns - newest_ns, arrival_ns)
        recent = list(self._least)[-RECENT_PARTS:]
        if self._device_ns is None:
            self._offset_ns = min(self._least)
        elif min(recent) - self._offset_ns > LEAP_NS and len(self._least) > RECENT_PARTS:
            self._least = deque(recent, KEPT_PARTS)
            self._offset_ns = min(recent)
        else:
            passed_ns = max(0, newest_ns - self._device_ns)
            self._offset_ns = min(*self._least, self._offset_ns + round(SLEW * passed_ns))

    def _see(self, delay_ns: int, arrival_ns: int) -> None:
        if not self._least or arrival_ns - self._part_ns >= PART_NS:
            self._least.append(delay_ns)
            self._part_ns = arrival_ns
        else:
            self._least[-1] = min(self._least[-1], delay_ns)

    def _has_restarted(self, newest_ns: int, arrival_ns: int) -> bool:
        if self._device_ns is None:
            return False
        if self._device_ns - newest_ns > RESTART_NS:
            return True
        return self._refused_since_ns is not None and arrival_ns - self._refused_since_ns > STUCK_NS

    def _begin(self) -> None:
        self._device_ns = self._refused_since_ns = None
        self._least.clear()
