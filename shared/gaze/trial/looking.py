"""Where the viewer looks: the detectors, the samples of the last moments, and which sectors are looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from shared.gaze.detectors.eyes import EyeDetectors, RanBackwards
from shared.gaze.detectors.parameters import DetectorParameters
from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from shared.gaze.screen import Screen
from shared.gaze.trial.view import View

STALE_NS = 1_000_000_000
"""After so long without a valid sample nobody knows where the viewer looks. Blinks are over by then."""
LOOKED_AT = "the viewer looks where it would change"
NOT_KNOWN = "nobody knows where the viewer looks"
KEPT = 2048
"""Valid samples: two seconds at 1000 Hz, in which a display has reported."""


class Looking:
    """Takes samples in; ``last`` is the last valid one, None where nobody knows any more.

    Attributes:
        saccade_id: the id of the onset of the saccade that goes on, as the trial has told it.
    """

    def __init__(self, screen: Screen, parameters: DetectorParameters) -> None:
        self._screen = screen
        self._parameters = parameters
        self._eyes = EyeDetectors(screen, parameters)
        self._seen: deque[Sample] = deque(maxlen=KEPT)
        self.last: Sample | None = None
        self.saccade_id: str | None = None

    def take(self, sample: Sample) -> Sequence[EyeEvent]:
        """Take a sample. One that is not later than the last says nothing: whoever numbers samples leaves it out."""
        try:
            events = self._eyes.take(sample)
        except RanBackwards:
            return ()
        if sample.is_valid:
            self.last = sample
            self._seen.append(sample)
        return events

    def tick(self, t_ns: int) -> Sequence[EyeEvent]:
        return self._eyes.tick(t_ns)

    def begin_anew(self) -> None:
        """The samples are of another source from now on."""
        self._eyes = EyeDetectors(self._screen, self._parameters)
        self.forget()

    def forget(self) -> None:
        """Nobody knows where the viewer looks until the next valid sample."""
        self.last, self.saccade_id = None, None
        self._seen.clear()

    @property
    def deadline_ns(self) -> int | None:
        return self._eyes.deadline_ns

    @property
    def saccade(self) -> EyeEvent | None:
        """The one that goes on, as far as it is."""
        return self._eyes.going_on("saccade")

    @property
    def rate_hz(self) -> float:
        """Samples a second, as measured; NaN before that is known."""
        return self._eyes.rate_hz

    def looked_at(self, view: View, t_ns: int) -> frozenset[str] | None:
        """The sectors that are looked at, or will be where the present movement ends; None: nobody knows."""
        last = self.last
        if last is None or t_ns - last.t_ns > STALE_NS or self._eyes.going_on("lost") is not None:
            return None
        near = view.sectors_near(view.seen_at(last))
        saccade = self.saccade
        return near if saccade is None else near | view.sectors_ahead(saccade)

    def before(self, t_ns: int) -> Sample | None:
        """The last valid sample that is not later than a time; None where it was too long before."""
        found = next((sample for sample in reversed(self._seen) if sample.t_ns <= t_ns), None)
        return found if found is not None and t_ns - found.t_ns <= STALE_NS else None

    def was_towards(self, view: View, sector: str, from_ns: int, until_ns: int) -> bool:
        """Whether any valid sample of a time, or the one before it, was at a sector, or two of them went across it."""
        first = self.before(from_ns)
        seen = ([first] if first else []) + [sample for sample in self._seen if from_ns < sample.t_ns <= until_ns]
        points = [view.seen_at(sample) for sample in seen]
        middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in pairwise(points)]
        return any(sector in view.sectors_near(point) for point in (*points, *middles))
