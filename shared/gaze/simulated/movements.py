"""What a simulated viewer does at a time, and where its gaze is meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, nan

from shared.gaze.events import EyeEventKind
from shared.gaze.screen import Screen
from shared.gaze.simulated.habits import Habits
from shared.gaze.simulated.sights import place_of, sight_of, turned, way_between

_SMOOTHEST, _FLATTEST = 1.875, 1.5
"""Peak by mean speed of the two profiles that :meth:`Path.share` mixes."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that the viewer did; what a detector should have found.

    Attributes:
        kind: in a ``blink`` and while ``lost`` there are no samples.
        onset_ns, offset_ns: it lasts from the one until before the other; between samples, as a rule.
        x, y, x_end, y_end: where the gaze was at both, as fractions of the screen, without the tracker's noise.
        amplitude_deg, peak_deg_s: of a saccade; NaN else.
    """

    kind: EyeEventKind
    onset_ns: int
    offset_ns: int
    x: float
    y: float
    x_end: float
    y_end: float
    amplitude_deg: float = nan
    peak_deg_s: float = nan


@dataclass(frozen=True, slots=True)
class MainSequence:
    """Duration and peak speed of a saccade.

    Its speed is a mixture of two profiles, so that duration and peak are both what they shall be: that of minimum
    jerk, a quintic's (Flash & Hogan, Journal of Neuroscience 5, 1985), and a parabola. Looked at closely, people's
    saccades are not of minimum jerk (Harwood, Mezey & Harris, Journal of Neuroscience 19, 1999), and the longer they
    last, the less alike are their two halves (Van Opstal & Van Gisbergen, Vision Research 27, 1987); that is left out.

    Attributes:
        duration_s, peak_deg_s: from the amplitude.
        parabola: its share of the mixture, 0 to 1.
    """

    duration_s: float
    peak_deg_s: float
    parabola: float

    @classmethod
    def of(cls, amplitude_deg: float, habits: Habits, slowness: float = 1.0) -> MainSequence:
        """For an amplitude above 0; slowness multiplies the duration, and divides the peak."""
        duration_s = habits.duration_base_s + habits.duration_s_per_deg * amplitude_deg
        peak_deg_s = habits.peak_limit_deg_s * (1 - exp(-amplitude_deg / habits.peak_scale_deg))
        # Other habits may ask for a ratio that no mixture has. Then the duration holds.
        ratio = min(max(peak_deg_s * duration_s / amplitude_deg, _FLATTEST), _SMOOTHEST)
        duration_s *= slowness
        parabola = (_SMOOTHEST - ratio) / (_SMOOTHEST - _FLATTEST)
        return cls(duration_s, ratio * amplitude_deg / duration_s, parabola)


class Rest:
    """A gaze that drifts from one place to another, evenly."""

    def __init__(self, movement: Movement) -> None:
        self._start = movement.onset_ns, movement.x, movement.y
        length_ns = movement.offset_ns - movement.onset_ns
        self._speed = (movement.x_end - movement.x) / length_ns, (movement.y_end - movement.y) / length_ns

    def at(self, t_ns: int) -> tuple[float, float]:
        """The gaze at a time of the movement, as fractions of the screen."""
        onset_ns, x, y = self._start
        past_ns = t_ns - onset_ns
        return x + past_ns * self._speed[0], y + past_ns * self._speed[1]


class Path:
    """The gaze in a saccade, which turns about one axis, as straight as an eye can."""

    def __init__(self, screen: Screen, movement: Movement, parabola: float) -> None:
        self._screen = screen
        self._onset_ns = movement.onset_ns
        self._length_ns = movement.offset_ns - movement.onset_ns
        self._parabola = parabola
        self._start = sight_of(screen, movement.x, movement.y)
        self._way, self._angle = way_between(self._start, sight_of(screen, movement.x_end, movement.y_end))

    def share(self, time: float) -> float:
        """How much of the way is done after a share of the time."""
        quintic = time * time * time * (10 + time * (6 * time - 15))
        cubic = time * time * (3 - 2 * time)
        return quintic + self._parabola * (cubic - quintic)

    def at(self, t_ns: int) -> tuple[float, float]:
        """The gaze at a time of the movement, as fractions of the screen."""
        share = self.share((t_ns - self._onset_ns) / self._length_ns)
        return place_of(self._screen, turned(self._start, self._way, share * self._angle))
