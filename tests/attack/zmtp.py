"""ZMTP (https://rfc.zeromq.org/spec/23/) as an attacker speaks it: greetings, commands, messages as bytes.

Nothing of libzmq stands between a case and the wire, so that it can leave out, repeat and break off what it likes.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

READ_BYTES = 1 << 18
WAIT_S = 120.0
SHORT = 256


def greeting(minor: int = 0, mechanism: bytes = b"NULL", major: int = 3, as_server: bool = False) -> bytes:
    """The 64 bytes that open a connection."""
    return (
        b"\xff"
        + bytes(8)
        + b"\x7f"
        + bytes([major, minor])
        + mechanism.ljust(20, b"\0")[:20]
        + bytes([as_server])
        + bytes(31)
    )


def frame(body: bytes, *, more: bool = False, command: bool = False) -> bytes:
    """One frame: of a message, or a command."""
    flags = (1 if more else 0) | (4 if command else 0)
    if len(body) < SHORT:
        return bytes([flags, len(body)]) + body
    return struct.pack("!BQ", flags | 2, len(body)) + body


def message(parts: Sequence[bytes]) -> bytes:
    """A message of several frames."""
    last = len(parts) - 1
    return b"".join(frame(part, more=at < last) for at, part in enumerate(parts))


def command(name: bytes, data: bytes = b"") -> bytes:
    """A command frame."""
    return frame(bytes([len(name)]) + name + data, command=True)


def ready(kind: bytes, properties: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """The READY command of a peer of a kind, such as ``DEALER``."""
    pairs = ((b"Socket-Type", kind), *properties)
    return command(
        b"READY", b"".join(bytes([len(name)]) + name + struct.pack("!I", len(value)) + value for name, value in pairs)
    )


def old_frame(body: bytes, *, more: bool = False) -> bytes:
    """One frame of ZMTP 1.0, which knows no greeting."""
    size = len(body) + 1
    head = bytes([size]) if size < 255 else b"\xff" + struct.pack("!Q", size)
    return head + bytes([1 if more else 0]) + body


class Ended(Exception):
    """The other side has closed the connection."""


class Link:
    """One connection to a bound socket of the bus.

    Raises:
        OSError: nobody listens.
    """

    def __init__(self, address: str) -> None:
        scheme, _, place = address.partition("://")
        if scheme == "ipc":
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(WAIT_S)
            self.socket.connect(place)
        else:
            host, _, port = place.rpartition(":")
            self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._buffer = bytearray()
        self._parts: list[bytes] = []

    def close(self) -> None:
        self.socket.close()

    def greet(self, kind: bytes, minor: int = 0) -> None:
        """An ordinary handshake without a mechanism.

        Raises:
            Ended: refused.
            TimeoutError: no answer in time.
        """
        self.write(greeting(minor))
        self._read_until(64)
        del self._buffer[:64]
        came = self.write(ready(kind))
        deadline = time.monotonic() + WAIT_S
        while not any(is_command for is_command, _ in came):
            if time.monotonic() > deadline:
                raise TimeoutError
            came = self.read(1.0)

    def write(self, data: bytes, timeout_s: float = WAIT_S) -> list[tuple[bool, list[bytes]]]:
        """Write all, and return what came meanwhile, as :meth:`read` does.

        Raises:
            Ended, TimeoutError
        """
        out, found = memoryview(data), []
        deadline = time.monotonic() + timeout_s
        while out:
            readable, writable, _ = select.select([self.socket], [self.socket], [], 1.0)
            if time.monotonic() > deadline:
                raise TimeoutError
            if readable and len(self._buffer) < READ_BYTES:
                self._take()
            if writable:
                with suppress(BlockingIOError):
                    try:
                        out = out[self.socket.send(out) :]
                    except (ConnectionError, BrokenPipeError):
                        raise Ended from None
            if self._buffer[:1] != b"\xff":  # else the other side's greeting, which is no frame
                found += list(self._whole())
        return found

    def read(self, timeout_s: float) -> list[tuple[bool, list[bytes]]]:
        """What comes next: whether it is a command, and its frames. Empty where nothing came in time.

        Raises:
            Ended
        """
        found = list(self._whole())
        if not found and select.select([self.socket], [], [], timeout_s)[0]:
            self._take()
            found = list(self._whole())
        return found

    def drain(self, quiet_s: float, most_s: float) -> bool:
        """Read and forget, until nothing comes for a while; whether the other side has ended the connection."""
        deadline = time.monotonic() + most_s
        while time.monotonic() < deadline and select.select([self.socket], [], [], quiet_s)[0]:
            try:
                if not self.socket.recv(READ_BYTES):
                    return True
            except OSError:
                return True
        return False

    def _whole(self) -> Iterator[tuple[bool, list[bytes]]]:
        for is_command, more, body in self._frames():
            if is_command:
                yield True, [body]
                continue
            self._parts.append(body)
            if not more:
                yield False, self._parts
                self._parts = []

    def _frames(self) -> Iterator[tuple[bool, bool, bytes]]:
        at, buffer = 0, self._buffer
        try:
            while len(buffer) >= at + 2:
                flags = buffer[at]
                if flags & 2:
                    if len(buffer) < at + 9:
                        return
                    size, start = struct.unpack_from("!Q", buffer, at + 1)[0], at + 9
                else:
                    size, start = buffer[at + 1], at + 2
                if len(buffer) < start + size:
                    return
                at = start + size
                yield bool(flags & 4), bool(flags & 1), bytes(buffer[start:at])
        finally:
            del buffer[:at]

    def _read_until(self, count: int) -> None:
        deadline = time.monotonic() + WAIT_S
        while len(self._buffer) < count:
            self._fill(deadline)

    def _fill(self, deadline: float) -> None:
        if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        self._take()

    def _take(self) -> None:
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            raise Ended from None
        if not data:
            raise Ended
        self._buffer += data
