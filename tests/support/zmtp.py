"""A peer that speaks ZMTP 3.0 by hand (https://rfc.zeromq.org/spec/23/), and breaks off where libzmq never would."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from shared.bus.address import BusAddress, bare_host
from shared.bus.channels import BY_NAME

_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
_MORE, _LONG, _COMMAND = 1, 2, 4


def frame(body: bytes, *, more: bool = False, command: bool = False) -> bytes:
    """One frame as it is on the wire."""
    flags = (_MORE if more else 0) | (_COMMAND if command else 0)
    if len(body) > 255:
        return bytes([flags | _LONG]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def message(*frames: bytes) -> bytes:
    """A whole message."""
    return b"".join(frame(body, more=number < len(frames) - 1) for number, body in enumerate(frames))


class RawPeer:
    """A connection to one channel, after the handshake: DEALER to requests, SUB to a publisher."""

    def __init__(self, address: BusAddress, channel: str, *, timeout_s: float = 20.0, greets: bool = True) -> None:
        if address.folder is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_s)
            self.socket.connect(str(address.folder / channel))
        else:
            assert address.host is not None
            port = address.base_port + BY_NAME[channel].port_offset
            self.socket = socket.create_connection((bare_host(address.host), port), timeout_s)
        if greets:
            kind = b"SUB" if BY_NAME[channel].pattern == "publish" else b"DEALER"
            self._greet(kind)

    def _greet(self, kind: bytes) -> None:
        self.socket.sendall(_GREETING)
        self._read(len(_GREETING))
        properties = b"\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
        self.socket.sendall(frame(b"\x05READY" + properties, command=True))
        flags = self._read(1)[0]
        self._read(int.from_bytes(self._read(8 if flags & _LONG else 1), "big"))

    def _read(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            some = self.socket.recv(count - len(got))
            if not some:
                raise ConnectionError("the other side has closed")
            got += some
        return got

    def send(self, raw: bytes) -> None:
        """Send bytes as they are.

        Raises:
            OSError: the other side has closed.
        """
        self.socket.sendall(raw)

    def is_closed(self) -> bool:
        """Whether the other side has ended the connection, by now."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(65536):
                continue
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(20.0)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
