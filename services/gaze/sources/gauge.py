"""How a source does: its state, its rate, how much of it is missing. Pure."""

from __future__ import annotations

from collections import deque

SILENT_NS = 1_000_000_000
WINDOW_NS = 2_000_000_000
"""Over which rate and loss are measured."""
JUMP = 0.25
"""Another rate is one that differs by this share."""
KNOWN_AFTER_NS = 500_000_000
"""Before a source has run for so long its rate is not known."""


class Gauge:
    """Counts what comes of one source.

    Attributes:
        state: ``waiting``, ``running``, ``silent``, ``ended`` or ``failed``.
        detail: what there is to say of it.
        samples: taken in so far.
        refused: points that were none, or whose times ran backwards.
    """

    def __init__(self) -> None:
        self.state = "waiting"
        self.detail: str | None = None
        self.samples = 0
        self.refused = 0
        self._batches: deque[tuple[int, int, int]] = deque()
        """When it came, samples in it, and how many of them say nothing of where the eyes look."""
        self._told_hz: float | None = None
        self._told_ns = 0
        self._count = 0
        self._missing = 0

    @property
    def is_over(self) -> bool:
        return self.state in ("ended", "failed")

    def take(self, arrival_ns: int, count: int, missing: int) -> bool:
        """Take note of samples that have come together; whether the source runs from now on."""
        self.samples += count
        self._batches.append((arrival_ns, count, missing))
        self._count += count
        self._missing += missing
        self._forget(arrival_ns)
        begins = self.state in ("waiting", "silent")
        if begins:
            self.state, self.detail = "running", None
        return begins

    def watch(self, now_ns: int) -> bool:
        """Look at the time; whether the source is silent from now on."""
        if self.state != "running" or not self._batches or now_ns - self._batches[-1][0] < SILENT_NS:
            return False
        self.state, self.detail = "silent", "nothing has come for a second"
        return True

    def another_rate(self, now_ns: int) -> float | None:
        """The rate, where it is another one than was told last; told anew once the window holds nothing of before."""
        if self.state != "running" or now_ns - self._told_ns < WINDOW_NS or (rate_hz := self.rate_hz(now_ns)) is None:
            return None
        told_hz, self._told_ns = self._told_hz, now_ns
        if told_hz is not None and abs(rate_hz - told_hz) <= JUMP * told_hz:
            return None
        self._told_hz = rate_hz
        return None if told_hz is None else rate_hz

    def end(self, state: str, detail: str) -> None:
        """No more will come."""
        self.state, self.detail = state, detail

    def rate_hz(self, now_ns: int) -> float | None:
        """Samples a second; None where it is not known, or there are none."""
        self._forget(now_ns)
        if len(self._batches) < 2:
            return None
        first_ns, first_count, _ = self._batches[0]
        passed_ns = self._batches[-1][0] - first_ns
        if passed_ns < KNOWN_AFTER_NS:
            return None
        return (self._count - first_count) * 1e9 / passed_ns

    def loss(self, now_ns: int) -> float | None:
        """Share of samples that say nothing of where the eyes look; None where there are none."""
        self._forget(now_ns)
        return self._missing / self._count if self._count else None

    def age_s(self, now_ns: int) -> float | None:
        """Of the newest sample, by its coming; None before the first."""
        return max(0, now_ns - self._batches[-1][0]) / 1e9 if self._batches else None

    def _forget(self, now_ns: int) -> None:
        # The newest stays, for its age.
        while len(self._batches) > 1 and now_ns - self._batches[0][0] > WINDOW_NS:
            _, count, missing = self._batches.popleft()
            self._count -= count
            self._missing -= missing
