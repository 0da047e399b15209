"""Bytes that were never meant for ZeroMQ, or pretend to an age in which it asked for no greeting."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

TIMEOUT_S = 10.0


def request(message_type: str, **body: Any) -> bytes:
    """The header of a request, as anybody may write one."""
    return json.dumps({"v": 1, "type": message_type, "id": "hostile", **body}).encode()


def frame_1_0(data: bytes, *, more: bool = False) -> bytes:
    """A frame of ZMTP 1.0: length, flags, body."""
    length = len(data) + 1
    head = bytes([length]) if length < 0xFF else b"\xff" + length.to_bytes(8, "big")
    return head + bytes([more]) + data


def overhang(head: bytes) -> int:
    """How many bytes behind ``head`` the first frame begins, when a reader of ZMTP 1.0 takes it for frames."""
    at = 0
    while at < len(head):
        at += 1 + head[at]
    return at - len(head)


def aligned(head: bytes, data: bytes, size: int) -> bytes:
    """A body of ``size`` bytes which, behind the head of an HTTP request, is a whole message of ZMTP 1.0.

    What the head was taken for is ended by an empty frame, so that ``data`` is a message of its own.
    """
    body = b"." * overhang(head) + frame_1_0(b"") + frame_1_0(data)
    assert len(body) <= size
    return body + b"." * (size - len(body))


def post(port: int, data: bytes, size: int = 1000) -> bytes:
    """What a browser sends for a ``no-cors`` POST whose body somebody has chosen."""
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: keep-alive\r\nContent-Length: {size}\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nContent-Type: text/plain;charset=UTF-8\r\n"
        "Accept: */*\r\nOrigin: http://elsewhere.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"
        "Referer: http://elsewhere.example/\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"
    ).encode()
    return head + aligned(head, data, size)


def kinds(port: int, data: bytes) -> dict[str, bytes]:
    """By name, everything that must not pass for the message ``data``."""
    signature = b"\xff" + bytes(8) + b"\x7f"
    return {
        "anonymous, ZMTP 1.0": frame_1_0(b"") + frame_1_0(data),
        "with an identity, ZMTP 1.0": frame_1_0(b"me") + frame_1_0(data),
        "with a long identity, ZMTP 1.0": frame_1_0(b"m" * 255) + frame_1_0(data),
        "in frames of 64-bit lengths, ZMTP 1.0": b"\xff" + (1).to_bytes(8, "big") + b"\x00" + frame_1_0(data),
        "in two frames, ZMTP 1.0": frame_1_0(b"") + frame_1_0(b"", more=True) + frame_1_0(data),
        "ZMTP 1.0 behind a signature": signature + b"\x00" + frame_1_0(b"") + frame_1_0(data),
        "ZMTP 2.0": signature + b"\x01\x05" + b"\x00\x00" + bytes([0, min(len(data), 255)]) + data,
        "ZMTP 2.0 with an identity": signature + b"\x01\x05" + b"\x00\x02me" + bytes([0, min(len(data), 255)]) + data,
        "ZMTP 3.0 with PLAIN": signature + b"\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32) + frame_1_0(data),
        "POST": post(port, data),
        "a WebSocket's upgrade": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        + frame_1_0(data),
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + frame_1_0(data),
        "STUN": b"\x00\x03\x00\x08\x21\x12\xa4\x42" + bytes(12) + frame_1_0(data),
    }


def send_until_closed(host: str, port: int, data: bytes, *, at_once: int = 1 << 20) -> bytes:
    """Send bytes, so many at a time, until the other side has closed: what it said.

    Raises:
        AssertionError: it does not close.
    """
    said = b""
    with socket.create_connection((host, port), TIMEOUT_S) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for at in range(0, len(data), at_once):
                peer.sendall(data[at : at + at_once])
            while more := peer.recv(4096):
                said += more
        except ConnectionError:
            return said
        except TimeoutError:
            raise AssertionError("the connection stays open") from None
    return said


@contextmanager
def unguarded(kind: int, host: str, port: int | None = None) -> Iterator[tuple[zmq.Socket[bytes], int]]:
    """A bound socket as libzmq makes it, which trusts any bytes; its port."""
    context = zmq.Context()
    made = context.socket(kind)
    made.linger = 0
    try:
        if port is None:
            port = made.bind_to_random_port(f"tcp://{host}")
        else:
            made.bind(f"tcp://{host}:{port}")
        yield made, port
    finally:
        made.close()
        context.term()
