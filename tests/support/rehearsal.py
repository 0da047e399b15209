"""A trial without processes: a viewer, a generator and a display that take their time, on one made-up clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shared.gaze.events import EyeEvent
from shared.gaze.record.samples import rounded
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.config import ScreenSize, TrialConfig
from shared.gaze.trial.inputs import AnyInput
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.trial import Trial

MS = 1_000_000
SCREEN = ScreenSize(px=(1920, 1080), m=(0.531, 0.299), distance_m=0.6)
START_NS = 5_000_000_000
DISPLAY_STARTED_NS = 1_234_567_000
"""Our time at which the display's clock stood at 0."""


def config(**more: Any) -> TrialConfig:
    return TrialConfig.model_validate(
        {
            "trial_id": "t",
            "picture_sha256": "0" * 64,
            "screen": SCREEN,
            "prompts": {"default": ("a kite", "a ladybug")},
            **more,
        }
    )


def own_ms(t_ns: int) -> float:
    """The display's clock at a time of ours."""
    return (t_ns - DISPLAY_STARTED_NS) / 1e6


@dataclass
class Rehearsal:
    """Feeds a trial, and keeps what went in and what came out.

    Attributes:
        generation_ms, decoding_ms: what generator and display take.
        frame_ms: the display's refresh interval; None: it never draws.
        taken: the inputs by number, samples too.
    """

    config: TrialConfig
    generation_ms: float = 300.0
    decoding_ms: float = 20.0
    frame_ms: float | None = 1000 / 60
    display: str | None = "display-1"
    taken: list[tuple[int, Sample | AnyInput]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    t_ns: int = START_NS

    def __post_init__(self) -> None:
        began = inputs.Began(t_ns=START_NS, config=self.config, unix_s=1_800_000_000.0)
        self.trial = Trial(began)
        self.taken.append((0, began))
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._withdrawn: set[str] = set()
        if self.display is not None:
            self.show()
            for number in range(8):
                self.measure(number)

    # -- what goes in -------------------------------------------------------------------------------------------------

    def show(self, *, left: float = 0.0, top: float = 0.0, width: float = 1.0, height: float = 1.0) -> None:
        assert self.display is not None
        self.put(inputs.Viewed, display=self.display, left=left, top=top, width=width, height=height)

    def measure(self, number: int = 0) -> None:
        """One ping of 200 us each way and more."""
        at, way = self.t_ns, 200_000 + 50_000 * number
        self.put(
            inputs.ClockMeasured,
            display=self.display,
            sent_ms=own_ms(at - 2 * way),
            received_ns=at - way,
            answered_ns=at - way,
            returned_ms=own_ms(at),
        )

    def put(self, kind: type[AnyInput], **fields: Any) -> list[Outcome]:
        taken = kind(t_ns=self.t_ns, **fields)
        n = len(self.taken)
        self.taken.append((n, taken))
        return self._came(self.trial.take(n, taken))

    def sample(self, sample: Sample) -> list[Outcome]:
        """Everything that is due before it comes first."""
        self.wait(sample.t_ns)
        taken = rounded(sample)
        n = len(self.taken)
        self.taken.append((n, taken))
        return self._came(self.trial.take_sample(n, taken))

    def look(self, x: float, y: float, for_ms: float, rate_hz: float = 250.0) -> None:
        """Look at one place for a time."""
        until = self.t_ns + round(for_ms * MS)
        while self.t_ns < until:
            self.sample(Sample(self.t_ns + round(1e9 / rate_hz), x, y, confidence=1.0))

    def blink(self, for_ms: float = 150.0, rate_hz: float = 250.0) -> None:
        until = self.t_ns + round(for_ms * MS)
        while self.t_ns < until:
            self.sample(Sample(self.t_ns + round(1e9 / rate_hz)))

    def follow(self, samples: Iterable[Sample], for_s: float) -> None:
        """Take a viewer's samples, whose times begin at 0."""
        began = self.t_ns
        for sample in samples:
            if sample.t_ns > for_s * 1e9:
                return
            if sample.t_ns == 0:
                continue
            self.sample(Sample(began + sample.t_ns, sample.x, sample.y, sample.pupil, sample.confidence))

    def press(self, key: str = " ") -> list[Outcome]:
        return self.put(inputs.Pressed, key=key, display=self.display)

    def end(self) -> list[Outcome]:
        return self.put(inputs.Ended, outcome="complete")

    def wait(self, until_ns: int) -> None:
        """Let generator, display and the trial's own deadlines come until a time."""
        while True:
            deadline = self.trial.deadline_ns
            due = min([self._later[0][0]] if self._later else [], default=until_ns + 1)
            at = due if deadline is None else min(due, deadline)
            if at > until_ns:
                break
            self.t_ns = max(self.t_ns, at)
            if due <= at:
                heapq.heappop(self._later)[2]()
            else:
                self.put(inputs.Ticked)
        self.t_ns = max(self.t_ns, until_ns)

    # -- what comes out -----------------------------------------------------------------------------------------------

    def all(self, kind: type[Any]) -> list[Any]:
        """The outcomes of one kind."""
        return [each.what for each in self.outcomes if isinstance(each.what, kind)]

    def events(self, name: str) -> list[EyeEvent]:
        return [event for event in self.all(EyeEvent) if event.kind == name]

    def _came(self, outcomes: Any) -> list[Outcome]:
        self.outcomes += outcomes
        for outcome in outcomes:
            what = outcome.what
            if isinstance(what, steps.Requested):
                self._after(self.generation_ms, lambda ours=outcome: self._make(ours))
            elif isinstance(what, steps.Swapped) and self.frame_ms is not None:
                self._draw(outcome.id, what)
            elif isinstance(what, steps.Withdrawn):
                self._withdrawn.add(what.swap)
        return list(outcomes)

    def _after(self, ms: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.t_ns + round(ms * MS), next(self._order), work))

    def _make(self, request: Outcome) -> None:
        assert isinstance(request.what, steps.Requested)
        sha256 = f"{len(self.taken):064x}"
        self.put(
            inputs.FrameMade,
            request=request.id,
            frame_id=f"frame-{len(self.taken)}",
            sha256=sha256,
            target=request.what.target_sector,
            generation_ms=self.generation_ms,
        )
        made = str(len(self.taken) - 1)
        if self.display is not None and self.trial.pending == (made, sha256):
            display = self.display
            self._after(self.decoding_ms, lambda: self._decoded(made, display))

    def _decoded(self, made: str, display: str) -> None:
        self.put(inputs.DisplayReady, frame=made, display=display)

    def _draw(self, swap: str, what: steps.Swapped) -> None:
        assert self.frame_ms is not None
        interval = round(self.frame_ms * MS)
        frame = (self.t_ns // interval + 1) * interval + round(what.dark_ms * MS)

        def report() -> None:
            following = frame + interval
            if swap in self._withdrawn or following > what.deadline_ns:
                self.put(inputs.Reported, swap=swap, display=what.display, was_shown=False, reason="too late")
                return
            self.put(
                inputs.Reported,
                swap=swap,
                display=what.display,
                was_shown=True,
                drawn_ms=own_ms(frame + MS),
                frame_ms=own_ms(frame),
                next_frame_ms=own_ms(following),
                refresh_ms=self.frame_ms,
                dropped=0,
            )

        heapq.heappush(self._later, (frame + interval, next(self._order), report))
