"""A display's clock against ours, as in NTP: of the last measurements the one with the shortest round trip."""

from __future__ import annotations

from collections import deque

from shared.gaze.trial.inputs import ClockMeasured

BEST_OF = 8


class DisplayClock:
    """How a display's milliseconds become our nanoseconds, and back."""

    def __init__(self) -> None:
        self._measured: deque[tuple[int, int]] = deque(maxlen=BEST_OF)

    def take(self, measured: ClockMeasured) -> bool:
        """Take a measurement; whether it can be one. What it says of itself may be anything."""
        sent_ns, returned_ns = round(measured.sent_ms * 1e6), round(measured.returned_ms * 1e6)
        trip_ns = (returned_ns - sent_ns) - (measured.answered_ns - measured.received_ns)
        if trip_ns < 0 or measured.answered_ns < measured.received_ns:
            return False
        offset_ns = ((measured.received_ns - sent_ns) + (measured.answered_ns - returned_ns)) // 2
        self._measured.append((trip_ns, offset_ns))
        return True

    @property
    def is_known(self) -> bool:
        return bool(self._measured)

    @property
    def error_ns(self) -> int:
        """How far it may be off: half the round trip of the best measurement."""
        return min(self._measured)[0] // 2

    def to_ours(self, display_ms: float) -> int:
        return round(display_ms * 1e6) + min(self._measured)[1]

    def to_display(self, t_ns: int) -> float:
        """Milliseconds, to the microsecond."""
        return round((t_ns - min(self._measured)[1]) / 1e6, 3)
