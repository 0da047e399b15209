"""What a trial is told of a change that is made ahead: what is news, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from services.gaze.preparation import Preparation
from shared.bus.messages import Prepared
from shared.errors import GeneratorLoading, NotFound
from shared.gaze.trial.inputs import PreparedChanged
from shared.gaze.trial.steps import Preparing
from tests.support.rehearsal import config

A, B = "a" * 64, "b" * 64


def preparation() -> Preparation:
    wanted = Preparing(
        caused_by="1", t_ns=1, prepared_id="t-1", picture_sha256=A, target_sector="TL", prompt="a kite", seed=1
    )
    return Preparation(config(), "1/0", wanted, A)


def said(state: str, picture: str | None = A, **more: Any) -> Prepared:
    fields = {"prepared_id": "t-1", "view": "v", "client_id": "v", "target_sector": "TL", "state": state}
    return Prepared.model_validate({**fields, "picture_sha256": picture, **more})


def test_each_state_is_told_once_and_in_order() -> None:
    one = preparation()
    told = [
        one.hear(said(state, picture), at_ns, 5)
        for at_ns, (state, picture) in enumerate(
            [
                *(("queued", A), ("running", A), ("ready", A), ("ready", A)),
                *(("composing", B), ("ready", B), ("composing", A), ("ready", A), ("stale", B)),
            ]
        )
    ]
    news = [(each.state, each.picture_sha256) for each in told if each is not None]
    assert news == [("ready", A), ("ready", B), ("ready", A), ("stale", B)]
    assert one.is_over


def test_after_a_commit_it_is_told_anew_that_it_is_ready() -> None:
    one = preparation()
    assert one.hear(said("ready", A), 1, 5) is not None
    one.picture_changed(A, B)
    assert one.picture_sha256 == B
    assert one.hear(said("composing", B), 2, 5) is None
    again = one.hear(said("ready", A), 3, 5)  # the view shows the picture before again
    assert again is not None
    one.is_known = True
    one.picture_changed(A, B)
    assert one.picture_sha256 == B
    assert one.hear(said("ready", B), 4, 5) is not None
    one.picture_changed(A, B)
    assert one.hear(said("ready", B), 5, 5) is None


def test_what_is_older_than_what_is_known_says_nothing() -> None:
    one = preparation()
    assert one.hear(said("ready", B), 10, 5) is not None
    assert one.hear(said("ready", A), 9, 5) is None
    assert one.hear(said("stale", A), 9, 5) is None
    assert one.hear(said("stale"), 10, 5) == PreparedChanged(
        t_ns=5, prepare="1/0", state="stale", picture_sha256=A, generation_ms=None
    )


def test_what_is_over_says_nothing_more() -> None:
    one = preparation()
    failed = one.hear(said("failed", code="generation_failed", detail="why"), 1, 5)
    assert failed is not None
    assert (failed.code, failed.detail) == ("generation_failed", "why")
    assert one.hear(said("ready"), 2, 5) is None
    assert one.end("dropped", NotFound("gone"), 5) is None


def test_a_ready_one_without_its_picture_and_states_of_a_newer_generator_are_passed_over() -> None:
    one = preparation()
    assert one.hear(said("ready", None), 1, 5) is None
    assert one.hear(said("polishing"), 2, 5) is None
    assert not one.is_over


@pytest.mark.parametrize("state", ["dropped", "committed", "stale"])
def test_while_it_is_committed_the_answer_alone_counts(state: str) -> None:
    one = preparation()
    one.is_committing = True
    assert one.hear(said(state), 1, 5) is None
    assert one.end("dropped", NotFound("gone"), 5) is None
    assert not one.is_over


def test_an_error_says_when_another_try_makes_sense() -> None:
    ended = preparation().end("failed", GeneratorLoading("it loads"), 7)
    assert ended is not None
    assert (ended.t_ns, ended.state, ended.code, ended.detail) == (7, "failed", "generator_loading", "it loads")
    assert ended.retry_after_ms == 2000.0
