"""All detectors together, fed with one sample at a time."""

from __future__ import annotations

from shared.gaze.detectors.blinks import Absences
from shared.gaze.detectors.fixations import Fixations
from shared.gaze.detectors.openness import Openness, PupilFall
from shared.gaze.detectors.parameters import DEFAULTS, DetectorParameters, nanoseconds
from shared.gaze.detectors.points import point_of
from shared.gaze.detectors.rate import RateMeter
from shared.gaze.detectors.saccades import Saccades
from shared.gaze.events import EyeEvent, EyeEventKind
from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

GAP_SPACINGS = 2.5
"""More than so many usual spacings between two samples, and more than the time of a blink, is a gap: nobody knows what
the eyes did in it."""

Events = tuple[EyeEvent, ...]


class RanBackwards(ValueError):
    """A sample is not later than the one before; the message says by how much. It has changed nothing: leave it out."""


class EyeDetectors:
    """Saccades, blinks, fixations and losses in a stream of samples: a pure function of samples and ticks.

    Each event is told at its onset (its ``offset_ns`` is None) and once more when it is over. In one answer what
    ends stands before what begins.

    Args:
        screen: whose fractions the samples tell.
        parameters: thresholds.
        rate_hz: what the tracker is said to have, until it is measured; None: it is measured from the first samples on.

    Attributes:
        gaze: the last valid sample that counts; None while a blink or a loss goes on, and a little after.
    """

    def __init__(self, screen: Screen, parameters: DetectorParameters = DEFAULTS, rate_hz: float | None = None) -> None:
        self.gaze: Sample | None = None
        self._screen = screen
        self._silence_ns = nanoseconds(parameters.silence_ms)
        self._gap_ns = nanoseconds(parameters.blink_after_ms)
        self._rate = RateMeter(rate_hz)
        self._openness = Openness(parameters)
        self._pupil = PupilFall(parameters) if parameters.early_blink else None
        self._absences = Absences(parameters)
        self._saccades = Saccades(parameters)
        self._fixations = Fixations(parameters)
        self._t_ns: int | None = None

    def take(self, sample: Sample) -> Events:
        """Take the next sample; returns what it tells, often nothing.

        Raises:
            RanBackwards: it is not later than the last one.
        """
        t_ns, last_ns = sample.t_ns, self._t_ns
        events: Events = ()
        after_gap = False
        if last_ns is not None:
            if t_ns <= last_ns:
                raise RanBackwards(
                    f"a sample is {(last_ns - t_ns) / 1e9:g} s earlier than the one before it, or as late"
                )
            spacing_ns = t_ns - last_ns
            if spacing_ns > self._gap_ns:
                after_gap = spacing_ns > GAP_SPACINGS * self._rate.spacing_ns > 0
                if spacing_ns >= self._silence_ns:
                    events = self._fall_silent(t_ns, last_ns)
                if after_gap:
                    events += self._break_off(t_ns)
            if spacing_ns < self._silence_ns:
                self._rate.take(spacing_ns)
        self._t_ns = t_ns
        is_valid = sample.is_valid
        openness = sample.openness
        # NaN is not equal to itself, and the usual case.
        is_closed = self._openness.is_closed(t_ns, openness, is_valid) if openness == openness else None
        if not is_valid or is_closed:
            return events + self._take_absent(t_ns, is_closed)
        if self._pupil and self._pupil.is_falling(t_ns, sample.pupil):
            self._pupil.clear()
            told = self._absences.shut(t_ns)
            self.gaze = None
            return events + self._break_off(t_ns) + told
        return events + self._take_seen(sample, after_gap)

    def tick(self, t_ns: int) -> Events:
        """Say that time has passed without a sample; returns what that tells. Nothing where the time is not later than
        the last sample's."""
        last_ns = self._t_ns
        if last_ns is None or t_ns <= last_ns:
            return ()
        if t_ns - last_ns >= self._silence_ns:
            return self._fall_silent(t_ns, last_ns)
        return self._absences.wait_until_lost(t_ns)

    def finish(self) -> Events:
        """No sample will come any more: ends what goes on, at the last sample. Take none afterwards."""
        if self._t_ns is None:
            return ()
        return self._break_off(self._t_ns) + self._absences.finish(self._t_ns)

    @property
    def deadline_ns(self) -> int | None:
        """The time at which, without another sample, :meth:`tick` would tell something; None where it would not."""
        if self._t_ns is None or self._absences.is_lost:
            return None
        silent_ns, lost_ns = self._t_ns + self._silence_ns, self._absences.lost_due_ns
        return silent_ns if lost_ns is None else max(min(silent_ns, lost_ns), self._t_ns + 1)

    @property
    def speed_deg_s(self) -> float:
        """Of the gaze at the last sample, in degrees of visual angle a second; NaN where it is not known."""
        return self._saccades.speed_deg_s

    @property
    def rate_hz(self) -> float:
        """Samples a second, as measured; NaN before there are some."""
        return self._rate.rate_hz

    def going_on(self, kind: EyeEventKind) -> EyeEvent | None:
        """The event of that kind that goes on, as far as it is: a saccade with its way so far. None where none does."""
        noticed_ns = self._t_ns or 0
        if kind == "saccade":
            return self._saccades.event(noticed_ns)
        if kind == "fixation":
            return self._fixations.event(noticed_ns)
        event = self._absences.event(noticed_ns)
        return event if event and event.kind == kind else None

    def _take_seen(self, sample: Sample, after_gap: bool) -> Events:
        absences, saccades, fixations = self._absences, self._saccades, self._fixations
        told = absences.take_seen(sample.t_ns, after_gap)
        self.gaze = sample if absences.gaze_counts else None
        point = point_of(sample, self._screen)
        may_begin = not absences.is_interrupted
        was_going_on = saccades.is_going_on
        event = saccades.take(point, self._rate.spacing_ns, may_begin)
        if event is None:
            if was_going_on:
                fixations.keep(point)
            elif may_begin:
                told += fixations.take(point)
            return told
        if was_going_on:
            fixations.keep(point)
            return (*told, event, *fixations.begin_after(event.offset_ns or event.onset_ns))
        return (*told, *fixations.end(sample.t_ns, event.onset_ns), event)

    def _take_absent(self, t_ns: int, is_closed: bool | None) -> Events:
        if self._pupil:
            self._pupil.clear()
        was_interrupted = self._absences.is_interrupted
        told = self._absences.take_absent(t_ns, is_closed)
        self._saccades.interrupt()
        if self._absences.is_interrupted:
            self.gaze = None
            if not was_interrupted:
                return self._break_off(t_ns) + told
        return told

    def _fall_silent(self, t_ns: int, last_ns: int) -> Events:
        told = self._absences.fall_silent(t_ns, last_ns)
        self.gaze = None
        return self._break_off(t_ns) + told

    def _break_off(self, t_ns: int) -> Events:
        """End the saccade or the fixation that goes on, and begin anew with the next sample."""
        event = self._saccades.end(t_ns)
        self._saccades.interrupt()
        return ((event,) if event else ()) + self._fixations.end(t_ns)
