"""The sector prompts of what is made ahead: used up by a commit, given back by every other end."""

from __future__ import annotations

import pytest

from services.api.work import ahead
from services.api.work.ahead import MadeAhead
from shared.bus.messages import Prepared
from shared.prompts import Cycle, Draw, PromptLists


class Kept:
    def __init__(self, count: int) -> None:
        self.given_back: list[str] = []
        self.made = MadeAhead(lambda draw: self.given_back.append(draw.prompt))
        cycle = Cycle(PromptLists(default=tuple(f"prompt {number}" for number in range(count))))
        for number in range(count):
            draw = cycle.take("TL")
            assert isinstance(draw, Draw)
            self.made.add(f"p{number}", 3, draw)

    def tell(self, prepared_id: str, state: str) -> None:
        told = Prepared(prepared_id=prepared_id, view=None, client_id=None, target_sector="TL", state=state)
        self.made.on_change(told)


@pytest.mark.parametrize("state", ["stale", "failed", "dropped"])
def test_what_came_to_nothing_gives_its_prompt_back_once(state: str) -> None:
    kept = Kept(2)
    for told in ("queued", "running", "composing", "ready"):
        kept.tell("p0", told)
    assert kept.given_back == []
    kept.tell("p0", state)
    kept.tell("p0", state)
    kept.made.forget()
    assert kept.given_back == ["prompt 0", "prompt 1"]
    assert kept.made.grid_of("p0") is None


def test_a_commit_uses_it_up() -> None:
    kept = Kept(1)
    assert kept.made.grid_of("p0") == 3
    kept.tell("p0", "committed")
    kept.tell("p0", "dropped")
    kept.made.forget()
    assert kept.given_back == []


def test_others_ends_and_words_of_a_newer_generator_change_nothing() -> None:
    kept = Kept(1)
    kept.tell("another", "dropped")
    kept.tell("p0", "dreaming")
    assert kept.made.grid_of("p0") == 3
    assert kept.given_back == []


def test_the_oldest_is_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "KEPT", 3)
    kept = Kept(5)
    kept.made.forget()
    assert kept.given_back == ["prompt 2", "prompt 3", "prompt 4"]


def test_one_without_a_prompt_of_its_own_gives_none_back() -> None:
    kept = Kept(0)
    kept.made.add("p", 2, None)
    assert kept.made.grid_of("p") == 2
    kept.tell("p", "stale")
    assert kept.given_back == []
