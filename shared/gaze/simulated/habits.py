"""What the eyes of a simulated viewer are like, in numbers, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody looks at a picture.

    Where a length is lognormal, its ``spread`` is the standard deviation of the logarithm. Where no source is named,
    the value is our own choice, within what people and trackers do. With these values, a saccade's peak speed is 1.6
    to 1.85 times its mean.

    Attributes:
        saccade_median_deg, saccade_spread: amplitudes before the screen and the middle's draw limit them; about 4.5
            degrees remain of the median on a screen of 48 by 28 degrees.
        saccade_limits_deg: no amplitude is drawn outside.
        vertical_share: how far directions are pressed towards the horizontal; 1 is not at all (in scenes saccades are
            more often horizontal: Foulsham, Kingstone & Underwood, Vision Research 48, 2008).
        centre_spread: standard deviation of where saccades end, in screens from the middle (people look at the middle
            of the screen more: Tatler, Journal of Vision 7(14):4, 2007).
        peak_limit_deg_s, peak_scale_deg: peak = limit * (1 - exp(-amplitude / scale)), the form that Baloh, Sills,
            Kumley & Honrubia (Neurology 25, 1975) gave the main sequence of Bahill, Clark & Stark (Mathematical
            Biosciences 24, 1975); the values of an example by Dai et al., A parametric model for saccadic eye
            movement, IEEE SPMB, 2016.
        duration_base_s, duration_s_per_deg: duration = base + slope * amplitude (Carpenter, Movements of the Eyes,
            1988).
        speed_spread: between saccades of one amplitude; a slower one takes as much longer.
        fixation_median_s, fixation_spread: mode 230, mean 340 ms (230 and 330 ms in scenes: Henderson & Hollingworth,
            Eye movements during scene viewing, 1998), before blinks and losses cut some short.
        fixation_limits_s: the lower is also the least time between blinks, losses and saccades.
        drift_median_deg_s, drift_spread: speed of the eye's drift in a fixation (Rolfs, Vision Research 49, 2009;
            faster: Cherici, Kuang, Poletti & Rucci, Journal of Vision 12(6):31, 2012).
        noise_deg: the tracker's noise and tremor together, as the root mean square of the distances between successive
            samples of a resting eye (RMS-S2S: Holmqvist et al., Eye Tracking, 2011), whatever the rate.
        blinks_per_min, blink_spread: 17 at rest (Bentivoglio et al., Movement Disorders 12, 1997); the spread is of the
            intervals between blinks. 0: none.
        blink_median_s, blink_length_spread, blink_limits_s: for how long a blink hides the pupil.
        lid_closing_s, lid_opening_s: how long the lid disturbs the samples before the pupil is lost, and after. 0: not.
        lid_drop_deg: how far the gaze seems to go down with it (the eye itself turns down by 1 to 2 degrees: Riggs,
            Kelly, Manning & Moore, Investigative Ophthalmology & Visual Science 28, 1987).
        lid_pupil_share: how much of the pupil's diameter is hidden just before all of it is.
        missing_share: of single samples that the tracker loses.
        losses_per_min: absences too long for a blink, at any time with the same chance. 0: none.
        loss_least_s, loss_more_s: how long those last: the least, and the mean of what an exponential length adds.
        pupil_mm, pupil_spread_mm, pupil_wander_s: mean diameter, standard deviation and time constant of its slow
            change.
    """

    saccade_median_deg: float = 5.0
    saccade_spread: float = 0.65
    saccade_limits_deg: tuple[float, float] = (0.8, 30.0)
    vertical_share: float = 0.7
    centre_spread: float = 0.3
    peak_limit_deg_s: float = 600.0
    peak_scale_deg: float = 8.0
    duration_base_s: float = 0.021
    duration_s_per_deg: float = 0.0022
    speed_spread: float = 0.06
    fixation_median_s: float = 0.3
    fixation_spread: float = 0.5
    fixation_limits_s: tuple[float, float] = (0.1, 4.0)
    drift_median_deg_s: float = 0.3
    drift_spread: float = 0.5
    noise_deg: float = 0.07
    blinks_per_min: float = 16.0
    blink_spread: float = 0.7
    blink_median_s: float = 0.17
    blink_length_spread: float = 0.25
    blink_limits_s: tuple[float, float] = (0.1, 0.3)
    lid_closing_s: float = 0.03
    lid_opening_s: float = 0.06
    lid_drop_deg: float = 1.5
    lid_pupil_share: float = 0.5
    missing_share: float = 0.007
    losses_per_min: float = 0.5
    loss_least_s: float = 0.55
    loss_more_s: float = 0.6
    pupil_mm: float = 3.5
    pupil_spread_mm: float = 0.25
    pupil_wander_s: float = 3.0
