"""The bus address: what is taken, what is refused, and with which words."""

from __future__ import annotations

import sys
import tempfile

import pytest

from shared.bus.address import (
    MAX_SOCKET_PATH_BYTES,
    BusAddress,
    InvalidBusAddress,
    default_bus,
    host_and_port,
)
from shared.bus.channels import CHANNELS

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="ipc needs Unix sockets")


@posix_only
def test_an_ipc_folder_gives_each_channel_a_socket_file_of_its_name() -> None:
    address = BusAddress.parse("ipc:///run/user/7/parafovea")
    assert {address.of(channel.name) for channel in CHANNELS} == {
        f"ipc:///run/user/7/parafovea/{channel.name}" for channel in CHANNELS
    }
    assert str(address) == "ipc:///run/user/7/parafovea"
    assert address.is_private


def test_a_tcp_bus_counts_ports_from_its_base() -> None:
    address = BusAddress.parse("tcp://127.0.0.1:5550")
    assert address.of("frames") == "tcp://127.0.0.1:5550"
    assert address.of("replayer") == "tcp://127.0.0.1:5555"
    assert str(address) == "tcp://127.0.0.1:5550"


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("tcp://127.0.0.1:5550", True),
        ("tcp://127.9.8.7:5550", True),
        ("tcp://localhost:5550", True),
        ("tcp://[::1]:5550", True),
        ("tcp://0.0.0.0:5550", False),
        ("tcp://*:5550", False),
        ("tcp://192.168.1.5:5550", False),
        ("tcp://[2001:db8::1]:5550", False),
        ("tcp://lab-pc:5550", False),
    ],
)
def test_only_loopback_is_private(url: str, private: bool) -> None:
    assert BusAddress.parse(url).is_private is private


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ipc://",
        "ipc://relative/folder",
        "/run/parafovea",
        "http://127.0.0.1:5550",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://:5550",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:five",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:65531",
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence_that_names_it(url: str) -> None:
    with pytest.raises(InvalidBusAddress, match=r"bus address .* (PARAFOVEA_BUS|base port)"):
        BusAddress.parse(url)


def test_the_last_base_port_leaves_room_for_every_channel() -> None:
    address = BusAddress.parse("tcp://127.0.0.1:65528")
    assert address.of("gaze-control") == "tcp://127.0.0.1:65535"


@posix_only
@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_path_too_long_for_a_socket_is_refused_by_bytes(letter: str) -> None:
    longest = max(len(channel.name) for channel in CHANNELS) + 1
    room = MAX_SOCKET_PATH_BYTES - longest
    fits = "/" + letter * ((room - 1) // len(letter.encode()))
    BusAddress.parse(f"ipc://{fits}")
    with pytest.raises(InvalidBusAddress, match=f"allows {MAX_SOCKET_PATH_BYTES}.*shorter path"):
        BusAddress.parse(f"ipc://{fits}{letter}")


@posix_only
def test_the_default_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_bus() == "ipc:///run/user/7/parafovea"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_bus().startswith(f"ipc://{tempfile.gettempdir()}/parafovea-")


@pytest.mark.parametrize("url", ["tcp://::1:5550", "tcp://[::1]:5550"])
def test_an_ipv6_bus_is_written_with_brackets(url: str) -> None:
    address = BusAddress.parse(url)
    assert str(address) == "tcp://[::1]:5550"
    assert address.of("generator") == "tcp://[::1]:5551"
    assert address.is_private


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("127.0.0.1", "127.0.0.1:8001"),
        ("lab", "lab:8001"),
        ("::1", "[::1]:8001"),
        ("[::1]", "[::1]:8001"),
        ("::", "[::]:8001"),
    ],
)
def test_a_host_in_a_url(host: str, written: str) -> None:
    assert host_and_port(host, 8001) == written
