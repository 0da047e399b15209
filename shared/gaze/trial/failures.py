"""How long to ask nothing of a generator that has just said no."""

from __future__ import annotations

REST_AFTER_FAILURE_MS, LONGEST_REST_MS = 2000.0, 30_000.0
"""After a refusal the same gaze must not hammer a generator that has just said no: after each in a row it waits twice
as long."""


class Failures:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self._count = 0

    def failed(self, t_ns: int, retry_after_ms: float | None) -> int:
        """The generator has refused; until when nothing is to be asked of it."""
        rest_ms: float = min(REST_AFTER_FAILURE_MS * 2 ** min(self._count, 10), LONGEST_REST_MS)
        self._count += 1
        return t_ns + round(max(rest_ms, retry_after_ms or 0.0) * 1e6)

    def succeeded(self) -> None:
        """The generator has made something."""
        self._count = 0
