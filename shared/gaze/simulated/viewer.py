"""A simulated viewer: an endless stream of samples from a seed."""

from __future__ import annotations

from collections import deque
from math import exp, nan, sqrt

from shared.gaze.sample import Sample
from shared.gaze.screen import Screen
from shared.gaze.simulated.course import Course, Phase
from shared.gaze.simulated.draws import Draws
from shared.gaze.simulated.habits import Habits
from shared.gaze.simulated.movements import Movement

DEFAULT_HABITS = Habits()
_NS = 1_000_000_000
_DIGITS = 6
"""Of what samples tell: below any tracker's noise, and above what two C libraries differ by."""
_LID_AT_LOSS = 0.4
"""How open the eye is when its pupil is lost to sight."""


class SimulatedViewer:
    """Samples of somebody who looks at a picture and does nothing else: an iterator without end.

    The same seed, screen, rate and habits give the same samples on every platform. However long it goes on, it keeps no
    more than its last movements. It knows no clock: whoever wants samples at their times waits for these.

    Pupils are diameters in millimetres, openness is 0 to 1. Of a missing sample, x, y and pupil are NaN, the
    confidence is 0, and openness is 0 in a blink and NaN where the tracker lost the eye.

    Args:
        seed: any integer.
        screen: what the picture fills.
        rate_hz: samples a second.
        habits: how the eyes move.
        keeps: how many movements :attr:`truth` goes back; about 7 begin in a second.

    Raises:
        ValueError: a rate that is not above 0.
    """

    def __init__(
        self,
        seed: int,
        screen: Screen,
        rate_hz: float = 250.0,
        habits: Habits = DEFAULT_HABITS,
        *,
        keeps: int = 4096,
    ) -> None:
        if not rate_hz > 0:
            raise ValueError(f"a rate of {rate_hz} Hz gives no samples; give one above 0")
        self._rate_hz = rate_hz
        self._habits = habits
        self._draws = Draws(seed, "samples")
        # Of its own, so that the movements are the same whatever the rate and the noise.
        self._course = Course(Draws(seed, "movements"), screen, habits)
        self._phase = next(self._course)
        self._over: deque[Movement] = deque(maxlen=keeps)
        self._index = 0
        self._noise_deg = habits.noise_deg / 2  # two axes, and the difference of two samples
        self._pupil_mm = 0.0
        self._pupil_keeps = round(exp(-1 / (rate_hz * habits.pupil_wander_s)), 12)
        self._pupil_step_mm = habits.pupil_spread_mm * sqrt(1 - self._pupil_keeps**2)

    @property
    def truth(self) -> tuple[Movement, ...]:
        """What was over at the last sample, the oldest first; no more than the last ``keeps``."""
        return tuple(self._over)

    @property
    def doing(self) -> Movement:
        """What it was doing at the last sample; its offset is yet to come."""
        return self._phase.movement

    def __iter__(self) -> SimulatedViewer:
        return self

    def __next__(self) -> Sample:
        """The next sample: the one of index i is at round(i * 1e9 / rate) ns."""
        t_ns = round(self._index * 1e9 / self._rate_hz)
        self._index += 1
        while t_ns >= self._phase.movement.offset_ns:
            self._over.append(self._phase.movement)
            self._phase = next(self._course)
        draws, phase, habits = self._draws, self._phase, self._habits
        # All is drawn for every sample, so that none depends on what another's absence left undrawn.
        right, down = draws.noise() * self._noise_deg, draws.noise() * self._noise_deg
        self._pupil_mm = self._pupil_mm * self._pupil_keeps + draws.noise() * self._pupil_step_mm
        is_missing = draws.uniform() < habits.missing_share
        if phase.way is None or is_missing:
            return Sample(t_ns, confidence=0.0, openness=0.0 if phase.movement.kind == "blink" else nan)
        lid = self._lid(phase, t_ns)
        pupil_mm = habits.pupil_mm + self._pupil_mm
        if lid:
            down += lid * habits.lid_drop_deg
            pupil_mm *= 1 - lid * habits.lid_pupil_share
        x, y = phase.way.at(t_ns)
        return Sample(
            t_ns,
            round(x + right * phase.per_degree[0], _DIGITS),
            round(y + down * phase.per_degree[1], _DIGITS),
            round(pupil_mm, _DIGITS),
            1.0,
            round(1 - lid * (1 - _LID_AT_LOSS), _DIGITS),
        )

    def _lid(self, phase: Phase, t_ns: int) -> float:
        """How much the lid is in the way: 0 not at all, 1 when the pupil is about to be lost."""
        lid = 0.0
        closing_ns, opening_ns = self._habits.lid_closing_s * _NS, self._habits.lid_opening_s * _NS
        if phase.lid_closes and (left_ns := phase.movement.offset_ns - t_ns) < closing_ns:
            lid = 1 - left_ns / closing_ns
        if phase.lid_opens and (past_ns := t_ns - phase.movement.onset_ns) < opening_ns:
            lid = max(lid, 1 - past_ns / opening_ns)
        return lid
