"""The gaze process's clock."""

from __future__ import annotations

import time


def clock_ns() -> int:
    """Nanoseconds that never fall. Only differences count. Not ``monotonic_ns``: on Windows that moves in steps of
    15 ms."""
    return time.perf_counter_ns()
