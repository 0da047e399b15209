"""Changes that are made ahead, rehearsed: which are prepared, which is shown at a chance, and why none is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from shared import sectors
from shared.gaze.events import EyeEvent
from shared.gaze.record import lines
from shared.gaze.sample import Sample
from shared.gaze.trial import inputs, steps
from shared.gaze.trial.outcomes import Outcome
from tests.support.rehearsal import MS, START_NS, Rehearsal, config
from tests.support.rehearsal_ahead import FIRST, AheadRehearsal, Faults

ORIGIN = lines.Origin("t", START_NS, 1_800_000_000.0)


def rehearse(**more: Any) -> AheadRehearsal:
    """A trial that has prepared nothing yet; what takes time takes the same each time."""
    names = [name for name in more if name in AheadRehearsal.__dataclass_fields__ and name != "seed"]
    own = {name: more.pop(name) for name in names}
    return AheadRehearsal(config(**more), spread=0.0, **own)


def ready(**more: Any) -> AheadRehearsal:
    """All that was prepared can be shown; the viewer rests at the top left."""
    rehearsal = rehearse(**more)
    rehearsal.look(0.1, 0.1, 600)
    assert all(one.ready for one in rehearsal.trial.prepared)
    return rehearsal


def steps_of(rehearsal: Rehearsal) -> list[str]:
    return [each.what.step for each in rehearsal.outcomes if not isinstance(each.what, EyeEvent)]


def targets(rehearsal: Rehearsal) -> list[str]:
    return [each.target_sector for each in rehearsal.all(steps.Preparing)]


def prepared(rehearsal: AheadRehearsal) -> set[str]:
    return {one.target for one in rehearsal.trial.prepared}


def test_as_soon_as_a_display_takes_sectors_changes_are_prepared_for_the_picture_on_view() -> None:
    rehearsal = rehearse()
    wanted = rehearsal.all(steps.Preparing)
    assert [each.prepared_id for each in wanted] == ["t-p0", "t-p1", "t-p2", "t-p3"]
    assert len(set(targets(rehearsal))) == 4
    assert {each.picture_sha256 for each in wanted} == {FIRST}
    assert {each.caused_by for each in wanted} == {"1"}
    assert len({each.seed for each in wanted}) == 4
    assert [(one.target, one.made, one.ready) for one in rehearsal.trial.prepared] == [
        (name, None, None) for name in targets(rehearsal)
    ]


@pytest.mark.parametrize(("ahead", "grid_size", "count"), [(1, 3, 1), (9, 3, 9), (9, 2, 4), (0, 3, 0)])
def test_no_more_than_the_policy_says_and_the_grid_has(ahead: int, grid_size: int, count: int) -> None:
    rehearsal = rehearse(policy={"ahead": ahead}, grid_size=grid_size)
    assert len(set(targets(rehearsal))) == len(targets(rehearsal)) == count


@pytest.mark.parametrize("more", [{"takes_sectors": False}, {"policy": {"ahead": 0}}])
def test_otherwise_a_change_is_asked_for_when_the_gaze_has_rested(more: dict[str, Any]) -> None:
    rehearsal = rehearse(**more)
    rehearsal.look(0.1, 0.1, 1300)
    rehearsal.blink()
    assert steps_of(rehearsal) == ["fixation", "decision", "request", "trigger", "swap", "displayed"]
    (swap,) = rehearsal.all(steps.Swapped)
    assert not {"prepared_id", "on"} & set(swap.flat()), "recorded to the letter as ever"


def test_where_nobody_knows_where_the_viewer_looks_the_seed_says_what_for() -> None:
    orders = {tuple(targets(rehearse(seed=seed))) for seed in range(5)}
    assert len(orders) > 1
    assert targets(rehearse(seed=3)) == targets(rehearse(seed=3))


def later(policy: dict[str, Any], x: float, y: float, **more: Any) -> list[str]:
    """For what is prepared, in its order, once it is known where the viewer looks."""
    rehearsal = rehearse(policy=policy, takes_sectors=False, **more)
    rehearsal.look(x, y, 100)
    rehearsal.takes_sectors = True
    rehearsal.show()
    return targets(rehearsal)


def test_the_likeliest_come_first() -> None:
    assert later({"ahead": 4}, 0.1, 0.1)[0] == "BR"
    assert later({"ahead": 9}, 0.1, 0.1)[-1] == "TL", "what is looked at comes last"
    assert set(later({"ahead": 4}, 0.5, 0.5)) == set(sectors.CORNERS)
    assert later({"name": "farthest", "ahead": 3}, 0.1, 0.1)[0] == "BR"
    assert later({"name": "farthest", "ahead": 9}, 0.1, 0.1)[-1] == "TL"
    listed = {"name": "listed", "targets": ("TR", "TR", "ML", "BC", "TR", "TL"), "ahead": 3}
    assert later(listed, 0.1, 0.1) == ["TR", "ML", "BC"]
    assert sorted(later({"name": "random", "ahead": 9}, 0.1, 0.1)) == sorted(sectors.names(3))


def test_a_blink_commits_one_that_is_ready_and_its_sector_is_shown_within_the_deadline() -> None:
    rehearsal = ready(policy={"ahead": 9})
    rehearsal.blink()
    assert steps_of(rehearsal)[-5:] == ["trigger", "commit", "swap", "displayed", "prepare"]
    (trigger,) = rehearsal.all(steps.Triggered)
    (commit,) = rehearsal.all(steps.Committed)
    (swap,) = rehearsal.all(steps.Swapped)
    (displayed,) = rehearsal.all(steps.Displayed)
    assert (commit.target_sector, commit.reason, commit.on) == ("BR", None, FIRST)
    assert (commit.request_id, commit.policy) == ("t-0", "opposite")
    assert (commit.focus_sector, commit.focus_x, commit.focus_y) == ("TL", 0.1, 0.1)
    assert (swap.prepared_id, swap.on, swap.kind) == (commit.prepared_id, FIRST, "change")
    assert swap.deadline_ns == trigger.detected_ns + 50 * MS > displayed.next_frame_ns
    assert swap.t_ns - commit.t_ns == pytest.approx(4.2 * MS, rel=0.01)
    assert rehearsal.trial.picture_sha256 == displayed.sha256 == swap.sha256
    again = rehearsal.all(steps.Preparing)[-1]
    assert (again.target_sector, again.picture_sha256, again.prompt) == ("BR", swap.sha256, "a ladybug")
    assert rehearsal.trial.phase == "resting"


def test_each_blink_finds_one_ready_that_was_made_while_the_viewer_looked() -> None:
    rehearsal = ready()
    for x, y in ((0.1, 0.1), (0.9, 0.2), (0.5, 0.5), (0.1, 0.9)) * 3:
        rehearsal.look(x, y, 600)
        rehearsal.blink()
    assert len(rehearsal.all(steps.Displayed)) == 12
    assert not rehearsal.all(steps.Missed)
    assert all(each.eccentricity_deg > 0 and not each.is_late for each in rehearsal.all(steps.Displayed))


def test_another_one_is_taken_where_the_first_choice_is_not_ready() -> None:
    rehearsal = ready(policy={"ahead": 8})
    for one in rehearsal.trial.prepared:
        if one.target == "BR":
            rehearsal.put(inputs.PreparedChanged, prepare=one.prepare, state="stale")
    rehearsal.blink()
    (commit,) = rehearsal.all(steps.Committed)
    assert commit.target_sector not in ("BR", "TL")
    assert commit.reason == "the opposite is not ready"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"preparing_ms": 5000}, "nothing is ready: 4 being made"),
        ({"decoding_ms": 5000}, "nothing is ready: 4 not decoded by the display"),
        ({"faults": Faults(prepare=1.0)}, "nothing is prepared yet"),
        (
            {"preparing_ms": 5000, "policy": {"name": "listed", "targets": ("BR", "TR")}},
            "the next of the list, BR, is not ready",
        ),
        (
            {"policy": {"name": "listed", "targets": ("TL", "TR")}},
            "the next of the list, TL, is looked at",
        ),
        (
            {"policy": {"name": "listed", "targets": ("TL",)}, "decoding_ms": 5},
            "the next of the list, TL, is looked at",
        ),
    ],
)
def test_a_chance_at_which_nothing_can_be_shown_says_why(more: dict[str, Any], reason: str) -> None:
    rehearsal = rehearse(**more)
    rehearsal.look(0.1, 0.1, 600)
    rehearsal.blink()
    assert steps_of(rehearsal)[-2:] == ["trigger", "missed"]
    (missed,) = rehearsal.all(steps.Missed)
    assert (missed.reason, missed.report) == (reason, None)
    assert not rehearsal.all(steps.Committed)


def test_all_that_is_ready_may_be_looked_at() -> None:
    rehearsal = ready(policy={"ahead": 1})
    row, column = sectors.position(targets(rehearsal)[0], 3)
    rehearsal.look((column + 0.5) / 3, (row + 0.5) / 3, 300)
    rehearsal.blink()
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["the viewer looks at all 1 that are ready"]


def test_where_nobody_knows_where_the_viewer_looks_nothing_is_committed() -> None:
    rehearsal = ready(trigger={"name": "key"})
    rehearsal.put(inputs.SourceChanged, source="page", state="silent")
    rehearsal.press()
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["nobody knows where the viewer looks"]
    assert steps_of(rehearsal)[-1] == "dark"


def test_what_is_listed_comes_in_its_order_and_only_so() -> None:
    named = ("BR", "MR", "BC", "BR", "TR")
    rehearsal = rehearse(policy={"name": "listed", "targets": named, "ahead": 2})
    for _ in range(7):
        rehearsal.look(0.1, 0.1, 600)
        rehearsal.blink()
    assert [each.target for each in rehearsal.all(steps.Displayed)] == [*named, "BR", "MR"]


def test_what_the_list_has_moved_on_from_is_dropped() -> None:
    rehearsal = ready(policy={"name": "listed", "targets": ("BR", "MR", "BC"), "ahead": 1}, catch_rate=1.0)
    rehearsal.blink()
    assert steps_of(rehearsal)[-5:] == ["trigger", "swap", "displayed", "drop", "prepare"]
    (drop,) = rehearsal.all(steps.GivenUp)
    assert (drop.prepare, drop.reason) == ("1/0", "the policy cannot choose it any more")
    assert targets(rehearsal) == ["BR", "MR"]


def test_the_list_moves_on_with_what_another_display_asked_for_as_well() -> None:
    policy = {"name": "listed", "targets": ("BR", "TR"), "ahead": 1}
    rehearsal = rehearse(takes_sectors=False, policy=policy, sham_rate=1.0)
    rehearsal.look(0.1, 0.1, 900)
    rehearsal.takes_sectors = True
    rehearsal.show()
    rehearsal.look(0.1, 0.1, 600)
    rehearsal.blink()
    assert [each.frame_id is None for each in rehearsal.all(steps.Displayed)] == [False]
    assert targets(rehearsal) == ["BR", "TR"]


@pytest.mark.parametrize(("rate", "kind"), [("catch_rate", "catch"), ("sham_rate", "sham")])
def test_for_controls_nothing_is_committed_and_what_was_ready_stays(rate: str, kind: str) -> None:
    rehearsal = ready(**{rate: 1.0})
    before = rehearsal.trial.prepared
    rehearsal.blink()
    assert steps_of(rehearsal)[4:] == ["trigger", "swap", "displayed"]
    (swap,) = rehearsal.all(steps.Swapped)
    (displayed,) = rehearsal.all(steps.Displayed)
    assert (swap.kind, swap.frame_id, swap.prepared_id) == (kind, None, None)
    assert swap.sha256 == swap.on == FIRST == rehearsal.trial.picture_sha256
    assert (displayed.kind, displayed.frame_id) == (kind, None)
    assert swap.ready in {one.ready for one in before}
    assert rehearsal.trial.prepared == before
    rehearsal.look(0.1, 0.1, 300)
    rehearsal.blink()
    assert len(rehearsal.all(steps.Displayed)) == 2


def test_what_stands_for_a_control_may_become_stale_meanwhile() -> None:
    rehearsal = ready(trigger={"name": "key"}, sham_rate=1.0)
    rehearsal.press()
    one = next(one for one in rehearsal.trial.prepared if one.ready == rehearsal.all(steps.Swapped)[0].ready)
    rehearsal.put(inputs.PreparedChanged, prepare=one.prepare, state="stale")
    assert one.prepare not in {each.prepare for each in rehearsal.trial.prepared}
    rehearsal.look(0.1, 0.1, 400)
    assert steps_of(rehearsal)[-1] == "displayed"


def test_what_is_being_committed_is_not_given_up_where_it_is_looked_at() -> None:
    rehearsal = ready(trigger={"name": "key"}, policy={"ahead": 9, "outwaited_ms": 0.0}, commit_ms=2000)
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 1900)
    assert rehearsal.trial.phase == "committing"
    rehearsal.look(0.9, 0.9, 3000)
    assert rehearsal.all(steps.Abandoned)


def test_a_commit_that_comes_too_late_waits_with_its_frame_for_the_next_chance() -> None:
    rehearsal = ready(commit_ms=80)
    rehearsal.blink()
    assert steps_of(rehearsal)[-3:] == ["trigger", "commit", "missed"]
    (missed,) = rehearsal.all(steps.Missed)
    assert missed.reason == "the commit came too late"
    assert missed.caused_by == rehearsal.all(steps.Committed)[0].caused_by
    assert rehearsal.trial.phase == "ready"
    rehearsal.look(0.1, 0.1, 300)
    rehearsal.blink()
    assert len(rehearsal.all(steps.Committed)) == 1
    assert steps_of(rehearsal)[-4:-1] == ["trigger", "swap", "displayed"]


def test_a_commit_whose_target_is_looked_at_by_then_is_not_shown() -> None:
    rehearsal = ready(trigger={"name": "key"}, policy={"ahead": 9}, commit_ms=30)
    rehearsal.press()
    assert rehearsal.trial.phase == "committing"
    assert (rehearsal.trial.target, rehearsal.trial.focus) == ("BR", "TL")
    rehearsal.look(0.9, 0.9, 100)
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["the viewer looks where it would change"]
    assert rehearsal.trial.pictures_in_use == {FIRST, (rehearsal.trial.pending or ("", ""))[1]}


def test_while_a_commit_is_under_way_nothing_is_prepared_and_then_for_what_is_on_its_way() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=60)
    rehearsal.press()
    stale = next(one for one in rehearsal.trial.prepared if one.target != rehearsal.trial.target)
    count = len(targets(rehearsal))
    rehearsal.put(inputs.PreparedChanged, prepare=stale.prepare, state="stale")
    rehearsal.look(0.1, 0.1, 40)
    assert len(targets(rehearsal)) == count
    rehearsal.look(0.1, 0.1, 40)
    (swap,) = rehearsal.all(steps.Swapped)
    again = rehearsal.all(steps.Preparing)[count:]
    assert [each.picture_sha256 for each in again] == [swap.sha256]


def test_after_a_change_the_others_are_ready_only_for_the_new_picture() -> None:
    rehearsal = ready()
    rehearsal.blink()
    rehearsal.look(0.1, 0.1, 100)
    others = [one for one in rehearsal.trial.prepared if one.was_made]
    assert len(others) == 3
    assert {one.picture_sha256 for one in others} == {rehearsal.trial.picture_sha256}
    of_first = next(n for n, taken in rehearsal.taken if isinstance(taken, inputs.PreparedChanged))
    assert rehearsal.trial.accepts_ready(str(of_first)), "a display may be late"
    marks = [one.ready for one in rehearsal.trial.prepared]
    rehearsal.put(inputs.DisplayReady, frame=str(of_first), display="display-1")
    newest = next(one.made for one in others)
    rehearsal.put(inputs.DisplayReady, frame=newest, display="display-1")
    assert [one.ready for one in rehearsal.trial.prepared] == marks, "said before, or of the picture before"
    assert not rehearsal.trial.accepts_ready("9999")


def test_a_repainting_model_makes_those_anew_that_had_looked_there() -> None:
    rehearsal = ready(repaints=True, policy={"ahead": 9})
    rehearsal.blink()
    rehearsal.look(0.1, 0.1, 1000)
    states = [taken.state for _, taken in rehearsal.taken if isinstance(taken, inputs.PreparedChanged)]
    assert states.count("stale") == 3
    assert len(prepared(rehearsal)) == 9
    assert all(one.ready for one in rehearsal.trial.prepared)


def test_prompts_go_on_with_what_is_committed() -> None:
    rehearsal = ready(policy={"name": "listed", "targets": ("BR",)})
    (one,) = rehearsal.trial.prepared
    rehearsal.put(inputs.PreparedChanged, prepare=one.prepare, state="stale")
    rehearsal.look(0.1, 0.1, 600)
    for _ in range(3):
        rehearsal.blink()
        rehearsal.look(0.1, 0.1, 600)
    said = [each.prompt for each in rehearsal.all(steps.Preparing)]
    assert said == ["a kite", "a kite", "a ladybug", "a kite", "a ladybug"]


def test_after_a_refusal_nothing_is_prepared_for_a_while_and_what_is_ready_is_shown_all_the_same() -> None:
    rehearsal = ready()
    one = rehearsal.trial.prepared[0]
    rehearsal.put(inputs.PreparedChanged, prepare=one.prepare, state="failed", code="queue_full", detail="busy")
    assert len(targets(rehearsal)) == 4
    rehearsal.blink()
    assert len(rehearsal.all(steps.Displayed)) == 1
    assert len(targets(rehearsal)) == 4
    assert rehearsal.trial.deadline_ns is not None
    rehearsal.run(2100)
    assert len(targets(rehearsal)) == 6, "of itself, once the rest is over"


def test_a_generator_that_refuses_is_asked_less_and_less() -> None:
    rehearsal = rehearse(faults=Faults(prepare=1.0))
    rehearsal.look(0.1, 0.1, 70_000, rate_hz=60)
    times = sorted({each.t_ns / 1e9 for each in rehearsal.all(steps.Preparing)})
    waits = [round(b - a) for a, b in pairwise(times)]
    assert waits == [2, 4, 8, 16, 30], "those that were asked for together fail as one"


def test_whoever_drops_all_before_they_are_made_is_not_asked_without_end() -> None:
    rehearsal = rehearse(preparing_ms=1000, faults=Faults(dropped=1.0))
    rehearsal.look(0.1, 0.1, 20_000, rate_hz=60)
    assert 12 <= len(targets(rehearsal)) < 60


@pytest.mark.parametrize(("code", "rests"), [("stale", False), ("recording_backlog_full", True)])
def test_a_commit_that_is_refused_is_given_up_and_its_sector_prepared_anew(code: str, rests: bool) -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=1e6, faults=Faults(commit=1.0))
    others = prepared(rehearsal)
    rehearsal.press()
    commit = next(each for each in rehearsal.outcomes if isinstance(each.what, steps.Committed))
    target = rehearsal.trial.target
    rehearsal.look(0.1, 0.1, 300)
    rehearsal.put(inputs.RequestFailed, request=commit.id, code=code, detail="no")
    abandoned = rehearsal.all(steps.Abandoned)[-1]
    assert abandoned.reason == f"{code}: no"
    assert isinstance(rehearsal.taken[int(abandoned.caused_by)][1], inputs.RequestFailed)
    assert [each.reason for each in rehearsal.all(steps.GivenUp)] == ["its commit was refused"]
    assert (len(targets(rehearsal)) == 4) is rests
    assert prepared(rehearsal) >= others - {target}
    rehearsal.press()
    assert len(rehearsal.all(steps.Committed)) == (1 if rests else 2)


def test_a_change_that_is_given_up_once_committed_makes_the_generator_go_back() -> None:
    rehearsal = ready(policy={"ahead": 9, "outwaited_ms": 500.0}, trigger={"name": "key"}, commit_ms=250)
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 2500)
    assert rehearsal.all(steps.Abandoned)[-1].reason.endswith("another one is chosen")
    assert rehearsal.trial.picture_sha256 == FIRST
    assert rehearsal.all(steps.Preparing)[-1].picture_sha256 == FIRST
    rehearsal.look(0.9, 0.9, 600)
    assert rehearsal.generator.shown == FIRST
    assert {one.picture_sha256 for one in rehearsal.trial.prepared} == {FIRST}
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 600)
    assert len(rehearsal.all(steps.Committed)) == 2


def test_one_that_is_held_waits_for_ever() -> None:
    policy = {"ahead": 9, "outwaited_ms": 500.0, "when_looked_at": "hold"}
    rehearsal = ready(policy=policy, trigger={"name": "key"}, commit_ms=250)
    rehearsal.press()
    rehearsal.look(0.9, 0.9, 5000)
    assert not rehearsal.all(steps.Abandoned)
    rehearsal.look(0.1, 0.1, 300)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 500)
    assert rehearsal.all(steps.Displayed)


# -- in the dark ------------------------------------------------------------------------------------------------------


def test_a_key_darkens_at_once_and_the_commit_is_exchanged_in_that_dark() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=100)
    came = [each.what.step for each in rehearsal.press() if not isinstance(each.what, EyeEvent)]
    assert came == ["trigger", "commit", "dark"]
    rehearsal.look(0.1, 0.1, 500)
    (trigger,) = rehearsal.all(steps.Triggered)
    (swap,) = rehearsal.all(steps.Swapped)
    assert (swap.dark_ms, swap.deadline_ns) == (250.0, trigger.detected_ns + 400 * MS)


def test_a_control_goes_dark_by_its_swap() -> None:
    rehearsal = ready(trigger={"name": "key"}, sham_rate=1.0)
    came = [each.what.step for each in rehearsal.press() if not isinstance(each.what, EyeEvent)]
    assert came == ["trigger", "swap"]


def test_what_comes_once_the_dark_cannot_be_used_any_more_waits() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=210)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 500)
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["the commit came too late"]


def test_what_becomes_ready_in_the_dark_is_committed_for_its_end() -> None:
    rehearsal = rehearse(trigger={"name": "key"}, preparing_ms=600)
    rehearsal.look(0.1, 0.1, 520)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 600)
    assert steps_of(rehearsal)[4:] == ["trigger", "missed", "dark", "commit", "swap", "displayed", "prepare"]
    (trigger,) = rehearsal.all(steps.Triggered)
    (swap,) = rehearsal.all(steps.Swapped)
    assert swap.deadline_ns == trigger.detected_ns + 400 * MS


def test_in_the_dark_the_viewer_may_look_away_from_what_is_ready() -> None:
    rehearsal = ready(trigger={"name": "key"}, policy={"name": "listed", "targets": ("BR",)})
    rehearsal.look(0.9, 0.9, 200)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 500)
    assert steps_of(rehearsal)[1:] == ["trigger", "missed", "dark", "commit", "swap", "displayed", "prepare"]


def test_blackouts_come_at_their_times_whether_or_not_there_is_something_to_show() -> None:
    def darkened(**more: Any) -> list[int]:
        rehearsal = rehearse(trigger={"name": "blackout"}, **more)
        rehearsal.look(0.1, 0.1, 30_000, rate_hz=60)
        assert bool(rehearsal.all(steps.Displayed)) is not bool(more)
        return [each.t_ns // (20 * MS) for each in rehearsal.all(steps.Darkened)]

    assert darkened() == darkened(preparing_ms=1e9)


def test_at_once_says_nothing_while_it_waits_and_tries_again_after_a_while() -> None:
    rehearsal = rehearse(trigger={"name": "at_once"}, preparing_ms=600, faults=Faults(missed=1.0))
    rehearsal.look(0.1, 0.1, 500)
    assert steps_of(rehearsal) == ["prepare"] * 4
    rehearsal.look(0.1, 0.1, 1000)
    assert steps_of(rehearsal)[4:6] == ["trigger", "commit"]
    swaps = rehearsal.all(steps.Swapped)
    assert 3 <= len(swaps) <= 5
    assert len(rehearsal.all(steps.Committed)) == 1


def test_at_once_does_not_commit_at_every_sample_where_commits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal = rehearse(trigger={"name": "at_once"}, policy={"ahead": 9})
    monkeypatch.setattr(rehearsal.generator, "commit", lambda wanted: "stale")
    rehearsal.look(0.1, 0.1, 700)
    assert [each.reason for each in rehearsal.all(steps.Abandoned)] == ["stale: no"] * 2


def test_at_once_commits_of_itself_once_it_may() -> None:
    policy, detectors = {"again_ms": 500.0, "ahead": 9}, {"silence_ms": 1000.0}
    rehearsal = rehearse(trigger={"name": "at_once"}, policy=policy, detectors=detectors, preparing_ms=20)
    rehearsal.look(0.1, 0.1, 200)
    assert len(rehearsal.all(steps.Displayed)) == 1
    rehearsal.run(550)
    assert len(rehearsal.all(steps.Displayed)) == 2, "though no sample came"


def test_after_a_change_nothing_is_committed_for_as_long_as_the_policy_says() -> None:
    rehearsal = rehearse(trigger={"name": "at_once"}, policy={"again_ms": 2000.0, "ahead": 9})
    rehearsal.look(0.1, 0.1, 600)
    rehearsal.wait(rehearsal.t_ns + 100 * MS)
    assert len(rehearsal.all(steps.Displayed)) == 1
    assert len(targets(rehearsal)) == 10, "what is next is prepared meanwhile"
    rehearsal.look(0.1, 0.1, 6000)
    times = [each.t_ns for each in rehearsal.all(steps.Committed)]
    assert all(b - a >= 2000 * MS for a, b in pairwise(times))
    assert len(times) >= 3


# -- displays ---------------------------------------------------------------------------------------------------------


def test_another_display_has_to_decode_them_anew() -> None:
    rehearsal = ready()
    rehearsal.decoding_ms = 1e9
    rehearsal.display = "display-2"
    rehearsal.show()
    assert len(rehearsal.trial.prepared) == 4
    assert not any(one.ready for one in rehearsal.trial.prepared)
    made = rehearsal.trial.prepared[0].made
    rehearsal.put(inputs.DisplayReady, frame=made, display="display-1")
    assert not any(one.ready for one in rehearsal.trial.prepared)
    rehearsal.put(inputs.DisplayReady, frame=made, display="display-2")
    assert [bool(one.ready) for one in rehearsal.trial.prepared] == [True, False, False, False]


def test_what_was_committed_for_a_display_that_is_gone_is_shown_whole_by_the_next() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=50)
    rehearsal.press()
    rehearsal.lose()
    rehearsal.run(100)
    assert [each.reason for each in rehearsal.all(steps.Missed)] == ["the display that had it ready is gone"]
    assert rehearsal.trial.phase == "made"
    rehearsal.display = "display-2"
    rehearsal.show()
    rehearsal.look(0.1, 0.1, 300)
    assert rehearsal.trial.phase == "ready"
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 500)
    (swap,) = rehearsal.all(steps.Swapped)
    assert (swap.prepared_id, swap.on) == (None, None)
    assert rehearsal.trial.picture_sha256 == swap.sha256


def test_a_display_that_takes_sectors_no_more_is_given_what_was_committed_whole() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=210)
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 300)
    assert rehearsal.trial.phase == "ready"
    rehearsal.takes_sectors = False
    rehearsal.show()
    assert rehearsal.trial.phase == "made"
    rehearsal.look(0.1, 0.1, 300)
    rehearsal.press()
    (swap,) = rehearsal.all(steps.Swapped)
    assert (swap.prepared_id, swap.kind) == (None, "change")


def test_a_control_ends_with_the_display_that_had_it_ready() -> None:
    rehearsal = ready(trigger={"name": "key"}, sham_rate=1.0, faults=Faults(missed=1.0))
    rehearsal.press()
    rehearsal.look(0.1, 0.1, 100)
    assert rehearsal.trial.phase == "ready"
    rehearsal.lose()
    assert rehearsal.trial.phase == "resting"


def test_where_the_next_display_is_given_whole_pictures_what_was_prepared_is_dropped() -> None:
    rehearsal = ready()
    rehearsal.display, rehearsal.takes_sectors = "display-2", False
    rehearsal.show()
    assert {each.reason for each in rehearsal.all(steps.GivenUp)} == {"the display is given whole pictures"}
    assert rehearsal.trial.prepared == ()
    rehearsal.look(0.1, 0.1, 1300)
    rehearsal.blink()
    assert len(rehearsal.all(steps.Requested)) == len(rehearsal.all(steps.Displayed)) == 1
    rehearsal.takes_sectors = True
    rehearsal.show()
    assert {one.target for one in rehearsal.trial.prepared}
    assert rehearsal.all(steps.Preparing)[-1].picture_sha256 == rehearsal.trial.picture_sha256


def test_what_another_display_asked_for_makes_all_be_made_for_its_picture() -> None:
    rehearsal = rehearse(takes_sectors=False)
    rehearsal.look(0.1, 0.1, 900)
    rehearsal.takes_sectors = True
    rehearsal.show()
    rehearsal.look(0.1, 0.1, 600)
    assert rehearsal.trial.phase == "ready"
    rehearsal.blink()
    rehearsal.look(0.1, 0.1, 600)
    assert len(rehearsal.all(steps.Displayed)) == 1
    assert {one.picture_sha256 for one in rehearsal.trial.prepared} == {rehearsal.trial.picture_sha256}
    assert [each.reason for each in rehearsal.all(steps.GivenUp)] == ["all are to be made for another picture"]


def test_the_end_gives_up_what_was_committed() -> None:
    rehearsal = ready(trigger={"name": "key"}, commit_ms=1e6)
    rehearsal.press()
    rehearsal.end()
    assert steps_of(rehearsal)[-1] == "abandoned"
    assert rehearsal.trial.deadline_ns is None


def test_every_line_reads_back_as_what_it_was() -> None:
    rehearsal = ready(sham_rate=0.4, repaints=True, seed=1)
    for _ in range(4):
        rehearsal.blink()
        rehearsal.look(0.1, 0.1, 600)
    rehearsal.end()
    assert {"prepare", "commit", "swap"} <= set(steps_of(rehearsal))
    for n, taken in rehearsal.taken:
        if not isinstance(taken, Sample):
            line = lines.parse(lines.encode(lines.of_input(ORIGIN, n, taken)))
            assert (line.id, line.what) == (str(n), taken)
    for outcome in rehearsal.outcomes:
        line = lines.parse(lines.encode(lines.of_outcome(ORIGIN, outcome)))
        assert isinstance(outcome, Outcome)
        if not isinstance(outcome.what, EyeEvent):
            assert (line.id, line.what) == (outcome.id, outcome.what)
