"""Connections that are cut from outside of what holds them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from shared.system import descriptors
from shared.system.descriptors import Connection, Place, connection, cut

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no connection is cut there")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """A connection to a bound port: its end there, the peer's, and the port."""
    with socket.create_server(("127.0.0.1", 0)) as bound, socket.create_connection(bound.getsockname()) as peer:
        here, _ = bound.accept()
        with here:
            yield here, peer, bound.getsockname()[1]


def test_a_connection_is_cut(pair: tuple[socket.socket, socket.socket, int]) -> None:
    here, peer, port = pair
    found = connection(here.fileno(), {port})
    assert found is not None
    assert cut(found, {port})
    peer.settimeout(20)
    assert peer.recv(1) == b""
    assert here.fileno() == found.descriptor, "who holds it closes it"


def test_another_that_has_its_number_is_left_alone(pair: tuple[socket.socket, socket.socket, int]) -> None:
    here, peer, port = pair
    found = Connection(here.fileno(), os.fstat(here.fileno()).st_ino + 1)
    assert not cut(found, {port})
    peer.send(b"x")
    assert here.recv(1) == b"x"


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_one_that_ends_by_itself_is_no_error(
    pair: tuple[socket.socket, socket.socket, int], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    here, _, port = pair
    found = connection(here.fileno(), {port})
    assert found is not None
    look = descriptors._inode

    def close_behind(descriptor: int, places: set[Place]) -> int | None:
        inode = look(descriptor, places)
        here.close()
        return inode

    if when == "before":
        here.close()
    monkeypatch.setattr(descriptors, "_inode", close_behind)
    cut(found, {port})
    assert here.fileno() < 0
