"""A simulated viewer: the same from the same seed, and in all that detectors go by as people are."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from hashlib import sha256
from itertools import islice, pairwise
from math import exp, isfinite, isnan
from statistics import median, quantiles

import pytest

from shared.gaze.sample import Sample
from shared.gaze.screen import ASSUMED_SCREEN, Screen
from shared.gaze.simulated.habits import Habits
from shared.gaze.simulated.movements import MainSequence, Movement
from shared.gaze.simulated.viewer import SimulatedViewer

MINUTES = 10
NO_NOISE = Habits(noise_deg=0, missing_share=0, blinks_per_min=0, losses_per_min=0)
HABITS = Habits()


def taken(seed: int, count: int, *, rate_hz: float = 250.0, habits: Habits = HABITS) -> list[Sample]:
    return list(islice(SimulatedViewer(seed, ASSUMED_SCREEN, rate_hz, habits), count))


def of_kind(movements: tuple[Movement, ...], kind: str) -> list[Movement]:
    return [movement for movement in movements if movement.kind == kind]


def lengths_s(movements: list[Movement]) -> list[float]:
    return [(movement.offset_ns - movement.onset_ns) / 1e9 for movement in movements]


@pytest.fixture(scope="module")
def watched() -> tuple[list[Sample], tuple[Movement, ...]]:
    """Ten minutes: the samples, and what was done."""
    viewer = SimulatedViewer(1, ASSUMED_SCREEN, keeps=100_000)
    return list(islice(viewer, MINUTES * 60 * 250)), viewer.truth


def test_a_seed_gives_the_same_samples_and_another_seed_others() -> None:
    told = [repr(taken(seed, 2000)) for seed in (7, 7, 8, -7)]
    assert told[0] == told[1]
    assert len(set(told)) == 3


def test_samples_are_those_that_they_were_on_other_machines() -> None:
    """What is recorded of a seed can be made again. Whoever changes the viewer on purpose changes this too."""
    told = "".join(f"{sample.t_ns} {sample.x} {sample.y} {sample.pupil}\n" for sample in taken(1, 50_000))
    assert sha256(told.encode()).hexdigest()[:16] == "39d8cabd17643ed0"


def test_movements_are_the_same_at_any_rate() -> None:
    viewers = [SimulatedViewer(3, ASSUMED_SCREEN, rate_hz) for rate_hz in (60.0, 1000.0)]
    for viewer, rate_hz in zip(viewers, (60, 1000), strict=True):
        list(islice(viewer, 30 * rate_hz))
    few, many = viewers[0].truth, viewers[1].truth
    assert len(few) > 100
    assert few == many[: len(few)]


@pytest.mark.parametrize("rate_hz", [30.0, 59.94, 250.0, 2000.0])
def test_times_are_those_of_the_rate(rate_hz: float) -> None:
    times = [sample.t_ns for sample in taken(1, 3000, rate_hz=rate_hz)]
    assert times == [round(index * 1e9 / rate_hz) for index in range(3000)]
    assert all(before < after for before, after in pairwise(times))


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan")])
def test_a_rate_must_be_above_zero(rate_hz: float) -> None:
    with pytest.raises(ValueError, match="give one above 0"):
        SimulatedViewer(1, ASSUMED_SCREEN, rate_hz)


def test_a_sample_is_there_or_missing(watched: tuple[list[Sample], tuple[Movement, ...]]) -> None:
    for sample in watched[0]:
        if sample.is_valid:
            assert isfinite(sample.x + sample.y)
            assert sample.pupil > 0
        else:
            assert isnan(sample.x)
            assert isnan(sample.y)
            assert isnan(sample.pupil)
            assert sample.confidence == 0
    inside = sum(0 <= sample.x <= 1 and 0 <= sample.y <= 1 for sample in watched[0] if sample.is_valid)
    assert inside / sum(sample.is_valid for sample in watched[0]) > 0.99


def test_movements_follow_upon_each_other(watched: tuple[list[Sample], tuple[Movement, ...]]) -> None:
    for before, after in pairwise(watched[1]):
        assert before.offset_ns == after.onset_ns
        assert (before.x_end, before.y_end) == (after.x, after.y)
        assert (before.kind == "fixation") != (after.kind == "fixation")


def test_samples_are_missing_where_the_truth_has_none_and_seldom_else(
    watched: tuple[list[Sample], tuple[Movement, ...]],
) -> None:
    samples, truth = watched
    absent = [(move.onset_ns, move.offset_ns) for move in truth if move.kind in ("blink", "lost")]
    hidden = {i for on, off in absent for i in range(-(-on // 4_000_000), -(-off // 4_000_000)) if i < len(samples)}
    missing = {index for index, sample in enumerate(samples) if not sample.is_valid}
    assert hidden <= missing
    assert 0.005 < len(missing - hidden) / len(samples) < 0.01
    assert 0.04 < len(missing) / len(samples) < 0.09


def test_fixations_last_as_peoples_do(watched: tuple[list[Sample], tuple[Movement, ...]]) -> None:
    lengths = lengths_s(of_kind(watched[1], "fixation"))
    assert 0.24 < median(lengths) < 0.31
    assert min(lengths) >= 0.1
    assert 0.02 < sum(length > 0.6 for length in lengths) / len(lengths) < 0.1


def test_saccades_are_as_large_as_peoples(watched: tuple[list[Sample], tuple[Movement, ...]]) -> None:
    saccades = of_kind(watched[1], "saccade")
    amplitudes = [saccade.amplitude_deg for saccade in saccades]
    assert 4 < median(amplitudes) < 5
    assert quantiles(amplitudes, n=20)[-1] > 10
    assert 2 < len(saccades) / (MINUTES * 60) < 3.5
    for saccade in saccades:
        between = ASSUMED_SCREEN.degrees_between(saccade.x, saccade.y, saccade.x_end, saccade.y_end)
        assert between == pytest.approx(saccade.amplitude_deg)


def test_blinks_come_and_last_as_peoples_do() -> None:
    for seed in range(3):
        viewer = SimulatedViewer(seed, ASSUMED_SCREEN, 60.0, keeps=100_000)
        list(islice(viewer, MINUTES * 60 * 60))
        blinks = of_kind(viewer.truth, "blink")
        assert 12 < len(blinks) / MINUTES < 20
        assert 0.1 <= min(lengths_s(blinks)) < median(lengths_s(blinks)) < max(lengths_s(blinks)) <= 0.3
        losses = of_kind(viewer.truth, "lost")
        assert 1 <= len(losses) <= 12
        assert min(lengths_s(losses)) > 0.5


def test_the_fastest_sample_is_as_the_main_sequence_has_it() -> None:
    """Measured from the samples alone, at a rate that misses no peak."""
    viewer = SimulatedViewer(2, ASSUMED_SCREEN, 2000.0, NO_NOISE)
    samples = list(islice(viewer, 60 * 2000))
    saccades = of_kind(viewer.truth, "saccade")
    assert len(saccades) > 100
    for saccade in saccades:
        of_it = samples[saccade.onset_ns // 500_000 : saccade.offset_ns // 500_000 + 2]
        steps = [ASSUMED_SCREEN.degrees_between(a.x, a.y, b.x, b.y) for a, b in pairwise(of_it)]
        assert max(steps) * 2000 == pytest.approx(saccade.peak_deg_s, rel=0.02)
        assert sum(steps) == pytest.approx(saccade.amplitude_deg, rel=0.01)
        expected = 600 * (1 - exp(-saccade.amplitude_deg / 8))
        assert saccade.peak_deg_s == pytest.approx(expected, rel=0.3)
        [length_s] = lengths_s([saccade])
        assert length_s == pytest.approx(0.021 + 0.0022 * saccade.amplitude_deg, rel=0.3)
    ratios = [saccade.peak_deg_s / (600 * (1 - exp(-saccade.amplitude_deg / 8))) for saccade in saccades]
    assert median(ratios) == pytest.approx(1, abs=0.02)


def test_habits_that_no_profile_fits_keep_to_the_duration() -> None:
    for limit_deg_s in (10.0, 5000.0):
        found = MainSequence.of(10, Habits(peak_limit_deg_s=limit_deg_s))
        assert found.duration_s == pytest.approx(0.043)
        assert found.peak_deg_s * 1.000001 >= 1.5 * 10 / 0.043
        assert found.peak_deg_s <= 1.875 * 10 / 0.043 * 1.000001


def test_a_resting_eye_is_as_noisy_as_its_habits_say() -> None:
    habits = Habits(noise_deg=0.08, missing_share=0, blinks_per_min=0, losses_per_min=0)
    viewer = SimulatedViewer(4, ASSUMED_SCREEN, habits=habits)
    squares = []
    for before, after in pairwise(islice(viewer, 20_000)):
        if viewer.doing.kind == "fixation" and viewer.doing.onset_ns <= before.t_ns:
            squares.append(ASSUMED_SCREEN.degrees_between(before.x, before.y, after.x, after.y) ** 2)
    assert (sum(squares) / len(squares)) ** 0.5 == pytest.approx(0.08, rel=0.05)


def test_the_lid_draws_the_gaze_down_and_hides_the_pupil() -> None:
    habits = Habits(noise_deg=0, missing_share=0, losses_per_min=0, blinks_per_min=30, pupil_spread_mm=0)
    without = replace(habits, lid_closing_s=0, lid_opening_s=0)
    disturbed = []
    for sample, plain in zip(taken(5, 10_000, habits=habits), taken(5, 10_000, habits=without), strict=True):
        assert sample.is_valid == plain.is_valid
        if not sample.is_valid:
            assert sample.openness == 0
        elif sample.pupil < 3.5:
            assert sample.openness < 1
            disturbed.append(abs(sample.y - plain.y) / ASSUMED_SCREEN.fraction_of(1)[1])
        else:
            assert sample == plain
    assert 1.2 < max(disturbed) < 2


def test_no_blinks_and_no_losses_where_habits_have_none() -> None:
    assert all(sample.is_valid for sample in taken(6, 20_000, habits=NO_NOISE))


@pytest.mark.parametrize("size_m", [(0.01, 0.01), (0.07, 0.15), (4.0, 2.0)])
def test_the_gaze_stays_on_any_screen(size_m: tuple[float, float]) -> None:
    screen = Screen((1000, 1000), size_m, 0.6)
    samples = list(islice(SimulatedViewer(1, screen, 100.0, NO_NOISE), 3000))
    assert all(-0.8 < sample.x < 1.8 and -0.8 < sample.y < 1.8 for sample in samples)


def test_memory_does_not_grow() -> None:
    viewer = SimulatedViewer(1, ASSUMED_SCREEN, 20.0, keeps=64)
    list(islice(viewer, 5000))
    tracemalloc.start()
    try:
        for _ in islice(viewer, 40_000):
            pass
        assert len(viewer.truth) == 64
        assert tracemalloc.get_traced_memory()[0] < 64 * 1024
    finally:
        tracemalloc.stop()
