"""What the eyes do, as the detectors tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EyeEventKind = Literal["saccade", "blink", "fixation", "lost"]


@dataclass(frozen=True, slots=True)
class EyeEvent:
    """One movement, or an absence of data. It is told twice: at its onset, and when it is over.

    Attributes:
        kind: ``lost`` is an absence that is too long for a blink.
        onset_ns: when it began, by the clock of the samples.
        offset_ns: when it ended; None while it goes on.
        detected_ns: when that it began was noticed: the time of the sample, or of the tick, that told it.
        noticed_ns: when this was told: at the onset the same as ``detected_ns``.
        x, y: where it began (a saccade), or its centre (a fixation), as fractions of the screen; NaN: not known.
        x_end, y_end: where a saccade ended; NaN else.
        amplitude_deg, peak_deg_s: of a saccade so far; NaN else.
    """

    kind: EyeEventKind
    onset_ns: int
    offset_ns: int | None
    detected_ns: int
    noticed_ns: int
    x: float
    y: float
    x_end: float
    y_end: float
    amplitude_deg: float
    peak_deg_s: float

    @property
    def is_over(self) -> bool:
        return self.offset_ns is not None
