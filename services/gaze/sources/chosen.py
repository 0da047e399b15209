"""The source that is chosen, and its samples with their times."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from services.gaze.clock import clock_ns
from services.gaze.sources.gauge import Gauge
from services.gaze.sources.registry import source_of, word_of
from services.gaze.sources.source import EndState, Outlets, Source, SourcePoint, Surroundings
from services.gaze.sources.timing import SampleTimes
from shared.errors import InvalidRequest
from shared.gaze.record.samples import rounded
from shared.gaze.sample import Sample

log = logging.getLogger(__name__)

PREPARE_S = 5.0

Timed = tuple[Sample, float]
"""A sample as the record holds it, with its time by our clock, and that by its source's in seconds; NaN: none."""


class ChosenSource:
    """Owns the source that is chosen, and follows how it does.

    Args:
        supervise: runs a task.
        around: what sources may know.
        are_awaited: whether anything is decided by samples now.
        on_samples: given what can be used, oldest first.
        on_change: called when the source is another one, its state is, or points had to be left out.
    """

    def __init__(
        self,
        supervise: Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]],
        around: Surroundings,
        are_awaited: Callable[[], bool],
        on_samples: Callable[[Sequence[Timed]], None],
        on_change: Callable[[str | None], None],
    ) -> None:
        self._supervise = supervise
        self._around = around
        self._are_awaited = are_awaited
        self._on_samples = on_samples
        self._on_change = on_change
        self._source: Source = source_of("page", around)
        self._task: asyncio.Task[Any] | None = None
        self._times = SampleTimes()
        self._choosing = asyncio.Lock()
        self.gauge = Gauge()

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def word(self) -> str:
        """Its name, cut where it is long."""
        return word_of(self._source.name)

    @property
    def is_of_screen(self) -> bool:
        """Whether its points are fractions of the screen, and not of the page."""
        return self._source.is_of_screen

    async def choose(self, name: str) -> None:
        """Take samples from another source; the same one begins anew. Raises InvalidRequest: there is no such one, or
        it cannot be used; then the one before stays."""
        async with self._choosing:
            source = source_of(name, self._around)
            try:
                await _prepare(source)
            except BaseException:
                source.close()
                raise
            self._begin(source)

    async def begin(self, name: str) -> None:
        """Choose the first source. One that cannot be used is there all the same, as failed. Raises InvalidRequest:
        there is none of that name."""
        source = source_of(name, self._around)
        try:
            await _prepare(source)
        except InvalidRequest as error:
            log.error("there is no gaze: %s", error.detail)
            self._source = source
            self.gauge.end("failed", error.detail)
            return
        self._begin(source)

    def close(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()
        self._source.close()

    def take(self, points: Sequence[SourcePoint]) -> int:
        """Take points of the source that have just come, oldest first; how many can be used."""
        if not points:
            return 0
        now_ns = clock_ns()
        usable: list[Timed] = []
        missing = 0
        times = self._times.take([device_s for _, device_s in points], now_ns)
        for (sample, device_s), t_ns in zip(points, times, strict=True):
            if t_ns is not None:
                taken = rounded(Sample(t_ns, sample.x, sample.y, sample.pupil, sample.confidence, sample.openness))
                missing += not taken.is_valid
                usable.append((taken, device_s))
        if refused := len(points) - len(usable):
            self._refuse(refused)
        if usable:
            if self.gauge.take(now_ns, len(usable), missing):
                self._on_change(None)
            self._on_samples(usable)
        return len(usable)

    def lost(self, count: int) -> None:
        """Points were lost on their way here."""
        if count:
            self.gauge.refused += count
            self._on_change(f"{count} points were lost on their way")

    def watch(self) -> None:
        """Look whether the source has fallen silent, or has another rate. To be called a few times a second."""
        now_ns = clock_ns()
        if self.gauge.watch(now_ns):
            self._on_change(self.gauge.detail)
        elif (rate_hz := self.gauge.another_rate(now_ns)) is not None:
            self._on_change(f"its rate is {rate_hz:.0f} Hz now")

    def _begin(self, source: Source) -> None:
        self.close()
        self._source, self._times, self.gauge = source, SampleTimes(self._times.last_ns), Gauge()
        self._task = self._supervise(source.run(self._outlets_of(source)), f"gaze of {word_of(source.name)}")
        self._on_change("another source was chosen, and nothing has come of it yet")

    def _outlets_of(self, source: Source) -> Outlets:
        def end(state: EndState, detail: str) -> None:
            if source is self._source:
                self.gauge.end(state, detail)
                self._on_change(detail)

        def take(points: Sequence[SourcePoint]) -> int:
            return self.take(points) if source is self._source else 0

        return Outlets(take, end, self._are_awaited)

    def _refuse(self, count: int) -> None:
        """Count points that cannot be used, and tell it ever more rarely: a source may send such without end."""
        before = self.gauge.refused
        self.gauge.refused += count
        if before.bit_length() != self.gauge.refused.bit_length():
            told = f"{self.gauge.refused} points so far were not later than the one before, or had no usable time"
            log.warning("%s: %s", self.word, told)
            self._on_change(told)


async def _prepare(source: Source) -> None:
    """Raises InvalidRequest: it cannot be used, or its disk does not answer."""
    try:
        async with asyncio.timeout(PREPARE_S):
            await source.prepare()
    except TimeoutError:
        raise InvalidRequest(f"{word_of(source.name)} cannot be used: its disk does not answer") from None
