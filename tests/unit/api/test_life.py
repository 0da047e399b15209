"""Whether a process is there, and which life of it."""

from __future__ import annotations

import pytest

from services.api.bus import life as module
from services.api.bus.life import Life


class Watched:
    def __init__(self) -> None:
        self.is_connected = True
        self.told: list[bool] = []
        self.life = Life(lambda: self.is_connected, self.told.append)


def test_it_comes_with_its_first_heartbeat_and_goes_with_its_connection() -> None:
    watched = Watched()
    watched.life.look()
    assert watched.told == []
    watched.life.beat("a")
    watched.life.beat("a")
    assert (watched.told, watched.life.is_there) == ([True], True)
    watched.is_connected = False
    watched.life.look()
    assert (watched.told, watched.life.is_there) == ([True, False], False)
    watched.is_connected = True
    watched.life.look()
    assert watched.told == [True, False], "what comes back has to say anew who it is"
    watched.life.beat("a")
    assert watched.told == [True, False, True]


def test_another_life_in_its_place_is_one_that_went_and_one_that_came() -> None:
    watched = Watched()
    watched.life.beat("a")
    watched.life.beat("b")
    assert watched.told == [True, False, True]


def test_one_that_is_silent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    watched.life.beat("a")
    monkeypatch.setattr(module, "SILENCE_S", 0.0)
    watched.life.look()
    assert watched.told == [True, False]
