"""The numbers that the detectors go by, each with its unit and where it is from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

DETECTOR_VERSION = 1
"""Raised with each change after which the same samples may give other events."""


@dataclass(frozen=True, slots=True)
class DetectorParameters:
    """Thresholds of :class:`~shared.gaze.detectors.eyes.EyeDetectors`.

    "Tuned" is: chosen on labelled recordings of three free-viewed photographs (SMI Hi-Speed, 500 Hz, and every second,
    fourth and eighth of their samples), and looked at on others. ``docs/gaze.md`` has what is reached.

    Attributes:
        window_ms: over which a speed is taken. Tuned: shorter is noisier, longer is later.
        on_deg_s: a saccade begins above it. Tuned; 30 to 100 are usual (Holmqvist et al. 2011).
        on_samples: so many one after the other. Tuned.
        off_deg_s, off_samples: a saccade is over below it, for so many samples. Tuned; lower than ``on_deg_s``, so that
            it does not end twice (hysteresis).
        slow_rate_hz: at this rate and below it, the values that begin with ``slow`` hold in place of the others: there
            a saccade of 30 ms has six samples or fewer. Tuned.
        slow_window_ms, slow_on_deg_s, slow_on_samples, slow_off_deg_s, slow_off_samples: as above. Tuned.
        on_noises, off_noises: the thresholds are at least so many times the noise, as a way within the window; the
            noise is the median by which a sample lies off the line through its neighbours, twice. Derived: of white
            noise one in thousands of samples is above the first, and half of them are far below the second.
        blink_after_ms: nothing valid since so long is a blink. Tuned: shorter are single samples that a tracker missed.
        blink_over_ms: valid again since so long, a blink is over; less is a flicker within it. Tuned: an eyelid that
            opens uncovers the pupil, covers it, and uncovers it again.
        gaze_counts_ms: valid again since so long, gaze counts: before it the eyelid shifts the pupil's centre. Tuned.
        lost_after_ms: an absence so long is no blink. Blinks take 100 to 400 ms (Schiffman 2001).
        silence_ms: without any sample for so long the tracker is lost. Ours: more than two samples of 30 Hz.
        closed_share: of the openness that is usual, below which the eye is closed. Ours.
        openness_every_ms, openness_count: the usual openness is the median of so many values, so far apart. Ours: 10 s.
        early_blink: whether a fast fall of the pupil tells a blink before data are lost. Off: it tells some that are
            none.
        pupil_fall_share, pupil_fall_ms: such a fall: by that share of it, within that time. Ours.
        dispersion_deg: of a fixation, width plus height of what it covers (I-DT, Salvucci and Goldberg 2000).
        fixation_ms: the gaze has stayed within it for so long (the same).
    """

    window_ms: float = 12.0
    on_deg_s: float = 45.0
    on_samples: int = 2
    off_deg_s: float = 25.0
    off_samples: int = 3
    slow_rate_hz: float = 200.0
    slow_window_ms: float = 16.0
    slow_on_deg_s: float = 40.0
    slow_on_samples: int = 1
    slow_off_deg_s: float = 30.0
    slow_off_samples: int = 2
    on_noises: float = 2.0
    off_noises: float = 1.1
    blink_after_ms: float = 20.0
    blink_over_ms: float = 100.0
    gaze_counts_ms: float = 30.0
    lost_after_ms: float = 500.0
    silence_ms: float = 100.0
    closed_share: float = 0.5
    openness_every_ms: float = 100.0
    openness_count: int = 100
    early_blink: bool = False
    pupil_fall_share: float = 0.2
    pupil_fall_ms: float = 20.0
    dispersion_deg: float = 1.0
    fixation_ms: float = 100.0

    def as_dict(self) -> dict[str, float | int | bool]:
        """Every parameter by its name, for a record of what events were found with."""
        return asdict(self)


DEFAULTS = DetectorParameters()


def nanoseconds(milliseconds: float) -> int:
    """As the clock of the samples counts."""
    return round(milliseconds * 1_000_000)
