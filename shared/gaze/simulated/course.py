"""What a simulated viewer does after what: fixations, and between two of them a saccade, a blink or a loss."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, radians, sin

from shared.gaze.events import EyeEventKind
from shared.gaze.screen import Screen
from shared.gaze.simulated.draws import Draws
from shared.gaze.simulated.habits import Habits
from shared.gaze.simulated.movements import MainSequence, Movement, Path, Rest
from shared.gaze.simulated.sights import fractions_per_degree, place_of, sight_of, turned, way

_NS = 1_000_000_000
_NEVER_NS = 1 << 80
_PICTURE = (0.03, 0.97)
"""Where saccades may end, in both directions."""
_LEAST_DEG = 0.05
_TRIES = 50
"""Draws of a saccade that ends in the picture; on a screen of a few degrees none may."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A movement and the way of the gaze in it; no way, where nobody sees the eye.

    Attributes:
        per_degree: fractions of width and height that a degree takes where the movement ends.
        lid_opens, lid_closes: whether a blink is before it, or after it.
    """

    movement: Movement
    way: Rest | Path | None
    per_degree: tuple[float, float]
    lid_opens: bool = False
    lid_closes: bool = False


class Course:
    """An endless iterator of phases, each beginning when the one before it ends; the first at 0 ns, in the middle."""

    def __init__(self, draws: Draws, screen: Screen, habits: Habits) -> None:
        self._draws, self._screen, self._habits = draws, screen, habits
        self._now_ns = 0
        self._place = (0.5, 0.5)
        self._before: EyeEventKind = "saccade"
        self._next: EyeEventKind = "fixation"
        self._rest_ns = 0
        """Of a fixation that a blink interrupted."""
        self._blink_due_ns = self._next_blink_ns()
        self._loss_due_ns = self._next_loss_ns()

    def __iter__(self) -> Course:
        return self

    def __next__(self) -> Phase:
        kind = self._next
        if kind == "fixation":
            phase = self._fixation()
        elif kind == "saccade":
            phase = self._saccade()
        else:
            phase = self._absence(kind)
        self._before = kind
        self._now_ns = phase.movement.offset_ns
        self._place = phase.movement.x_end, phase.movement.y_end
        # Not before the phase is over, as the interval lies between blinks.
        if kind == "blink":
            self._blink_due_ns = self._next_blink_ns()
        elif kind == "lost":
            self._loss_due_ns = self._next_loss_ns()
        return phase

    def _fixation(self) -> Phase:
        draws, habits = self._draws, self._habits
        least_ns = round(habits.fixation_limits_s[0] * _NS)
        drawn_s = draws.lognormal(habits.fixation_median_s, habits.fixation_spread, habits.fixation_limits_s)
        length_ns = self._rest_ns or round(drawn_s * _NS)
        due_ns = min(self._blink_due_ns, self._loss_due_ns)
        until_due_ns = max(due_ns - self._now_ns, least_ns)
        self._next, self._rest_ns = "saccade", 0
        if until_due_ns < length_ns:
            self._next = "blink" if self._blink_due_ns == due_ns else "lost"
            self._rest_ns = max(length_ns - until_due_ns, least_ns)
            length_ns = until_due_ns
        x, y = self._place
        per_degree = fractions_per_degree(self._screen, x, y)
        drift_deg = draws.lognormal(habits.drift_median_deg_s, habits.drift_spread) * length_ns / _NS
        angle = draws.between(0, 2 * pi)
        x_end, y_end = x + drift_deg * cos(angle) * per_degree[0], y + drift_deg * sin(angle) * per_degree[1]
        movement = Movement("fixation", self._now_ns, self._now_ns + length_ns, x, y, x_end, y_end)
        return Phase(movement, Rest(movement), per_degree, self._before == "blink", self._next == "blink")

    def _saccade(self) -> Phase:
        draws = self._draws
        end, amplitude = self._target()
        kinematics = MainSequence.of(amplitude, self._habits, draws.lognormal(1, self._habits.speed_spread))
        offset_ns = self._now_ns + round(kinematics.duration_s * _NS)
        peak = kinematics.peak_deg_s
        movement = Movement("saccade", self._now_ns, offset_ns, *self._place, *end, amplitude, peak)
        self._next = "fixation"
        path = Path(self._screen, movement, kinematics.parabola)
        return Phase(movement, path, fractions_per_degree(self._screen, *end))

    def _absence(self, kind: EyeEventKind) -> Phase:
        draws, habits = self._draws, self._habits
        end = self._place
        if kind == "blink":
            length_s = draws.lognormal(habits.blink_median_s, habits.blink_length_spread, habits.blink_limits_s)
        else:
            length_s = habits.loss_least_s + draws.exponential(habits.loss_more_s)
            # Nobody saw where the eyes went meanwhile.
            end, self._rest_ns = self._anywhere(), 0
        movement = Movement(kind, self._now_ns, self._now_ns + round(length_s * _NS), *self._place, *end)
        self._next = "fixation"
        return Phase(movement, None, fractions_per_degree(self._screen, *end))

    def _target(self) -> tuple[tuple[float, float], float]:
        """Where a saccade ends, and its amplitude in degrees."""
        draws, habits = self._draws, self._habits
        start = sight_of(self._screen, *self._place)
        for _ in range(_TRIES):
            angle = draws.between(0, 2 * pi)
            towards = way(start, cos(angle), habits.vertical_share * sin(angle))
            amplitude = draws.lognormal(habits.saccade_median_deg, habits.saccade_spread, habits.saccade_limits_deg)
            x, y = place_of(self._screen, turned(start, towards, radians(amplitude)))
            within = _PICTURE[0] <= x <= _PICTURE[1] and _PICTURE[0] <= y <= _PICTURE[1]
            if within and draws.uniform() < exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / (2 * habits.centre_spread**2)):
                return (x, y), amplitude
        while True:
            end = self._anywhere()
            amplitude = self._screen.degrees_between(*self._place, *end)
            # A screen may be smaller than that, but then nobody looks at it.
            if amplitude >= _LEAST_DEG:
                return end, amplitude

    def _anywhere(self) -> tuple[float, float]:
        return self._draws.between(*_PICTURE), self._draws.between(*_PICTURE)

    def _next_blink_ns(self) -> int:
        habits = self._habits
        if habits.blinks_per_min <= 0:
            return _NEVER_NS
        # A blink that is due waits for a saccade's end and a fixation's least time, so that there are a little fewer.
        mean_s = max(60 / habits.blinks_per_min - habits.blink_median_s, habits.blink_median_s)
        median_s = mean_s / exp(habits.blink_spread**2 / 2)
        return self._now_ns + round(self._draws.lognormal(median_s, habits.blink_spread) * _NS)

    def _next_loss_ns(self) -> int:
        if self._habits.losses_per_min <= 0:
            return _NEVER_NS
        return self._now_ns + round(self._draws.exponential(60 / self._habits.losses_per_min) * _NS)
