"""Times of samples: jitter, drift, clocks that are set back or begin anew, bursts, sources without a clock."""

from __future__ import annotations

import random
from itertools import pairwise
from math import inf, nan

import pytest

from services.gaze.sources.timing import SampleTimes

MS = 1_000_000
S = 1_000_000_000
BEGIN_NS = 1000 * S


def spacings(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(times)]


def one_by_one(times: SampleTimes, arrivals: list[tuple[float, int]]) -> list[int | None]:
    return [times.take([device_s], arrival_ns)[0] for device_s, arrival_ns in arrivals]


def test_jitter_of_delivery_does_not_disturb_the_spacing() -> None:
    rng = random.Random(1)
    arrivals = []
    arrival_ns = 0
    for n in range(5000):
        late_ns = round(rng.expovariate(1 / (8 * MS)))
        arrival_ns = max(arrival_ns + 1, BEGIN_NS + n * 4 * MS + late_ns)
        arrivals.append((7.0 + n * 0.004, arrival_ns))
    taken = one_by_one(SampleTimes(), arrivals)
    found = [time for time in taken if time is not None]
    assert len(found) == len(taken)
    assert all(time <= arrival_ns for time, (_, arrival_ns) in zip(found, arrivals, strict=True))
    settled = spacings(found[500:])
    assert min(settled) > 3.9 * MS
    assert max(settled) < 4.1 * MS


@pytest.mark.parametrize("ppm", [50, -50])
def test_a_clock_that_drifts_is_followed(ppm: int) -> None:
    rng = random.Random(2)
    arrivals = []
    for n in range(30_000):  # two minutes
        arrivals.append((3.0 + n * 0.004 * (1 + ppm / 1e6), BEGIN_NS + n * 4 * MS + rng.randint(0, 3000) * 1000))
    found = [time for time in one_by_one(SampleTimes(), arrivals) if time is not None]
    assert len(found) == len(arrivals)
    assert all(abs(spacing - 4 * MS) < 0.1 * MS for spacing in spacings(found[1000:]))
    last_ns = BEGIN_NS + 29_999 * 4 * MS
    assert abs(found[-1] - last_ns) < 1 * MS


def test_a_sample_that_is_not_later_than_the_last_is_refused() -> None:
    times = SampleTimes()
    taken = times.take([1.0, 1.004, 1.004, 1.002, 1.008], BEGIN_NS)
    assert [time is None for time in taken] == [False, False, True, True, False]
    assert taken[4] == BEGIN_NS
    assert times.take([0.9], BEGIN_NS + 4 * MS) == [None]
    assert times.take([1.012], BEGIN_NS + 8 * MS) != [None]
    assert times.restarts == 0


def test_a_clock_that_begins_anew_gets_a_new_offset() -> None:
    times = SampleTimes()
    before = times.take([500.0], BEGIN_NS)[0]
    after = times.take([0.0], BEGIN_NS + 4 * MS)[0]
    assert (before, after) == (BEGIN_NS, BEGIN_NS + 4 * MS)
    assert times.restarts == 1


def test_a_clock_that_is_set_back_a_little_is_refused_for_a_moment_only() -> None:
    times = SampleTimes()
    one_by_one(times, [(10 + n * 0.01, BEGIN_NS + n * 10 * MS) for n in range(100)])
    later = [(10 + (n - 80) * 0.01, BEGIN_NS + n * 10 * MS) for n in range(100, 200)]
    taken = one_by_one(times, later)
    refused = [time for time in taken if time is None]
    assert 20 <= len(refused) <= 30
    assert taken[-1] == later[-1][1]
    assert times.restarts == 1


def test_a_clock_that_leaps_ahead_gives_no_time_in_the_future() -> None:
    times = SampleTimes()
    times.take([10.0], BEGIN_NS)
    assert times.take([1000.0], BEGIN_NS + 4 * MS) == [BEGIN_NS + 4 * MS]


def test_a_clock_that_stood_still_is_caught_up_with() -> None:
    times = SampleTimes()
    one_by_one(times, [(10 + n * 0.01, BEGIN_NS + n * 10 * MS) for n in range(100)])
    paused = [(11 + n * 0.01, BEGIN_NS + 3 * S + n * 10 * MS) for n in range(700)]
    taken = one_by_one(times, paused)
    assert taken[-1] == paused[-1][1]


def test_a_burst_after_a_stall_keeps_its_spacing() -> None:
    times = SampleTimes()
    one_by_one(times, [(n * 0.004, BEGIN_NS + n * 4 * MS) for n in range(250)])
    burst = times.take([(250 + n) * 0.004 for n in range(50)], BEGIN_NS + 299 * 4 * MS)
    assert [time for time in burst if time is not None] == [BEGIN_NS + (250 + n) * 4 * MS for n in range(50)]


def test_samples_without_a_time_are_spread_over_the_time_since_the_last() -> None:
    times = SampleTimes()
    assert times.take([nan], BEGIN_NS) == [BEGIN_NS]
    assert times.take([nan, nan], BEGIN_NS + 32 * MS) == [BEGIN_NS + 16 * MS, BEGIN_NS + 32 * MS]
    assert times.take([nan, nan], BEGIN_NS + 9 * S) == [BEGIN_NS + 9 * S - 20 * MS, BEGIN_NS + 9 * S]


@pytest.mark.parametrize("device_s", [inf, -inf, 1e300, 1.7e12])
def test_a_time_that_is_none_is_refused(device_s: float) -> None:
    assert SampleTimes().take([1.0, device_s, 1.004], BEGIN_NS) == [BEGIN_NS - 4 * MS, None, BEGIN_NS]


def test_whatever_comes_times_rise_and_lie_in_the_past() -> None:
    rng = random.Random(3)
    times, last_ns, arrival_ns = SampleTimes(), 0, BEGIN_NS
    for _ in range(20_000):
        arrival_ns += rng.choice([1, 1000, MS, 20 * MS, 3 * S])
        devices = [rng.choice([nan, inf, rng.uniform(-1e3, 1e3), arrival_ns / 1e9]) for _ in range(rng.randint(0, 4))]
        for time in times.take(devices, arrival_ns):
            if time is not None:
                assert last_ns < time <= arrival_ns
                last_ns = time
