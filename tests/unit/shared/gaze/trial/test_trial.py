"""Trials, rehearsed on a made-up clock."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from shared.gaze.events import EyeEvent
from shared.gaze.record import lines
from shared.gaze.record.deciding_again import Unrepeatable, first_difference
from shared.gaze.sample import Sample
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.simulated.viewer import SimulatedViewer
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.outcomes import Outcome, number_of
from shared.gaze.trial.policies.choosing import CHOOSERS
from shared.gaze.trial.policies.triggers import TRIGGERS
from shared.gaze.trial.steps import AnyStep
from shared.gaze.trial.trial import ImpossibleTrial, Trial
from shared.json_loads import loads
from tests.support.rehearsal import MS, START_NS, Rehearsal, config, own_ms

ORIGIN = lines.Origin("t", START_NS, 1_800_000_000.0)


def recorded(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return [loads(lines.encode(lines.of_outcome(ORIGIN, outcome))) for outcome in rehearsal.outcomes]


def steps_of(rehearsal: Rehearsal) -> list[str]:
    return [each.what.step for each in rehearsal.outcomes if not isinstance(each.what, EyeEvent)]


def ready(**more: Any) -> Rehearsal:
    """A trial whose first change waits: the viewer rests at the top left, the bottom right is to change."""
    rehearsal = Rehearsal(config(**more))
    rehearsal.look(0.1, 0.1, 1300)
    assert rehearsal.trial.phase == "ready"
    assert rehearsal.trial.target == "BR"
    return rehearsal


def follow_chain(rehearsal: Rehearsal, outcome: Outcome) -> list[str]:
    """The steps from an outcome back to the sample that began it."""
    by_id: dict[str, Outcome | Any] = {each.id: each for each in rehearsal.outcomes}
    chain: list[str] = []
    at: Any = outcome
    while True:
        what = at.what if isinstance(at, Outcome) else at
        if isinstance(what, Sample):
            return [*chain, "sample"]
        chain.append("eye" if isinstance(what, EyeEvent) else what.step)
        if isinstance(what, EyeEvent):
            cause = str(number_of(at.id))
        elif isinstance(at, Outcome):
            cause = what.ready if isinstance(what, steps.Swapped) and "by_ready" in chain else what.caused_by
        else:
            cause = getattr(what, what.CAUSE) if what.CAUSE else None
        if cause is None:
            return chain
        at = by_id[cause] if "/" in cause else rehearsal.taken[int(cause)][1]


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("policy", CHOOSERS)
def test_a_whole_trial_shows_changes_where_nobody_looks_and_is_decided_again_identically(
    trigger: str, policy: str
) -> None:
    rehearsal = Rehearsal(
        config(
            trigger={"name": trigger},
            policy={"name": policy, "dwell_ms": 300.0, "targets": ("BR", "TR", "MR")},
            catch_rate=0.1,
            sham_rate=0.1,
        )
    )
    if trigger == "key":
        for _ in range(20):
            rehearsal.look(0.1, 0.1, 1500)
            rehearsal.press()
            rehearsal.look(0.1, 0.1, 400)
            rehearsal.look(0.4, 0.9, 400)
    else:
        rehearsal.follow(SimulatedViewer(1, ASSUMED_SCREEN), 45)
    rehearsal.end()
    displayed = rehearsal.all(steps.Displayed)
    assert len(displayed) >= 5
    assert not any(step.is_late for step in displayed)
    assert all(step.error_ns == 200_000 and step.latency_ms > 0 for step in displayed)
    assert all(step.eccentricity_deg > 0 for step in displayed)
    for outcome in rehearsal.outcomes:
        if isinstance(outcome.what, steps.Displayed):
            chain = follow_chain(rehearsal, outcome)
            assert chain[:3] == ["displayed", "swap", "trigger"]
            # A key begins with itself; of everything else there is the sample, or the time that has passed.
            assert chain[-1] in {"sample", "response", "tick", "ready", "clock"}
    assert first_difference(rehearsal.taken, recorded(rehearsal)) is None


def test_each_change_goes_back_to_the_sample_that_the_gaze_came_to_rest_with() -> None:
    rehearsal = ready()
    rehearsal.blink()
    displayed = next(each for each in rehearsal.outcomes if isinstance(each.what, steps.Displayed))
    assert follow_chain(rehearsal, displayed) == ["displayed", "swap", "trigger", "eye", "sample"]
    swap = next(each for each in rehearsal.outcomes if isinstance(each.what, steps.Swapped))
    assert isinstance(swap.what, steps.Swapped)
    at: Any = rehearsal.taken[int(swap.what.ready)][1]
    chain = [at.step]
    at = rehearsal.taken[int(at.frame)][1]
    chain.append(at.step)
    request = next(each for each in rehearsal.outcomes if each.id == at.request)
    assert chain == ["ready", "frame"]
    assert follow_chain(rehearsal, request) == ["request", "decision", "fixation", "sample"]


def test_a_blink_shows_what_is_ready_within_its_deadline() -> None:
    rehearsal = ready()
    rehearsal.blink()
    (swap,) = rehearsal.all(steps.Swapped)
    (displayed,) = rehearsal.all(steps.Displayed)
    assert swap.deadline_ns - swap.t_ns == 50 * MS
    assert displayed.next_frame_ns <= swap.deadline_ns
    assert displayed.flags == ()
    assert displayed.seen_risk is False
    assert rehearsal.trial.picture_sha256 == displayed.sha256
    assert rehearsal.trial.phase == "resting"


def test_before_the_display_is_ready_nothing_is_triggered() -> None:
    rehearsal = Rehearsal(config(), decoding_ms=10_000)
    rehearsal.look(0.1, 0.1, 1300)
    assert rehearsal.trial.phase == "made"
    rehearsal.blink()
    assert not rehearsal.all(steps.Triggered)


def test_a_chance_while_the_viewer_looks_at_the_target_is_noted_and_not_used() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.look(0.9, 0.9, 200)
    rehearsal.press()
    assert steps_of(rehearsal)[-3:] == ["trigger", "missed", "dark"]
    rehearsal.look(0.1, 0.1, 200)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 400)
    assert steps_of(rehearsal)[-1] == "displayed"


def test_a_swap_is_taken_back_when_the_viewer_comes_to_look_there_in_the_dark() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 400)
    assert steps_of(rehearsal)[-3:] == ["swap", "withdrawn", "missed"]
    assert rehearsal.trial.phase == "ready"
    withdrawn = rehearsal.all(steps.Withdrawn)[-1]
    assert isinstance(rehearsal.taken[int(withdrawn.caused_by)][1], Sample)


def test_a_swap_is_taken_back_when_the_viewer_moves_towards_its_target() -> None:
    """Never the sectors on the line of the movement, up to the amplitude that its peak speed foretells."""
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.press()
    assert rehearsal.trial.phase == "swapping"
    for step in range(1, 8):  # 400 degrees a second, towards the bottom right
        rehearsal.sample(Sample(rehearsal.t_ns + 4 * MS, 0.1 + 0.05 * step, 0.1 + 0.05 * step, confidence=1.0))
        if withdrawn := rehearsal.all(steps.Withdrawn):
            break
    (withdrawn,) = withdrawn
    sample = rehearsal.taken[int(withdrawn.caused_by)][1]
    assert isinstance(sample, Sample)
    assert sample.x < 0.6 > sample.y


def test_where_nobody_knows_where_the_viewer_looks_nothing_is_shown() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.put(inputs.SourceChanged, source="page", state="silent")
    rehearsal.press()
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["nobody knows where the viewer looks"]


def test_a_loss_is_no_blink_and_shows_nothing() -> None:
    rehearsal = Rehearsal(config())
    rehearsal.look(0.1, 0.1, 1100)
    rehearsal.blink(2000)
    assert rehearsal.trial.phase == "ready"  # it became so in the loss
    rehearsal.blink(500)
    assert [event.kind for event in rehearsal.all(EyeEvent)][-1] == "lost"
    assert not rehearsal.all(steps.Displayed)


@pytest.mark.parametrize(("rate", "kind"), [("catch_rate", "catch"), ("sham_rate", "sham")])
def test_controls_go_through_every_step_and_change_nothing(rate: str, kind: str) -> None:
    rehearsal = ready(**{rate: 1.0})
    rehearsal.blink()
    (displayed,) = rehearsal.all(steps.Displayed)
    assert displayed.kind == kind
    assert steps_of(rehearsal) == ["fixation", "decision", "request", "trigger", "swap", "displayed"]
    assert rehearsal.trial.picture_sha256 == "0" * 64
    rehearsal.look(0.1, 0.1, 1000)
    assert rehearsal.all(steps.Requested)[-1].picture_sha256 == "0" * 64


def test_controls_are_as_many_as_were_asked_for_and_the_same_by_the_same_seed() -> None:
    def kinds(seed: int) -> list[str]:
        rehearsal = Rehearsal(config(seed=seed, catch_rate=0.3, sham_rate=0.2, policy={"dwell_ms": 50.0}))
        rehearsal.generation_ms = rehearsal.decoding_ms = 1.0
        for _ in range(60):
            rehearsal.look(0.1, 0.1, 200, rate_hz=125)
            rehearsal.blink(60, rate_hz=125)
        return [each.kind for each in rehearsal.all(steps.Decided)]

    first = kinds(7)
    assert first == kinds(7)
    assert first != kinds(8)
    counts = Counter(first)
    assert len(first) >= 50
    assert 0.1 < counts["catch"] / len(first) < 0.5
    assert 0.05 < counts["sham"] / len(first) < 0.4


def test_what_is_listed_comes_in_its_order() -> None:
    rehearsal = Rehearsal(config(policy={"name": "listed", "targets": ("BR", "MR", "BC"), "dwell_ms": 100.0}))
    for _ in range(5):
        rehearsal.look(0.1, 0.1, 800)
        rehearsal.blink()
    assert [each.target for each in rehearsal.all(steps.Displayed)] == ["BR", "MR", "BC", "BR", "MR"]


def test_prompts_go_round_their_sectors_list() -> None:
    rehearsal = Rehearsal(config(policy={"dwell_ms": 100.0}))
    for _ in range(3):
        rehearsal.look(0.1, 0.1, 800)
        rehearsal.blink()
    assert [each.prompt for each in rehearsal.all(steps.Requested)][:3] == ["a kite", "a ladybug", "a kite"]


def test_while_it_is_made_where_the_viewer_looks_now_another_change_is_asked_for() -> None:
    rehearsal = Rehearsal(config(), generation_ms=5000)
    rehearsal.look(0.1, 0.1, 900)
    rehearsal.look(0.9, 0.9, 900)
    assert [each.target_sector for each in rehearsal.all(steps.Requested)] == ["BR", "TL"]
    assert len(rehearsal.all(steps.Abandoned)) == 1
    rehearsal.look(0.9, 0.9, 6000)
    assert rehearsal.trial.pending is not None  # the answer to the first was passed over
    assert rehearsal.trial.target == "TL"


def test_a_change_that_is_held_waits_for_ever() -> None:
    rehearsal = Rehearsal(config(policy={"when_looked_at": "hold"}), generation_ms=2000)
    rehearsal.look(0.1, 0.1, 900)
    rehearsal.look(0.9, 0.9, 9000)
    assert len(rehearsal.all(steps.Requested)) == 1
    assert not rehearsal.all(steps.Abandoned)


def test_one_that_waits_where_the_viewer_rests_is_given_up_after_a_while() -> None:
    rehearsal = ready()
    rehearsal.look(0.9, 0.9, 4000)
    assert not rehearsal.all(steps.Abandoned)
    rehearsal.look(0.9, 0.9, 2500)
    assert len(rehearsal.all(steps.Abandoned)) == 1
    assert rehearsal.all(steps.Requested)[-1].target_sector == "TL"


def test_a_generator_that_refuses_is_asked_less_and_less() -> None:
    rehearsal = Rehearsal(config(), generation_ms=1e9)
    times = []
    for _ in range(60):
        rehearsal.look(0.1, 0.1, 1000, rate_hz=60)
        if rehearsal.trial.phase == "asking":
            request = next(each for each in reversed(rehearsal.outcomes) if isinstance(each.what, steps.Requested))
            rehearsal.put(inputs.RequestFailed, request=request.id, code="generator_loading", detail="loading")
            times.append(rehearsal.t_ns / 1e9)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] < 4 < waits[-1] < 40
    assert all("generator_loading" in each.reason for each in rehearsal.all(steps.Abandoned))


def test_a_display_that_goes_takes_the_pending_swap_with_it() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.press()
    rehearsal.put(inputs.DisplayGone, display="display-1", reason="it went away")
    assert steps_of(rehearsal)[-2:] == ["swap", "abandoned"]
    assert rehearsal.trial.display is None
    rehearsal.look(0.1, 0.1, 3000)
    assert len(rehearsal.all(steps.Requested)) == 1  # nobody to show it to
    rehearsal.display = "display-2"
    rehearsal.show()
    rehearsal.look(0.1, 0.1, 3000)
    assert len(rehearsal.all(steps.Requested)) == 2


def test_what_waits_is_shown_by_the_next_display_once_that_is_ready() -> None:
    rehearsal = ready()
    rehearsal.display = "display-2"
    rehearsal.show()
    assert rehearsal.trial.phase == "made"
    frame, _ = rehearsal.trial.pending or ("", "")
    rehearsal.put(inputs.DisplayReady, frame=frame, display="display-1")
    assert rehearsal.trial.phase == "made"
    rehearsal.put(inputs.DisplayReady, frame=frame, display="display-2")
    assert rehearsal.trial.phase == "ready"


def test_a_display_that_says_nothing_is_not_waited_for() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.frame_ms = None
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 3000)
    assert rehearsal.all(steps.Missed)[-1].reason == "the display said nothing of it"
    assert rehearsal.trial.phase == "ready"


def report(rehearsal: Rehearsal, swap: str, **more: Any) -> list[AnyStep]:
    fields: dict[str, Any] = {"swap": swap, "display": "display-1", "was_shown": True, **more}
    came = rehearsal.put(inputs.Reported, **fields)
    return [each.what for each in came if not isinstance(each.what, EyeEvent)]


def swapped(**more: Any) -> tuple[Rehearsal, str]:
    rehearsal = ready(trigger={"name": "key"}, **more)
    rehearsal.frame_ms = None
    rehearsal.press()
    swap = next(each for each in rehearsal.outcomes if isinstance(each.what, steps.Swapped))
    rehearsal.look(0.1, 0.1, 300)
    return rehearsal, swap.id


@pytest.mark.parametrize(
    ("drawn", "following", "flag"),
    [
        (-10 * MS, 10 * MS, ()),
        (5_000 * MS, 5_016 * MS, ("in_the_future",)),
        (-5_000 * MS, -4_984 * MS, ("before_its_swap",)),
        (-10 * MS, -30 * MS, ("unordered",)),
    ],
)
def test_a_display_that_lies_about_its_times_is_flagged(drawn: int, following: int, flag: tuple[str, ...]) -> None:
    rehearsal, swap = swapped()
    now = rehearsal.t_ns
    (step, *_) = report(rehearsal, swap, drawn_ms=own_ms(now + drawn), next_frame_ms=own_ms(now + following))
    assert isinstance(step, steps.Displayed)
    assert step.flags == flag
    assert (step.latency_ms is None) == bool(flag)
    assert rehearsal.trial.phase == "resting"


def test_without_a_clock_the_record_says_so() -> None:
    rehearsal, swap = swapped()
    rehearsal.put(inputs.DisplayGone, display="display-1", reason="gone")
    rehearsal.show()
    (step, *_) = report(rehearsal, swap, drawn_ms=1.0, next_frame_ms=2.0)
    assert isinstance(step, steps.Displayed)
    assert step.flags == ("no_clock",)
    assert step.drawn_ns is None


def test_a_swap_that_is_reported_twice_is_flagged_and_counts_once() -> None:
    rehearsal, swap = swapped()
    now = own_ms(rehearsal.t_ns)
    report(rehearsal, swap, drawn_ms=now - 20, next_frame_ms=now)
    (step,) = report(rehearsal, swap, drawn_ms=now - 20, next_frame_ms=now)
    assert isinstance(step, steps.Displayed)
    assert step.flags == ("twice",)


def test_what_was_displayed_after_its_deadline_is_late() -> None:
    rehearsal, swap = swapped()
    rehearsal.look(0.1, 0.1, 800)
    now = own_ms(rehearsal.t_ns)
    (step, *_) = report(rehearsal, swap, drawn_ms=now - 2, next_frame_ms=now)
    assert isinstance(step, steps.Displayed)
    assert step.is_late
    assert step.flags == ("late",)


def test_a_gaze_that_comes_to_rest_on_the_target_as_it_is_drawn_is_a_risk_that_is_recorded() -> None:
    rehearsal, swap = swapped()
    drawn = own_ms(rehearsal.t_ns)
    rehearsal.look(0.9, 0.9, 30)
    (step, *_) = report(rehearsal, swap, drawn_ms=drawn, next_frame_ms=own_ms(rehearsal.t_ns))
    assert isinstance(step, steps.Displayed)
    assert step.seen_risk
    assert step.eccentricity_deg is not None
    assert step.eccentricity_deg > 10


@pytest.mark.parametrize(("rate_hz", "triggers"), [(60.0, False), (90.0, False), (100.0, True), (500.0, True)])
def test_a_slow_tracker_triggers_by_no_saccade(rate_hz: float, triggers: bool) -> None:
    rehearsal = Rehearsal(config(trigger={"name": "saccade"}, policy={"dwell_ms": 300.0}))
    rehearsal.follow(SimulatedViewer(1, ASSUMED_SCREEN, rate_hz), 20)
    assert rehearsal.events("saccade")
    assert bool(rehearsal.all(steps.Triggered)) is triggers


def test_light_that_was_measured_is_what_counts() -> None:
    rehearsal, swap = swapped()
    now = own_ms(rehearsal.t_ns)
    (step, *_) = report(rehearsal, swap, drawn_ms=now - 20, next_frame_ms=now - 4, photodiode_ms=now - 1)
    assert isinstance(step, steps.Displayed)
    assert step.flags == ("photodiode",)
    assert step.next_frame_ns == pytest.approx(rehearsal.t_ns - MS, abs=1000)


def test_blackouts_come_whether_or_not_there_is_something_to_show() -> None:
    rehearsal = Rehearsal(config(trigger={"name": "blackout"}), generation_ms=1e9)
    rehearsal.look(0.1, 0.1, 60_000, rate_hz=60)
    darkened = rehearsal.all(steps.Darkened)
    assert 10 <= len(darkened) <= 30
    gaps = [later.t_ns - earlier.t_ns for earlier, later in pairwise(darkened)]
    assert min(gaps) >= 1_200 * MS


def test_in_the_dark_the_viewer_may_look_away_from_the_target() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.look(0.9, 0.9, 200)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 400)
    assert steps_of(rehearsal)[-5:] == ["trigger", "missed", "dark", "swap", "displayed"]
    (swap,) = rehearsal.all(steps.Swapped)
    (triggered,) = rehearsal.all(steps.Triggered)
    assert swap.deadline_ns == triggered.t_ns + 400 * MS
    assert triggered.t_ns < swap.t_ns < triggered.t_ns + 200 * MS


def test_a_picture_that_becomes_ready_in_the_dark_is_shown_at_its_end() -> None:
    rehearsal = Rehearsal(config(trigger={"name": "key"}), decoding_ms=400)
    rehearsal.look(0.1, 0.1, 1400)
    assert rehearsal.trial.phase == "made"
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 500)
    assert steps_of(rehearsal)[-4:] == ["dark", "trigger", "swap", "displayed"]


def test_after_the_dark_nothing_is_exchanged() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.look(0.9, 0.9, 200)
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 220)
    rehearsal.look(0.1, 0.1, 1000)
    assert not rehearsal.all(steps.Swapped)


def test_a_press_darkens_the_view_whether_or_not_there_is_something_to_show() -> None:
    rehearsal = Rehearsal(config(trigger={"name": "key", "keys": (" ",)}))
    assert [each.what.step for each in rehearsal.press() if not isinstance(each.what, EyeEvent)] == ["dark"]
    assert rehearsal.press("a") == []


def test_the_end_gives_up_what_waits() -> None:
    rehearsal = ready()
    rehearsal.end()
    assert steps_of(rehearsal)[-1] == "abandoned"
    assert rehearsal.trial.is_over
    assert rehearsal.trial.deadline_ns is None


def test_dwelling_waits_for_the_time_where_no_sample_comes() -> None:
    rehearsal = Rehearsal(config())
    rehearsal.look(0.1, 0.1, 700)
    assert not rehearsal.all(steps.Requested)
    deadline = rehearsal.trial.deadline_ns
    assert deadline is not None
    assert deadline <= rehearsal.t_ns + 100 * MS


def test_a_fixation_can_ask_as_soon_as_it_is_detected() -> None:
    rehearsal = Rehearsal(config(policy={"ask": "fixation", "dwell_ms": 0.0}))
    rehearsal.look(0.1, 0.1, 200)
    (fixated,) = rehearsal.all(steps.Fixated)
    assert "/" in fixated.caused_by
    assert fixated.t_ns - START_NS < 200 * MS


def test_another_source_begins_anew() -> None:
    rehearsal = ready()
    rehearsal.put(inputs.SourceChanged, source="simulated:1", state="running")
    assert rehearsal.trial.focus == "TL"  # of the change that waits
    rehearsal.blink(300)
    assert not rehearsal.all(steps.Swapped)  # nobody knows where this one looks


@pytest.mark.parametrize(
    "more",
    [
        {"policy": {"name": "best"}},
        {"trigger": {"name": "nod"}},
        {"detectors": {"on_deg": 3}},
        {"decision_version": 999},
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ImpossibleTrial):
        Trial(inputs.Began(t_ns=0, config=config(**more), unix_s=0.0))


def test_a_record_that_differs_is_told_by_its_first_difference() -> None:
    rehearsal = ready()
    rehearsal.end()
    said = recorded(rehearsal)
    at = next(number for number, line in enumerate(said) if line["step"] == "decision")
    changed = [*said[:at], {**said[at], "target": "TR"}, *said[at + 1 :]]
    difference = first_difference(rehearsal.taken, changed)
    assert difference is not None
    assert difference.id == said[at]["id"]
    assert "target was 'TR', and is 'BR' again" in str(difference)
    without = [*said[:at], {name: each for name, each in said[at].items() if name != "reason"}, *said[at + 1 :]]
    assert "reason was None, and is None again" in str(first_difference(rehearsal.taken, without))
    assert first_difference(rehearsal.taken, said[:-1]) is not None
    assert first_difference(rehearsal.taken[:-1], said) is not None


def test_a_sample_that_is_other_is_found() -> None:
    rehearsal = ready()
    rehearsal.blink()
    taken = [
        (n, dataclasses.replace(what, x=0.9, y=0.9) if isinstance(what, Sample) and n > 100 else what)
        for n, what in rehearsal.taken
    ]
    assert first_difference(taken, recorded(rehearsal)) is not None


def test_a_record_with_a_gap_cannot_be_decided_again() -> None:
    rehearsal = ready()
    with pytest.raises(Unrepeatable, match="input 50 is missing"):
        first_difference(rehearsal.taken[:50] + rehearsal.taken[51:], recorded(rehearsal))


def test_every_line_reads_back_as_what_it_was() -> None:
    rehearsal = ready(catch_rate=0.5, fields={"block": 1}, participant="P-07")
    rehearsal.blink()
    rehearsal.press()
    rehearsal.end()
    for n, taken in rehearsal.taken:
        if not isinstance(taken, Sample):
            line = lines.parse(lines.encode(lines.of_input(ORIGIN, n, taken)))
            assert (line.n, line.id, line.what) == (n, str(n), taken)
    for outcome in rehearsal.outcomes:
        line = lines.parse(lines.encode(lines.of_outcome(ORIGIN, outcome)))
        assert line.id == outcome.id
        assert type(line.what) is type(outcome.what)
        if not isinstance(outcome.what, EyeEvent):
            assert line.what == outcome.what
