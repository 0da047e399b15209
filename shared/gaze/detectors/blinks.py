"""Absences of the gaze: blinks, and data that are lost."""

from __future__ import annotations

from math import nan

from shared.gaze.detectors.parameters import DetectorParameters, nanoseconds
from shared.gaze.events import EyeEvent, EyeEventKind


class Absences:
    """Follows when the eyes are seen, and tells blinks and losses.

    Attributes:
        is_interrupted: nothing has been seen for long enough, and not for long enough since: no saccade or fixation
            goes across, and none begins.
        gaze_counts: whether where the eyes look is known. It is so again before an event is over.
        last_seen_ns: the time of the last sample in which they were seen; None before the first.
    """

    def __init__(self, parameters: DetectorParameters) -> None:
        self.is_interrupted = False
        self.gaze_counts = False
        self.last_seen_ns: int | None = None
        self._after_ns = nanoseconds(parameters.blink_after_ms)
        self._over_ns = nanoseconds(parameters.blink_over_ms)
        self._counts_ns = nanoseconds(parameters.gaze_counts_ms)
        self._lost_ns = nanoseconds(parameters.lost_after_ms)
        self._absent_since_ns: int | None = None
        self._seen_since_ns: int | None = None
        self._kind: EyeEventKind | None = None
        self._onset_ns = self._detected_ns = 0

    def take_seen(self, t_ns: int, after_gap: bool) -> tuple[EyeEvent, ...]:
        """Take a sample in which the eyes are seen. ``after_gap``: there might have been others before it."""
        self.last_seen_ns = t_ns
        if not self.is_interrupted:
            self.gaze_counts, self._absent_since_ns = True, None
            return ()
        if self._seen_since_ns is None or after_gap:
            self._seen_since_ns = t_ns
        seen_ns = t_ns - self._seen_since_ns
        self.gaze_counts = seen_ns >= self._counts_ns
        if self._kind is None:
            if self.gaze_counts:
                self._begin_anew()
            return ()
        if seen_ns < self._over_ns:
            return ()
        over = self._end(t_ns, self._seen_since_ns)
        self.gaze_counts = True
        self._begin_anew()
        return (over,)

    def take_absent(self, t_ns: int, is_closed: bool | None) -> tuple[EyeEvent, ...]:
        """Take a sample in which they are not. ``is_closed``: what the tracker says of the eyelid; an eye that is open
        and whose gaze is missing does not blink."""
        if self._absent_since_ns is None:
            self._absent_since_ns = t_ns
        self._seen_since_ns = None
        if not self.is_interrupted:
            last_ns = self._absent_since_ns if self.last_seen_ns is None else self.last_seen_ns
            self.is_interrupted = t_ns - last_ns >= self._after_ns
        if not self.is_interrupted:
            return ()
        self.gaze_counts = False
        if self._kind != "lost" and t_ns - self._absent_since_ns >= self._lost_ns:
            return self._lose(t_ns, self._absent_since_ns)
        if self._kind is None and is_closed is not False:
            return (self._begin("blink", self._absent_since_ns, t_ns),)
        return ()

    def fall_silent(self, t_ns: int, last_sample_ns: int) -> tuple[EyeEvent, ...]:
        """No sample has come for too long since the last one."""
        self.gaze_counts = False
        seen_since_ns, self._seen_since_ns = self._seen_since_ns, None
        self.is_interrupted = True
        if self._kind == "lost":
            return ()
        if (
            self._kind and seen_since_ns is not None
        ):  # the eyes had opened again: that was a blink, and this another absence
            over = self._end(t_ns, seen_since_ns)
            self._absent_since_ns = last_sample_ns
            return (over, *self._lose(t_ns, last_sample_ns))
        if self._absent_since_ns is None or seen_since_ns is not None:
            self._absent_since_ns = last_sample_ns
        return self._lose(t_ns, self._absent_since_ns)

    def shut(self, t_ns: int) -> tuple[EyeEvent, ...]:
        """The lid is coming down over a pupil that is still seen: an early blink."""
        self.is_interrupted, self.gaze_counts, self._seen_since_ns = True, False, None
        if self._kind is not None:
            return ()
        self._absent_since_ns = t_ns
        return (self._begin("blink", t_ns, t_ns),)

    def wait_until_lost(self, t_ns: int) -> tuple[EyeEvent, ...]:
        """Time has passed without a sample; an absence may have become a loss."""
        due_ns = self.lost_due_ns
        if due_ns is None or t_ns < due_ns or self._absent_since_ns is None:
            return ()
        return self._lose(t_ns, self._absent_since_ns)

    @property
    def lost_due_ns(self) -> int | None:
        """When the absence that goes on will be a loss; None where none goes on, or it is one."""
        absent_ns = self._absent_since_ns
        if not self.is_interrupted or self._kind == "lost" or self._seen_since_ns is not None or absent_ns is None:
            return None
        return absent_ns + self._lost_ns

    @property
    def is_lost(self) -> bool:
        return self._kind == "lost"

    def event(self, noticed_ns: int, offset_ns: int | None = None) -> EyeEvent | None:
        """The blink or the loss that goes on; over where an ``offset_ns`` is given. None where none goes on."""
        if self._kind is None:
            return None
        detected_ns = self._detected_ns
        return EyeEvent(self._kind, self._onset_ns, offset_ns, detected_ns, noticed_ns, nan, nan, nan, nan, nan, nan)

    def finish(self, t_ns: int) -> tuple[EyeEvent, ...]:
        """End what goes on: where the eyes were seen again if they were, else at the last sample."""
        if self._kind is None:
            return ()
        return (self._end(t_ns, t_ns if self._seen_since_ns is None else self._seen_since_ns),)

    def _begin(self, kind: EyeEventKind, onset_ns: int, t_ns: int) -> EyeEvent:
        self._kind, self._onset_ns, self._detected_ns = kind, onset_ns, t_ns
        return EyeEvent(kind, onset_ns, None, t_ns, t_ns, nan, nan, nan, nan, nan, nan)

    def _end(self, t_ns: int, offset_ns: int) -> EyeEvent:
        event = self.event(t_ns, max(offset_ns, self._onset_ns))
        if event is None:
            raise RuntimeError("nothing goes on that could end")
        self._kind = None
        return event

    def _lose(self, t_ns: int, onset_ns: int) -> tuple[EyeEvent, ...]:
        over = () if self._kind is None else (self._end(t_ns, t_ns),)
        return (*over, self._begin("lost", onset_ns, t_ns))

    def _begin_anew(self) -> None:
        self.is_interrupted, self._absent_since_ns, self._seen_since_ns = False, None, None
