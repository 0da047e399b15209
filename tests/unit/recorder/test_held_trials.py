"""Which trials the gaze process holds, and which have died."""

from __future__ import annotations

import pytest

from services.recorder.ledger.held_trials import GRACE_S, HeldTrials
from shared.bus.gaze_messages import GazeStatus, HeldTrial
from shared.frame import SessionStamp

STAMP = SessionStamp(session_id="s", created_at=1.0)


def held(trial_id: str, next_n: int = 10, acknowledged: int = 0, *, ended: bool = False) -> HeldTrial:
    return HeldTrial(trial_id=trial_id, session=STAMP, next_n=next_n, acknowledged=acknowledged, ended=ended)


def status(epoch: str, *trials: HeldTrial, running: str | None = None) -> GazeStatus:
    return GazeStatus(epoch=epoch, source="page", state="running", trial_id=running, held=trials)


@pytest.fixture
def known() -> HeldTrials:
    return HeldTrials()


def test_a_trial_is_fetched_at_once_when_it_is_new_or_has_ended(known: HeldTrials) -> None:
    assert known.take(status("a", held("t")))
    known.held["t"].next_n = 10
    assert not known.take(status("a", held("t")))
    assert known.take(status("a", held("t", ended=True)))


def test_what_is_owed(known: HeldTrials) -> None:
    known.take(status("a", held("t", ended=True)))
    trial = known.held["t"]
    assert known.owes_any()
    assert not known.owes_any(but=["s"])
    trial.next_n, trial.is_whole = 10, True
    assert trial.is_to_be_told
    trial.acknowledged = 10
    assert not known.owes_any()
    assert known.going_on() == []


def test_a_trial_that_goes_on_and_owes_nothing_is_kept(known: HeldTrials) -> None:
    known.take(status("a", held("t")))
    known.take(status("a", running="t"))
    assert list(known.held) == ["t"]
    known.take(status("a"))
    assert not known.held


def test_silence_is_no_death(known: HeldTrials) -> None:
    known.take(status("a", held("t")))
    known.take(status("a"))
    assert known.due({"t": "s"}, 1e9, is_gone=False) == []
    assert not known.has_dead


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_trial_is_closed_when_its_process_is_gone_for_long(known: HeldTrials, is_gone: bool) -> None:
    known.take(status("a", held("t")))
    if not is_gone:
        known.take(status("b"))
    assert known.due({"t": "s"}, 0.0, is_gone=is_gone) == []
    assert known.has_dead
    assert known.due({"t": "s"}, GRACE_S - 1, is_gone=is_gone) == []
    assert known.due({"t": "s"}, GRACE_S, is_gone=is_gone) == ["t"]


def test_a_process_that_comes_back_in_time_goes_on(known: HeldTrials) -> None:
    known.take(status("a", held("t")))
    known.due({"t": "s"}, 0.0, is_gone=True)
    assert known.due({"t": "s"}, GRACE_S, is_gone=False) == []
    assert known.due({"t": "s"}, GRACE_S + 1, is_gone=True) == [], "it is counted anew"


def test_what_an_earlier_life_of_the_recorder_left_belongs_to_the_living_or_to_nobody(known: HeldTrials) -> None:
    unended = {"held": "s", "running": "s", "dead": "s"}
    assert known.due(unended, 0.0, is_gone=False) == [], "nothing is known yet"
    known.take(status("a", held("held"), running="running"))
    known.due(unended, 0.0, is_gone=False)
    assert known.due(unended, GRACE_S, is_gone=False) == ["dead"]


def test_memory_does_not_grow_with_the_number_of_trials(known: HeldTrials) -> None:
    for number in range(100):
        known.take(status("a", held(f"t{number}", ended=True)))
        known.forget_all_but({})
    assert len(known._heard_of) == 1
