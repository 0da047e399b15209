"""Playback time, by a clock that the test turns."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.replayer.playback.clock import Playback
from shared.fields import MAX_SPEED
from shared.session.reading.timeline import DEFAULT_GAP_S, Timeline


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def playback(*offsets: float, position: int = 0) -> tuple[Playback, Clock]:
    clock = Clock()
    return Playback(offsets, clock, position=position), clock


def show(play: Playback, clock: Clock, count: int, late_s: float = 0.0) -> list[tuple[int, float]]:
    """The next frames, each with the time it was due at; each is shown ``late_s`` after it was due."""
    shown = []
    for _ in range(count):
        due = play.due()
        if due is None:
            break
        clock.now = max(clock.now, due + late_s)
        shown.append((play.position, due))
        play.advance()
    return shown


def test_frames_are_due_at_their_recorded_intervals() -> None:
    play, clock = playback(0.0, 0.5, 2.0)
    play.play()
    assert show(play, clock, 9) == [(0, 1000.0), (1, 1000.5), (2, 1002.0)]
    assert play.is_complete
    assert play.due() is None


@given(
    intervals=st.lists(st.floats(0, 100), min_size=1, max_size=50),
    speed=st.floats(0.1, 10),
    late_s=st.floats(0, 5),
)
def test_lateness_does_not_add_up(intervals: list[float], speed: float, late_s: float) -> None:
    offsets = Timeline([0.0, *(sum(intervals[: n + 1]) for n in range(len(intervals)))]).offsets
    clock = Clock()
    play = Playback(offsets, clock)
    play.play(speed=speed)
    for position, due in show(play, clock, len(offsets), late_s):
        assert due == 1000.0 + offsets[position] / speed


@given(rounds=st.integers(1, 200), speed=st.floats(0.1, 10))
def test_a_loop_keeps_its_beat(rounds: int, speed: float) -> None:
    play, clock = playback(0.0, 0.4, 1.0)
    play.play(speed=speed, loop=True)
    shown = show(play, clock, 3 * rounds, late_s=0.01)
    assert [position for position, _ in shown] == [0, 1, 2] * rounds
    for number, (position, due) in enumerate(shown):
        planned = (number // 3) * 1.6 + (0.0, 0.4, 1.0)[position]  # the last interval stands before the next round too
        assert math.isclose(due, 1000.0 + planned / speed, rel_tol=1e-12)


def test_a_loop_of_one_frame_does_not_spin() -> None:
    play, clock = playback(0.0)
    play.play(loop=True)
    assert show(play, clock, 3) == [(0, 1000.0), (0, 1000.0 + DEFAULT_GAP_S), (0, 1000.0 + 2 * DEFAULT_GAP_S)]


def test_a_pause_keeps_what_is_left_of_the_interval() -> None:
    play, clock = playback(0.0, 10.0, 20.0)
    play.play()
    show(play, clock, 1)
    clock.now += 4
    play.pause()
    assert play.due() is None
    clock.now += 1000
    play.play()
    assert play.due() == clock.now + 6


def test_a_new_speed_counts_from_now() -> None:
    play, clock = playback(0.0, 10.0, 20.0)
    play.play()
    show(play, clock, 1)
    clock.now += 4
    play.play(speed=2.0)
    assert show(play, clock, 2) == [(1, 1007.0), (2, 1012.0)]


def test_a_late_frame_still_comes_when_the_speed_changes() -> None:
    play, clock = playback(0.0, 1.0, 2.0)
    play.play()
    clock.now += 5
    play.play(speed=0.5)
    assert play.due() == clock.now
    assert show(play, clock, 3) == [(0, 1005.0), (1, 1007.0), (2, 1009.0)]


def test_what_is_sought_is_due_at_once() -> None:
    play, clock = playback(0.0, 1.0, 5.0, 6.0)
    play.play()
    show(play, clock, 2)
    clock.now += 0.25
    play.seek(2)
    assert show(play, clock, 9) == [(2, 1001.25), (3, 1002.25)]


def test_seeking_in_a_pause_stays_paused() -> None:
    play, clock = playback(0.0, 1.0, 5.0)
    play.seek(1)
    assert play.due() is None
    clock.now += 7
    play.play()
    assert play.due() == clock.now


def test_seeking_out_of_the_session_changes_nothing() -> None:
    play, _ = playback(0.0, 1.0, position=1)
    for position in (-1, 3):
        with pytest.raises(IndexError):
            play.seek(position)
    assert play.position == 1


def test_a_frame_shown_by_hand_pauses_behind_it() -> None:
    play, _ = playback(0.0, 1.0, 2.0)
    play.play()
    for position in (2, 0):
        play.show(position)
        assert play.position == position + 1
        assert play.due() is None
    for position in (-1, 3):
        with pytest.raises(IndexError):
            play.show(position)


def test_playing_after_a_step_waits_for_the_next_interval() -> None:
    play, clock = playback(0.0, 1.0, 4.0)
    play.show(0)
    play.show(1)
    clock.now += 60
    play.play()
    assert play.due() == clock.now + 3


def test_play_at_the_end_begins_again() -> None:
    play, clock = playback(0.0, 1.0)
    play.play()
    show(play, clock, 2)
    clock.now += 50
    play.play()
    assert show(play, clock, 2) == [(0, clock.now - 1), (1, clock.now)]


def test_turning_a_loop_off_ends_after_this_round() -> None:
    play, clock = playback(0.0, 1.0, 2.0)
    play.play(loop=True)
    show(play, clock, 4)
    clock.now += 0.5
    play.play(loop=False)
    assert show(play, clock, 9) == [(1, 1004.0), (2, 1005.0)]
    assert play.is_complete


@pytest.mark.parametrize("speed", [0.0, -1.0, MAX_SPEED * 2, math.nan])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    play, _ = playback(0.0, 1.0)
    with pytest.raises(ValueError, match="speed"):
        play.play(speed=speed)
    assert not play.is_playing


def test_an_empty_session_is_complete_from_the_start() -> None:
    play, _ = playback()
    play.play(loop=True)
    assert play.is_complete
    assert play.due() is None


@given(st.lists(st.floats(0, 2e9), max_size=50))
def test_a_timeline_never_falls_and_keeps_what_rises(timestamps: list[float]) -> None:
    half = len(timestamps) // 2
    made = Timeline(timestamps[:half])
    made.extend(timestamps[half:])
    offsets = made.offsets
    assert offsets == Timeline(timestamps).offsets
    assert len(offsets) == len(timestamps)
    assert list(offsets) == sorted(offsets)
    for (before, after), (earlier, later) in zip(pairwise(timestamps), pairwise(offsets), strict=True):
        assert math.isclose(later - earlier, max(0.0, after - before), abs_tol=1e-4)


def test_frames_that_are_recorded_meanwhile_are_played_too() -> None:
    clock, frames = Clock(), Timeline([5.0, 6.0])
    play = Playback(frames.offsets, clock)
    play.play()
    show(play, clock, 2)
    assert play.is_complete
    frames.extend([8.0])
    assert play.due() == 1003.0


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0, 10)),
        st.tuples(st.just("play"), st.sampled_from([None, 0.5, 1.0, 4.0])),
        st.tuples(st.just("loop"), st.booleans()),
        st.tuples(st.just("pause"), st.none()),
        st.tuples(st.just("seek"), st.integers(0, 5)),
        st.tuples(st.just("by hand"), st.integers(0, 4)),
        st.tuples(st.just("show"), st.none()),
    ),
    max_size=60,
)


@given(OPERATIONS)
def test_whatever_is_done_frames_follow_each_other_and_none_is_early(operations: list[tuple[str, object]]) -> None:
    offsets = (0.0, 1.0, 1.0, 4.5, 5.0)
    clock = Clock()
    play = Playback(offsets, clock)
    for name, value in operations:
        if name == "wait":
            clock.now += float(value)  # type: ignore[arg-type]
        elif name == "play":
            play.play(speed=value)  # type: ignore[arg-type]
        elif name == "loop":
            play.play(loop=bool(value))
        elif name == "pause":
            play.pause()
        elif name == "seek":
            play.seek(int(value))  # type: ignore[call-overload]
        elif name == "by hand":
            play.show(int(value))  # type: ignore[call-overload]
        elif (due := play.due()) is not None and due <= clock.now:
            before = play.position
            play.advance()
            wrapped = play.loop and before == 4
            assert play.position == (0 if wrapped else before + 1)
            following = play.due()
            if following is not None:
                gap = (offsets[play.position] - offsets[before]) if not wrapped else 0.5
                assert math.isclose(following - due, gap / play.speed, abs_tol=1e-6)
        assert 0 <= play.position <= 5
        due = play.due()
        if due is not None and name in ("play", "loop", "seek"):
            assert due >= clock.now - 1e-6
