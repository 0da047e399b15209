"""Who has subscribed, and who does so without end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from shared.bus import publisher
from shared.bus.channels import BY_NAME
from shared.bus.publisher import MOST_JOINS, Joins
from shared.system.descriptors import Connection

DESCRIPTOR = 7


class System:
    """Its connection by that number, and those that were cut."""

    def __init__(self) -> None:
        self.now: Connection | None = None
        self.cut: list[Connection] = []

    def find(self, descriptor: int) -> Connection | None:
        assert descriptor == DESCRIPTOR
        return self.now

    def end(self, peer: Connection) -> bool:
        if peer != self.now:
            return False
        self.cut.append(peer)
        self.now = None
        return True


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.setattr(publisher, "descriptor_of", lambda frame: DESCRIPTOR)
    return System()


@pytest.fixture
def heard(system: System) -> Joins:
    return Joins(BY_NAME["replays"], system.find, system.end)


def hear(to: Joins, times: int, said: bytes = b"\x01replay.status|") -> None:
    for _ in range(times):
        to.receive(zmq.Frame(said))


def test_who_subscribes_without_end_is_cut(system: System, heard: Joins) -> None:
    system.now = flooder = Connection(DESCRIPTOR, 1)
    hear(heard, MOST_JOINS - 1)
    assert not system.cut
    hear(heard, 1)
    assert system.cut == [flooder]


def test_the_next_one_with_its_number_is_cut_for_its_own_flood_alone(system: System, heard: Joins) -> None:
    system.now = Connection(DESCRIPTOR, 1)
    hear(heard, MOST_JOINS - 1)
    system.now = honest = Connection(DESCRIPTOR, 2)
    hear(heard, MOST_JOINS // 2)
    assert not system.cut
    hear(heard, MOST_JOINS)
    assert system.cut == [honest], "it is none any more"


@pytest.mark.parametrize("first", [Connection(DESCRIPTOR, 1), None])
def test_who_was_cut_and_comes_again_is_cut_again(first: Connection | None, system: System, heard: Joins) -> None:
    system.now = first
    hear(heard, 3 * MOST_JOINS)  # what libzmq had read of it is still heard
    system.now = again = Connection(DESCRIPTOR, 2)
    hear(heard, 3 * MOST_JOINS)
    assert system.cut[-1] == again


def test_types_are_told_in_the_channels_order(heard: Joins) -> None:
    hear(heard, 1, b"\x01replay.status|")
    hear(heard, 1, b"\x01replay.fr")
    hear(heard, 1, b"\x01other|")
    hear(heard, 1, b"\x00replay.frame|")
    assert heard.take() == []
    heard.flush()
    assert heard.take() == ["replay.frame", "replay.status"]
    assert heard.count == 2


def test_everything_is_every_type(heard: Joins) -> None:
    hear(heard, 1, b"\x01")
    heard.flush()
    assert heard.take() == list(BY_NAME["replays"].types)
