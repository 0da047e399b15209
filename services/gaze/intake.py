"""The trial that is under way: its inputs get their numbers, and what comes of them is handed on."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from services.gaze.clock import clock_ns
from services.gaze.held import HeldOfTrial
from services.gaze.publishing import Outbox, samples_of, step_of
from services.gaze.sources.chosen import Timed
from services.gaze.timer import Timer
from shared.bus.gaze_messages import GazeSamples
from shared.gaze.events import EyeEvent
from shared.gaze.record import lines, samples
from shared.gaze.record.lines import Origin
from shared.gaze.trial.inputs import AnyInput, Began, Ended, Ticked
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.steps import Committed
from shared.gaze.trial.trial import Trial

log = logging.getLogger(__name__)

FAULT = "a fault in the decision; the log of the gaze process has it"
BATCH_S = 0.008
"""So old may samples be when they are published; what comes of them is published at once."""


class Intake:
    """Feeds one trial. All that is called is synchronous, on the event loop: so inputs have an order.

    Args:
        began: the first input.
        epoch: of this process.
        source: the name of the source that samples come from now.
        outbox: what is published goes there, in the order of numbers.
        held: holds it all for the recorder; None for a trial that is not recorded.
        act: called with each outcome that is a step, as soon as it is on its way to the displays.

    Raises:
        ImpossibleTrial: it cannot be as it is set up.

    Attributes:
        counts: by step, how many there have been.
        ended: the last input; None while the trial goes on.
        is_broken: a fault of ours has ended it, and nobody has tidied up yet.
    """

    def __init__(
        self,
        began: Began,
        epoch: str,
        source: Callable[[], str],
        outbox: Outbox,
        held: HeldOfTrial | None,
        act: Callable[[Outcome], None],
    ) -> None:
        self.trial = Trial(began)
        self.config = began.config
        self.counts: Counter[str] = Counter()
        self.ended: Ended | None = None
        self.is_broken = False
        self.held = held
        self._epoch = epoch
        self._source = source
        self._outbox = outbox
        self._act = act
        self._origin = Origin(began.config.trial_id, began.t_ns, began.unix_s)
        self._next_n = 1
        self._last_ns = began.t_ns
        self._batch = bytearray()
        self._batch_n = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._published_s = 0.0
        self._timer = Timer(self._tick)
        self._hand_on(0, began, ())
        self._timer.set(self.trial.deadline_ns)

    def now_ns(self) -> int:
        """The time of an input that is taken in now: times of inputs never fall."""
        return max(clock_ns(), self._last_ns)

    def take(self, taken: AnyInput) -> int:
        """Take an input in; its number. None may be taken in after the last.

        A decision that fails is a fault of ours: the trial ends by it, and nothing else does."""
        try:
            return self._take(taken)
        except Exception:
            return self._break_off()

    def _take(self, taken: AnyInput) -> int:
        n = self._next_n
        outcomes = self.trial.take(n, taken)
        self._next_n = n + 1  # not before: numbers have no gaps, whatever goes wrong
        self._last_ns = taken.t_ns
        self._publish_batch()
        if isinstance(taken, Ended):
            self.ended = taken
        self._hand_on(n, taken, outcomes)
        if self.ended is not None:
            self._timer.cancel()
            if self.held is not None:
                self.held.ended = True
        else:
            self._timer.set(self.trial.deadline_ns)
        return n

    def take_samples(self, taken: Sequence[Timed]) -> None:
        """Take samples in, oldest first."""
        try:
            self._take_samples(taken)
        except Exception:
            self._break_off()

    def _break_off(self) -> int:
        log.exception("trial %s cannot go on", self.config.trial_id)
        ended = Ended(t_ns=self.now_ns(), outcome="interrupted", reason=FAULT)
        self.ended, self.is_broken = ended, True
        n = self._next_n
        self._next_n += 1
        self._publish_batch()
        line = {**lines.of_input(self._origin, n, ended), lines.BY: "the gaze process, after a fault"}
        self._publish(line)
        if self.held is not None:
            self.held.add_lines(n, [lines.encode(line)])
            self.held.ended = True
        self._timer.cancel()
        return n

    def _take_samples(self, taken: Sequence[Timed]) -> None:
        trial = self.trial
        for sample, device_s in taken:
            if sample.t_ns < self._origin.t_ns:
                continue  # it was taken before the trial began
            n = self._next_n
            outcomes = trial.take_sample(n, sample)
            self._next_n = n + 1
            self.counts["sample"] += 1
            if not self._batch:
                self._batch_n = n
            self._batch += samples.encode(samples.NumberedSample(n, sample, device_s))
            if outcomes:
                self._publish_batch()
                self._hand_on(n, None, outcomes)
        if self._batch and self._flushing is None:
            loop = asyncio.get_running_loop()
            wait_s = self._published_s + BATCH_S - loop.time()
            if wait_s > 0:
                self._flushing = loop.call_later(wait_s, self._publish_batch)
            else:
                self._publish_batch()
        self._timer.set(trial.deadline_ns)

    def _tick(self) -> None:
        if self.ended is None:
            self.take(Ticked(t_ns=self.now_ns()))

    # -- what comes of them -------------------------------------------------------------------------------------------

    def _publish_batch(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if not self._batch:
            return
        self._published_s = asyncio.get_running_loop().time()
        records, self._batch = bytes(self._batch), bytearray()
        count = len(records) // samples.RECORD_BYTES
        if self._outbox.is_heard(GazeSamples.type):  # to send to nobody costs most of what a sample does
            message = samples_of(self._epoch, self.config.trial_id, self._source(), self._batch_n, count)
            self._outbox.put(message, records)
        if self.held is not None:
            # Numbers of samples in a batch follow each other: any other input ends the batch.
            self.held.add_records(self._batch_n + count, records)

    def _hand_on(self, n: int, taken: AnyInput | None, outcomes: Sequence[Outcome]) -> None:
        """Publish an input, where it is no sample, and what came of it; act by it; hold it. In this order: a swap must
        be on its way before anything else is done, but for a commit, for which the swap waits."""
        for outcome in outcomes:
            if isinstance(outcome.what, Committed):
                self._act(outcome)
        told = [] if taken is None else [lines.of_input(self._origin, n, taken)]
        told += [lines.of_outcome(self._origin, outcome) for outcome in outcomes]
        for line in told:
            self._publish(line)
        for outcome in outcomes:
            if not isinstance(outcome.what, EyeEvent | Committed):
                self._act(outcome)
        if self.held is not None:
            self.held.add_lines(n, [lines.encode(line) for line in told])

    def _publish(self, line: dict[str, Any]) -> None:
        self.counts[line["step"]] += 1
        self._outbox.put(step_of(self._epoch, self.config.view, line))
