"""The detectors of eye movements, on eyes whose movements are known."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from math import inf, isnan, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.gaze.detectors.eyes import EyeDetectors, RanBackwards
from shared.gaze.detectors.parameters import DEFAULTS
from shared.gaze.events import EyeEvent
from shared.gaze.sample import Sample
from tests.unit.shared.gaze.eyes_moving import MS, SCREEN, duration_ms, jump, rest, shut, spans_ms, told, whole

RATES = (60, 90, 120, 150, 200, 250, 300, 500, 1000)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("amplitude_deg", [1.5, 2, 5, 10, 20])
def test_a_saccade_is_found_where_it_is(amplitude_deg: float, rate_hz: float) -> None:
    step_ms = 1000 / rate_hz
    for phase in (0.0, 0.3, 0.7):
        at_ms = 400 + phase * step_ms
        (saccade,) = whole(jump(amplitude_deg, rate_hz, at_ms), "saccade")
        offset_ms = at_ms + duration_ms(amplitude_deg)
        assert saccade.offset_ns is not None
        assert at_ms - step_ms - 4 <= saccade.onset_ns / MS <= at_ms + step_ms + 12
        assert offset_ms - 2 * step_ms - 14 <= saccade.offset_ns / MS <= offset_ms + step_ms + 12
        assert saccade.detected_ns / MS <= at_ms + duration_ms(amplitude_deg) + step_ms
        assert saccade.amplitude_deg == pytest.approx(amplitude_deg, rel=0.1, abs=0.5)
        assert saccade.x < 0.5 < saccade.x_end


@pytest.mark.parametrize("rate_hz", [120, 250, 500, 1000])
def test_a_saccade_of_one_degree_is_found(rate_hz: float) -> None:
    assert len(whole(jump(1, rate_hz), "saccade")) == 1


@pytest.mark.parametrize("rate_hz", RATES)
def test_eyes_at_rest_do_nothing_but_fixate(rate_hz: float) -> None:
    assert [event.kind for event in whole(jump(0, rate_hz))] == ["fixation"]


def test_fixations_lie_around_the_saccade() -> None:
    first, saccade, second = whole(jump(10, 500))
    assert [one.kind for one in (first, saccade, second)] == ["fixation", "saccade", "fixation"]
    assert first.onset_ns == 0
    assert first.offset_ns is not None
    assert first.offset_ns <= saccade.onset_ns < (saccade.offset_ns or 0) <= second.onset_ns
    assert first.detected_ns - first.onset_ns >= 100 * MS
    assert SCREEN.degrees_between(first.x, first.y, second.x, second.y) == pytest.approx(10, abs=0.2)


def test_slow_drift_ends_a_fixation() -> None:
    drifting = [Sample(n * 2 * MS, 0.4 + n * 0.0001, 0.5) for n in range(1500)]
    fixations = whole(drifting)
    assert len(fixations) > 3
    assert {one.kind for one in fixations} == {"fixation"}
    assert all((one.offset_ns or 0) - one.onset_ns >= 100 * MS for one in fixations[:-1])


def test_a_saccade_that_goes_on_tells_its_way_so_far() -> None:
    detectors = EyeDetectors(SCREEN)
    ways = []
    for sample in jump(20, 500):
        detectors.take(sample)
        if going := detectors.going_on("saccade"):
            assert not going.is_over
            assert going.x_end > going.x
            ways.append(going.amplitude_deg)
    assert ways == pytest.approx(sorted(ways), abs=1e-3)
    assert ways[0] < 3
    assert ways[-1] == pytest.approx(20, abs=0.5)
    assert detectors.going_on("saccade") is None
    assert detectors.going_on("fixation") is not None


def test_a_blink() -> None:
    detectors = EyeDetectors(SCREEN)
    assert detectors.gaze is None
    events: list[EyeEvent] = []
    gaze_ms = []
    for sample in rest(0, 300) + shut(300, 450) + rest(450, 700):
        events += [one for one in detectors.take(sample) if one.kind == "blink"]
        if detectors.gaze:
            gaze_ms.append(sample.t_ns / MS)
    onset, over = events
    assert (onset.onset_ns, onset.offset_ns, onset.detected_ns) == (300 * MS, None, 318 * MS)
    assert (over.onset_ns, over.offset_ns, over.noticed_ns) == (300 * MS, 450 * MS, 550 * MS)
    assert over.detected_ns == onset.detected_ns
    assert [one for one in gaze_ms if 318 <= one < 480] == []
    assert 480 in gaze_ms


@pytest.mark.parametrize(("missing_ms", "blinks"), [(2, 0), (18, 0), (20, 1), (480, 1), (600, 0)])
def test_how_long_a_blink_is(missing_ms: int, blinks: int) -> None:
    end_ms = 300 + missing_ms
    kinds = [one.kind for one in whole(rest(0, 300) + shut(300, end_ms) + rest(end_ms, end_ms + 400))]
    assert kinds.count("blink") == blinks
    assert kinds.count("lost") == (missing_ms > 500)


def test_flickers_do_not_split_a_blink() -> None:
    samples = rest(0, 300) + shut(300, 380) + rest(380, 460) + shut(460, 520) + rest(520, 900)
    assert spans_ms(whole(samples, "blink")) == [("blink", 300, 520)]


def test_a_long_absence_is_lost_alone() -> None:
    samples = rest(0, 300) + shut(300, 1000) + rest(1000, 1400)
    blinks = [one for one in told(samples) if one.kind == "blink"]
    assert [one.is_over for one in blinks] == [False, True]
    assert ("lost", 300, 1000) in spans_ms(whole(samples))
    assert not whole(samples[:-200], "blink")


def test_silence_is_lost_and_not_a_blink() -> None:
    detectors = EyeDetectors(SCREEN)
    for sample in rest(0, 300):
        detectors.take(sample)
    deadline_ns = detectors.deadline_ns
    assert deadline_ns == 398 * MS
    assert detectors.tick(deadline_ns - 1) == ()
    kinds = [(one.kind, one.is_over, one.onset_ns) for one in detectors.tick(deadline_ns)]
    assert kinds == [("fixation", True, 0), ("lost", False, 298 * MS)]
    assert detectors.tick(deadline_ns + MS) == ()
    assert (detectors.deadline_ns, detectors.gaze) == (None, None)
    # Between two samples it is noticed with the second one.
    assert ("lost", 298, 450) in spans_ms(whole(rest(0, 300) + rest(450, 700)))
    assert not whole(rest(0, 300) + rest(396, 700), "lost")


def test_an_absence_is_lost_in_time_without_samples() -> None:
    detectors = EyeDetectors(SCREEN, replace(DEFAULTS, silence_ms=1000))
    for sample in rest(0, 300) + shut(300, 400):
        detectors.take(sample)
    assert detectors.deadline_ns == 800 * MS
    assert [(one.kind, one.is_over) for one in detectors.tick(800 * MS)] == [("blink", True), ("lost", False)]


def test_openness_tells_blinks_from_missing_data() -> None:
    start = rest(0, 1000, openness=8)
    assert [one.kind for one in whole(start + shut(1000, 1200, openness=6) + rest(1200, 1500, openness=8))].count(
        "blink"
    ) == 0
    assert spans_ms(whole(start + rest(1000, 1200, openness=1) + rest(1200, 1500, openness=8), "blink")) == [
        ("blink", 1000, 1200)
    ]
    assert whole(start + shut(1000, 1200, openness=1) + rest(1200, 1500, openness=8), "blink")
    assert whole(start + shut(1000, 1200) + rest(1200, 1500, openness=8), "blink")
    assert whole(start + shut(1000, 1700, openness=6) + rest(1700, 2000, openness=8), "lost")


def test_an_early_blink_is_told_by_the_pupil() -> None:
    falling = [Sample((300 + n * 2) * MS, 0.5, 0.5, 4.0 - 0.2 * n) for n in range(10)]
    samples = rest(0, 300, pupil=4.0) + falling + shut(320, 450) + rest(450, 700, pupil=4.0)
    early = [one for one in told(samples, replace(DEFAULTS, early_blink=True)) if one.kind == "blink"]
    assert len(early) == 2
    assert early[0].detected_ns == 308 * MS
    assert early[1].offset_ns == 450 * MS
    assert next(one for one in told(samples) if one.kind == "blink").detected_ns == 338 * MS


def test_the_eyelid_makes_no_saccades() -> None:
    lifted = [Sample((450 + n * 2) * MS, 0.5, 0.9 - 0.016 * n) for n in range(25)]
    events = whole(rest(0, 300) + shut(300, 450) + lifted + rest(500, 800))
    assert not [one for one in events if one.kind == "saccade"]
    falling = [Sample((280 + n * 2) * MS, 0.5, 0.5 + 0.03 * n) for n in range(10)]
    assert not whole(rest(0, 280) + falling + shut(300, 450) + rest(450, 800), "saccade")


def test_no_speed_is_taken_across_a_gap() -> None:
    detectors = EyeDetectors(SCREEN)
    for sample in rest(0, 300) + shut(300, 310) + rest(310, 400, x=0.8):
        assert not [one for one in detectors.take(sample) if one.kind == "saccade"]
        if 300 * MS <= sample.t_ns < 320 * MS:
            assert isnan(detectors.speed_deg_s)
    assert not whole(rest(0, 300) + rest(350, 600, x=0.8), "saccade")


@pytest.mark.parametrize("rate_hz", [60, 120, 500, 1000])
def test_noise_raises_the_thresholds(rate_hz: int) -> None:
    draw = random.Random(5).gauss
    x, y = SCREEN.fraction_of(0.25)
    noisy = [replace(one, x=one.x + draw(0, x), y=one.y + draw(0, y)) for one in jump(10, rate_hz, 6000, 10_000)]
    saccades = whole(noisy, "saccade")
    assert len(saccades) <= 12
    assert any(abs(one.onset_ns / MS - 6000) < 40 and one.amplitude_deg > 8 for one in saccades)
    never = EyeDetectors(SCREEN, replace(DEFAULTS, on_noises=0, off_noises=0))
    assert sum(one.kind == "saccade" for sample in noisy for one in never.take(sample)) > 3 * len(saccades)


def test_a_saccade_at_thirty_hertz_is_found() -> None:
    assert [one.kind for one in whole(jump(10, 30))] == ["fixation", "saccade", "fixation"]


def test_a_saccade_does_not_go_on_for_ever() -> None:
    flickering = [s if n % 2 else replace(s, x=nan) for n, s in enumerate(rest(430, 900, x=0.7))]
    (saccade,) = whole([*jump(20, 500, until_ms=430), *flickering], "saccade")
    assert (saccade.offset_ns or 0) <= 440 * MS


def test_a_sample_that_runs_backwards_changes_nothing() -> None:
    detectors, plain = EyeDetectors(SCREEN), EyeDetectors(SCREEN)
    for sample in jump(10, 500):
        assert detectors.take(sample) == plain.take(sample)
        for earlier_ns in (0, 5 * MS):
            with pytest.raises(RanBackwards, match="earlier"):
                detectors.take(replace(sample, t_ns=sample.t_ns - earlier_ns, x=0.9))


def test_the_same_samples_tell_the_same() -> None:
    samples = jump(10, 500) + shut(800, 950) + rest(950, 1200)
    assert told(samples) == told(samples)
    assert all(one.noticed_ns >= one.detected_ns >= one.onset_ns for one in told(samples))


def test_the_rate_is_measured_and_followed() -> None:
    detectors = EyeDetectors(SCREEN)
    assert isnan(detectors.rate_hz)
    for sample in rest(0, 300):
        detectors.take(sample)
    assert detectors.rate_hz == pytest.approx(500)
    for sample in rest(300, 900, 60):
        detectors.take(sample)
    assert detectors.rate_hz == pytest.approx(60, rel=0.01)
    for sample in rest(900, 960, 1000):
        detectors.take(sample)
    assert detectors.rate_hz == pytest.approx(1000)
    assert isnan(EyeDetectors(SCREEN, rate_hz=500).rate_hz), "what is said is not measured"


def test_a_rate_that_jumps_hides_no_saccade() -> None:
    samples = jump(10, 60)
    samples += [replace(s, t_ns=s.t_ns + samples[-1].t_ns + 2 * MS) for s in jump(10, 500)]
    last_ns = samples[-1].t_ns
    samples += [replace(s, t_ns=s.t_ns + last_ns + 2 * MS) for s in jump(10, 60, 600, 1000)]
    # The two more are the ways back between the parts.
    assert 3 <= len(whole(samples, "saccade")) <= 5


@pytest.mark.parametrize("x", [nan, inf, -inf, 1e308, 2.0001, -1.0001])
def test_what_is_no_place_is_missing(x: float) -> None:
    detectors = EyeDetectors(SCREEN)
    for sample in [*rest(0, 100), Sample(100 * MS, x, 0.5), Sample(102 * MS, 0.5, x)]:
        detectors.take(sample)
    assert isnan(detectors.speed_deg_s)
    assert detectors.gaze == Sample(98 * MS, 0.5, 0.5)


def test_low_confidence_is_missing() -> None:
    assert whole(rest(0, 300) + rest(300, 400, confidence=0.4) + rest(400, 700), "blink")
    assert not whole(rest(0, 300) + rest(300, 400, confidence=0.5) + rest(400, 700), "blink")


def test_parameters_are_told_by_their_names() -> None:
    told_parameters = DEFAULTS.as_dict()
    assert told_parameters["on_deg_s"] == DEFAULTS.on_deg_s
    documented = (Path(__file__).parents[4] / "docs" / "gaze.md").read_text(encoding="utf-8")
    for name in told_parameters:
        assert name in (type(DEFAULTS).__doc__ or "")
        assert f"`{name}`" in documented


FLOATS = st.floats() | st.floats(0, 1)
STEPS = st.integers(1, 20 * MS) | st.integers(-5, 10**12)
SAMPLES = st.lists(st.tuples(STEPS, st.booleans(), FLOATS, FLOATS, FLOATS, FLOATS, FLOATS), max_size=120)


@given(SAMPLES, st.booleans())
def test_whatever_comes_each_event_begins_and_ends_once(
    steps: list[tuple[int, bool, float, float, float, float, float]], early_blink: bool
) -> None:
    detectors = EyeDetectors(SCREEN, replace(DEFAULTS, early_blink=early_blink))
    events: list[EyeEvent] = []
    t_ns = 0
    for step, is_tick, *values in steps:
        deadline_ns = detectors.deadline_ns
        if is_tick:
            ticked = detectors.tick(t_ns + step)
            assert not ticked or (deadline_ns is not None and t_ns + step >= deadline_ns)
            events += ticked
            continue
        try:
            events += detectors.take(Sample(t_ns + step, *values))
            t_ns += step
        except RanBackwards:
            assert step <= 0 or not events
    events += detectors.finish()
    assert detectors.finish() == ()
    for kind, group in itertools.groupby(sorted(events, key=lambda one: one.kind), key=lambda one: one.kind):
        own = list(group)
        assert len(own) % 2 == 0, kind
        for onset, over in zip(own[::2], own[1::2], strict=True):
            assert onset.offset_ns is None
            assert over.offset_ns is not None
            assert over.offset_ns >= over.onset_ns == onset.onset_ns
            assert onset.detected_ns == onset.noticed_ns == over.detected_ns >= onset.onset_ns
