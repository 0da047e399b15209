"""Training time that does not count pauses, so a run stopped by SIGSTOP keeps its schedule."""

from __future__ import annotations

import time

PAUSE_S = 20.0
"""A step that seems to last longer than this was a pause of the process, not work."""


class Clock:
    """Counts seconds of work; ``spent`` goes into the checkpoint and comes back from it."""

    def __init__(self, minutes: float, spent: float = 0.0) -> None:
        self.total, self.spent = minutes * 60, spent
        self._last = time.monotonic()

    def tick(self) -> float:
        """Count the time since the last tick; returns the share of the run done (1 and over: finished)."""
        now = time.monotonic()
        self.spent += min(now - self._last, PAUSE_S)
        self._last = now
        return self.spent / self.total

    def skip(self) -> None:
        """Forget the time since the last tick: compiling, writing sheets."""
        self._last = time.monotonic()
