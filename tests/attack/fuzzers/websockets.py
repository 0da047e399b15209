"""WebSockets: handshakes and raw frames with the wrong lengths, masks, opcodes, fragments and texts.

Corpus: ``.raw``, bytes behind a handshake on ``/gaze``; recipes: ``path`` and ``send``.
"""

from __future__ import annotations

import base64
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.attack import chance, recipes
from tests.attack.chance import Random
from tests.attack.http_line import Attacker, HttpCase
from tests.attack.tally import Aim, Tally

PATHS = ("/ws", "/ws?frames=false", "/gaze", "/gaze?listen=true", "/gaze?listen=false")
KEY = base64.b64encode(b"0123456789abcdef").decode()
WAIT_S = 120.0
UNOWED_S = 0.3
"""So long for a case whose frames swallow the ping behind them."""
PING = b"proof"
"""A ping behind a case's frames: its pong, or the connection's end, says that they were read."""
CLOSES = (0, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000, 65_535)


@dataclass(frozen=True, slots=True)
class SocketCase:
    """What is sent on one connection: a handshake (empty: an ordinary one to ``path``), and bytes behind it.

    Attributes:
        is_open: a frame in it promises more than comes, so that no pong is owed.
    """

    path: str
    data: bytes
    frames: int
    handshake: bytes = b""
    is_open: bool = False


def frame(
    opcode: int, data: bytes, *, fin: bool = True, mask: bytes | None = b"\x01\x02\x03\x04", bits: int = 0
) -> bytes:
    """One frame as a client writes it; ``mask`` None: without, which no client may."""
    first = (0x80 if fin else 0) | bits << 4 | opcode
    flag = 0x80 if mask is not None else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, flag | len(data))
    elif len(data) < 65_536:
        head = struct.pack("!BBH", first, flag | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, flag | 127, len(data))
    if mask is None:
        return head + data
    whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (len(data) // 4 + 1))[: len(data)], "big")
    return head + mask + whole.to_bytes(len(data), "big")


def handshake(path: str) -> bytes:
    """An ordinary one."""
    return (
        f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        f"sec-websocket-key: {KEY}\r\nsec-websocket-version: 13\r\n\r\n"
    ).encode()


class WebSockets:
    """See the module."""

    batch = 4

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._aim = aim
        self._tally = tally
        self._show = show
        self._attacker = Attacker(aim, tally, show)

    def draw(self, draw: Random) -> SocketCase:
        path = draw.choice(PATHS)
        if draw.random() < 0.1:
            return SocketCase(path, b"", 0, self._bad_handshake(draw, path))
        frames = [self._frame(draw) for _ in range(draw.choice((1, 2, 5, 20, 100)))]
        is_open = draw.random() < 0.03
        if is_open:
            promised = draw.choice((2**63, 2**64 - 1, 2**40, 65_537, 65_536, 5))
            frames.append(struct.pack("!BBQ", 0x81, 0xFF, promised) + b"abcd")
        return SocketCase(path, b"".join(frames), len(frames), is_open=is_open)

    def of_file(self, path: Path) -> SocketCase:
        recipe = recipes.load(path)
        data = recipes.made(recipe.get("send", recipe.get("body")))
        return SocketCase(recipe.get("path", "/gaze"), data, 1, is_open=bool(recipe.get("open")))

    def run(self, cases: Sequence[tuple[str, SocketCase]]) -> None:
        for label, case in cases:
            self._tally.now = label
            if case.handshake:
                self._attacker.run([(label, HttpCase(case.handshake, framed=False))])
            else:
                self._talk(label, case)

    def settle(self) -> None:
        self._attacker.close()

    def close(self) -> None:
        self._attacker.close()

    def _talk(self, label: str, case: SocketCase) -> None:
        with socket.create_connection((self._aim.host, self._aim.port), timeout=WAIT_S) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(handshake(case.path))
            answer = _head(link)
            self._tally.counts["requests"] += 1
            status = answer[9:12].decode("latin-1") or "closed"
            self._tally.counts[status] += 1
            if status != "101":
                if status not in ("503", "closed"):
                    self._tally.find(label, f"the handshake is answered with {answer[:200]!r}")
                return
            link.setblocking(False)
            out = memoryview(case.data + frame(9, PING))
            pong, tail = bytes([0x8A, len(PING)]) + PING, b""
            deadline = time.monotonic() + (UNOWED_S if case.is_open else WAIT_S)
            while pong not in tail:
                readable, writable, _ = select.select([link], [link] if out else [], [], UNOWED_S)
                if time.monotonic() > deadline:
                    if not case.is_open:
                        self._tally.find(label, f"neither a pong nor an end within {WAIT_S:g} s")
                    self._tally.counts["left unfinished"] += 1
                    return
                if writable:
                    try:
                        out = out[link.send(out) :]
                    except BlockingIOError:
                        continue
                    except OSError:
                        out = memoryview(b"")
                if readable:
                    data = _some(link)
                    tail = (tail + data)[-(1 << 20) :]
                    if not data:
                        self._tally.counts["websockets closed"] += 1
                        break
            self._tally.counts["websocket frames"] += case.frames
            if self._show:
                print(f"{label}: {tail[-2000:]!r}")

    def _frame(self, draw: Random) -> bytes:
        kind = draw.randrange(11)
        if kind == 0:
            return frame(draw.randrange(16), draw.randbytes(draw.choice((0, 5, 125, 126))), bits=draw.randrange(8))
        if kind == 1:
            return frame(
                1, draw.choice((b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", draw.randbytes(30)))
            )
        if kind == 2:
            return frame(8, struct.pack("!H", draw.choice(CLOSES)) + draw.choice((b"", b"\xff", b"x" * 123)))
        if kind == 3:
            return frame(8, draw.choice((b"\x03", b"")))
        if kind == 4:
            return frame(draw.choice((9, 10)), draw.randbytes(draw.choice((0, 125, 126, 1000))))
        if kind == 5:
            return frame(1, b"x", mask=None)
        if kind == 6:
            return frame(draw.choice((1, 2)), b"a", fin=False) + frame(
                draw.choice((0, 1, 9)), b"b", fin=draw.random() < 0.5
            )
        if kind == 7:
            return frame(draw.choice((1, 2)), b"x" * draw.choice((65_535, 65_536, 65_537, 200_000)))
        if kind < 10:
            text = chance.json_value(draw)
            point = f'{{"x":{chance.number(draw)},"y":{draw.choice((chance.number(draw), text))}}}'
            return frame(1, chance.encoded(draw.choice((text, point, point, chance.text(draw)))))
        return frame(1, b'{"x":0.5,"y":0.5}') * draw.choice((1, 200))

    def _bad_handshake(self, draw: Random, path: str) -> bytes:
        lines = handshake(path).decode().split("\r\n")[:-2]
        kind = draw.randrange(5)
        if kind == 0:
            lines[draw.randrange(len(lines))] = draw.choice(
                ("", "x", "sec-websocket-version: 99", "upgrade: x", "é: é")
            )
        elif kind == 1:
            lines.append(f"origin: {draw.choice(('http://evil.example', 'null', '', 'x' * 5000))}")
        elif kind == 2:
            lines[-2] = (
                f"sec-websocket-key: {draw.choice(('', 'x', KEY * 100, '====', chance.text(draw)[:50].strip()))}"
            )
        elif kind == 3:
            lines += [f"sec-websocket-extensions: {'permessage-deflate;x=' + 'y' * draw.choice((1, 5000, 70_000))}"]
            lines += [f"sec-websocket-protocol: {',' * draw.choice((1, 1000))}"]
        else:
            return chance.mutated(draw, handshake(path), (b"\r\n", b"\0", b":", b" "))
        return chance.encoded("\r\n".join(lines) + "\r\n\r\n")


def _head(link: socket.socket) -> bytes:
    """The head of the handshake's answer, and nothing of what follows it."""
    found = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in found:
            data = link.recv(1)
            if not data:
                break
            found += data
    return found


def _some(link: socket.socket) -> bytes:
    try:
        return link.recv(1 << 16)
    except OSError:
        return b""
