"""Giving samples at their times."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from services.gaze.clock import clock_ns
from services.gaze.sources.source import Outlets, SourcePoint
from shared.gaze.sample import Sample

WAKE_S = 0.008
"""Between two wakes: what is due by then is given together. Each wake costs more than a sample does."""
IDLE_S = 0.1
"""The same while nothing comes of samples but a rate."""
LATE_NS = 1_000_000_000
"""A process that was stopped for longer goes on from where it was, and does not hurry to catch up."""


class Pace:
    """When samples are due, by our clock.

    Args:
        speed: how much faster than by their own times.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._began_ns: int | None = None
        self._first_ns = 0

    def due_ns(self, sample: Sample, now_ns: int) -> int:
        """When a sample is to be given; the first at once."""
        if self._began_ns is None:
            self._began_ns, self._first_ns = now_ns, sample.t_ns
        due_ns = self._began_ns + round((sample.t_ns - self._first_ns) / self._speed)
        if now_ns - due_ns > LATE_NS:
            self._began_ns += now_ns - due_ns
            return now_ns
        return due_ns

    def device_s(self, sample: Sample) -> float:
        """Its time in seconds by its own clock, which runs as fast as the samples are given."""
        return sample.t_ns / 1e9 / self._speed


async def give(samples: Iterator[Sample], pace: Pace, outlets: Outlets) -> None:
    """Give samples as they fall due, until there are no more."""
    giving = _Giving(samples, pace, outlets)
    try:
        await giving.done
    finally:
        giving.cancel()


class _Giving:
    """Wakes by a timer of the event loop: a task that sleeps would take two turns of the loop each time."""

    def __init__(self, samples: Iterator[Sample], pace: Pace, outlets: Outlets) -> None:
        self._loop = asyncio.get_running_loop()
        self._samples = samples
        self._pace = pace
        self._outlets = outlets
        self._following = next(samples, None)
        self._timer: asyncio.Handle = self._loop.call_soon(self._wake)
        self.done: asyncio.Future[None] = self._loop.create_future()

    def cancel(self) -> None:
        self._timer.cancel()

    def _wake(self) -> None:
        try:
            wait_s = self._give()
        except Exception as error:  # it is that of who waits
            if not self.done.done():
                self.done.set_exception(error)
            return
        if wait_s is not None:
            self._timer = self._loop.call_later(wait_s, self._wake)
        elif not self.done.done():
            self.done.set_result(None)

    def _give(self) -> float | None:
        """Give what is due. Seconds until more is; None: there is no more."""
        batch: list[SourcePoint] = []
        now_ns = due_ns = clock_ns()
        pace, following = self._pace, self._following
        while following is not None and (due_ns := pace.due_ns(following, now_ns)) <= now_ns:
            batch.append((following, pace.device_s(following)))
            following = next(self._samples, None)
        self._following = following
        if batch:
            self._outlets.take(batch)
        if following is None:
            return None
        return max(WAKE_S if self._outlets.are_awaited() else IDLE_S, (due_ns - clock_ns()) / 1e9)
