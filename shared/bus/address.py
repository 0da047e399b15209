"""Where the bus lives: one setting, turned into an address for each channel."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from shared.bus.channels import BY_NAME, CHANNELS

MAX_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
"""``sun_path`` less its closing NUL: see unix(7) and the BSD headers."""

DEFAULT_TCP = "tcp://127.0.0.1:5550"


class InvalidBusAddress(ValueError):
    """``PARAFOVEA_BUS`` names no usable bus; the message says what to change."""


@dataclass(frozen=True, slots=True)
class BusAddress:
    """An ipc folder, or a TCP host and base port: exactly one of ``folder`` and ``host`` is given."""

    folder: Path | None = None
    host: str | None = None
    base_port: int = 0

    @classmethod
    def parse(cls, url: str) -> BusAddress:
        """Read ``ipc:///some/dir`` or ``tcp://host:port``. Raises InvalidBusAddress: neither, or a path too long for a
        socket file, or ports out of range."""
        scheme, separator, rest = url.partition("://")
        if scheme == "ipc" and rest.startswith("/"):
            return cls._ipc(Path(rest))
        if separator and scheme == "tcp":
            return cls._tcp(rest, url)
        raise InvalidBusAddress(
            f"the bus address {url!r} is neither ipc:///an/absolute/folder nor tcp://host:port; "
            "set PARAFOVEA_BUS to one of them"
        )

    @classmethod
    def _ipc(cls, folder: Path) -> BusAddress:
        if sys.platform == "win32":
            raise InvalidBusAddress("an ipc bus needs Unix sockets; on Windows set PARAFOVEA_BUS=tcp://127.0.0.1:5550")
        longest = max((folder / channel.name for channel in CHANNELS), key=lambda path: len(os.fsencode(path)))
        length = len(os.fsencode(longest))
        if length > MAX_SOCKET_PATH_BYTES:
            raise InvalidBusAddress(
                f"the socket path {longest} has {length} bytes and this system allows {MAX_SOCKET_PATH_BYTES}; "
                "set PARAFOVEA_BUS to a folder with a shorter path"
            )
        return cls(folder=folder)

    @classmethod
    def _tcp(cls, rest: str, url: str) -> BusAddress:
        host, _, port_text = rest.rpartition(":")
        last_offset = max(channel.port_offset for channel in CHANNELS)
        if not host or not port_text.isdecimal() or not 1 <= int(port_text) <= 65535 - last_offset:
            raise InvalidBusAddress(
                f"the bus address {url!r} needs a host and a base port from 1 to {65535 - last_offset}, "
                f"such as {DEFAULT_TCP}"
            )
        return cls(host=f"[{bare_host(host)}]" if ":" in host else host, base_port=int(port_text))

    @property
    def is_private(self) -> bool:
        """True where only this machine's processes can reach the bus: ipc, or TCP on loopback."""
        return self.host is None or is_loopback(self.host)

    def of(self, channel: str) -> str:
        """The ZeroMQ endpoint of a channel."""
        place = self.place_of(channel)
        return f"ipc://{place}" if self.folder is not None else f"tcp://{self.host}:{place}"

    def place_of(self, channel: str) -> str | int:
        """A channel's socket as the system names it: the path of its file, or its TCP port."""
        return str(self.folder / channel) if self.folder else self.base_port + BY_NAME[channel].port_offset

    def __str__(self) -> str:
        return f"ipc://{self.folder}" if self.folder is not None else f"tcp://{self.host}:{self.base_port}"


def bare_host(host: str) -> str:
    """A host as sockets take it: an IPv6 address without the brackets that it has in a URL."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_and_port(host: str, port: int) -> str:
    """Host and port as they stand in a URL (RFC 3986, 3.2.2): an IPv6 address in brackets."""
    bare = bare_host(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def default_bus() -> str:
    """A private ipc folder of this user; TCP on loopback on Windows."""
    if sys.platform == "win32":
        return DEFAULT_TCP
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "parafovea" if runtime else Path(tempfile.gettempdir()) / f"parafovea-{os.getuid()}"
    return f"ipc://{folder}"
