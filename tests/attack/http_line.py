"""HTTP as an attacker speaks it: bytes on a socket, any number of requests at once, and answers told apart."""

from __future__ import annotations

import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson

from tests.attack.tally import LARGEST_ERROR_BYTES, REFUSALS, Aim, Tally

ANSWER_S = 120.0
"""After so long a request counts as never answered."""
CONNECT_S = 30.0
QUIET_S = 0.05
"""What is no whole request gets no answer: after so long without a byte it is left."""
READ_BYTES = 1 << 18
HELD = 256
"""Connections that are kept open with a request unfinished."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CODE = re.compile(rb'"error": ?"([a-z_]+)"')


@dataclass(frozen=True, slots=True)
class HttpCase:
    """Bytes for a connection.

    Attributes:
        data: what is written.
        framed: it is one whole request for every reader, so that exactly one answer comes.
        is_head: answered without a body.
        hold: the connection stays open behind it, unfinished as it may be.
        never: statuses that it must not be answered with.
    """

    data: bytes
    framed: bool = True
    is_head: bool = False
    hold: bool = False
    never: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes


Labelled = tuple[str, HttpCase]


def request(
    method: str, target: str | bytes, body: bytes | None = None, headers: Sequence[tuple[str, str]] = ()
) -> HttpCase:
    """One whole request."""
    raw = target if isinstance(target, bytes) else target.encode("latin-1", "replace")
    lines = [method.encode() + b" " + raw + b" HTTP/1.1", b"host: 127.0.0.1"]
    lines += [f"{name}: {value}".encode("utf-8", "surrogatepass") for name, value in headers]
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
    return HttpCase(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""), is_head=method == "HEAD")


class Answers:
    """Reads answers from the bytes of a connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def has_part(self) -> bool:
        """Whether an answer has begun and is not whole yet."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self, is_head: bool, at_end: bool = False) -> Answer | None:
        """The next whole answer, if there is one. Interim ones (100) are passed over."""
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self._buffer[: end + 2])
            status = int(head[9:12])
            if status >= 200:
                break
            del self._buffer[: end + 4]
        size = 0 if is_head or status in (204, 304) else self._body_bytes(head, end + 4, at_end)
        if size is None or len(self._buffer) < end + 4 + size:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + size])
        del self._buffer[: end + 4 + size]
        return Answer(status, head, body)

    def _body_bytes(self, head: bytes, start: int, at_end: bool) -> int | None:
        """How long the body is, chunks and all; None while that cannot be said."""
        length = _LENGTH.search(head)
        if length:
            return int(length[1])
        if not _CHUNKED.search(head):
            return len(self._buffer) - start if at_end else None
        at = start
        while (line := self._buffer.find(b"\r\n", at)) >= 0:
            chunk = int(self._buffer[at:line].split(b";")[0], 16)
            at = line + 2 + chunk + 2
            if chunk == 0:
                return at - start if len(self._buffer) >= at else None
        return None


class Attacker:
    """Sends cases and judges the answers."""

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._aim = aim
        self._tally = tally
        self._show = show
        self._kept: socket.socket | None = None
        self._held: deque[socket.socket] = deque()
        self.last: Answer | None = None

    def run(self, cases: Sequence[Labelled]) -> None:
        """Send cases: whole requests many at once on one connection, the others each on one of its own."""
        framed: list[Labelled] = []
        loose: list[Labelled] = []
        for label, case in cases:
            if case.hold:
                self._hold(label, case)
            else:
                (framed if case.framed else loose).append((label, case))
        if framed:
            self._pipeline(framed)
        if loose:
            self._loose(loose)

    def ask(self, label: str, case: HttpCase) -> Answer | None:
        """Send one whole request; None where the connection was closed without an answer."""
        self.last = None
        self._pipeline([(label, case)])
        return self.last

    def close(self) -> None:
        for held in self._held:
            held.close()
        self._held.clear()
        self._drop()

    # -- whole requests -----------------------------------------------------------------------------------------------

    def _pipeline(self, cases: Sequence[Labelled]) -> None:
        waiting = deque(cases)
        while waiting:
            fresh = self._kept is None
            link = self._kept or self._connect()
            self._kept = link
            before = len(waiting)
            self._exchange(link, waiting)
            if len(waiting) == before and fresh:
                # Taken, and ended without an answer; or never answered, which is told where it is found out.
                self._tally.now = waiting[0][0]
                self._tally.counts["requests"] += 1
                self._tally.counts["closed"] += 1
                waiting.popleft()

    def _exchange(self, link: socket.socket, waiting: deque[Labelled]) -> None:
        """Write and read until all is answered or the connection ends. What is answered leaves ``waiting``."""
        out = memoryview(b"".join(case.data for _, case in waiting))
        answers = Answers()
        deadline = time.monotonic() + ANSWER_S
        link.setblocking(False)
        while waiting:
            readable, writable, _ = select.select([link], [link] if out else [], [], 1.0)
            if writable:
                with suppress(BlockingIOError):
                    try:
                        out = out[link.send(out) :]
                    except (ConnectionError, OSError) as error:
                        if isinstance(error, BlockingIOError):
                            raise
                        out = memoryview(b"")  # what was answered before can still be read
            if readable:
                data = _read(link)
                answers.feed(data)
                while waiting and (answer := answers.next(waiting[0][1].is_head, at_end=not data)):
                    label, case = waiting.popleft()
                    self._judge(label, case, answer)
                    deadline = time.monotonic() + ANSWER_S
                if not data:
                    self._drop()
                    return
            if time.monotonic() > deadline:
                self._tally.find(waiting[0][0], f"no answer within {ANSWER_S:g} s")
                self._drop()
                waiting.popleft()
                return

    # -- anything else ------------------------------------------------------------------------------------------------

    def _loose(self, cases: Sequence[Labelled]) -> None:
        """Each case on a connection of its own, all at once; until each is closed, or nothing more comes."""
        links = {}
        for label, case in cases:
            link = self._connect()
            link.setblocking(False)
            links[link] = (label, case, Answers(), memoryview(case.data))
        last = time.monotonic()
        answered: set[socket.socket] = set()
        while links and time.monotonic() - last < (QUIET_S if len(answered) >= len(links) else 5 * QUIET_S):
            writing = [link for link in links if links[link][3]]
            readable, writable, _ = select.select(list(links), writing, [], QUIET_S)
            for link in writable:
                label, case, answers, out = links[link]
                try:
                    out = out[link.send(out) :]
                except BlockingIOError:
                    continue
                except OSError:
                    out = memoryview(b"")
                links[link] = (label, case, answers, out)
                last = time.monotonic()
            for link in readable:
                label, case, answers, _ = links[link]
                data = _read(link)
                last = time.monotonic()
                answers.feed(data)
                for answer in _whole(answers, at_end=not data):
                    answered.add(link)
                    self._judge(label, case, answer)
                if not data:
                    if link not in answered:
                        self._tally.counts["requests"] += 1
                        self._tally.counts["closed"] += 1
                    del links[link]
                    answered.discard(link)
                    link.close()
        for link in links:
            self._tally.counts["left unfinished"] += link not in answered
            link.close()

    def _hold(self, label: str, case: HttpCase) -> None:
        """Begin, and never end; the oldest of many makes room."""
        self._tally.now = label
        link = self._connect()
        link.settimeout(5.0)
        with suppress(OSError):  # refused before its end: that is an answer too
            link.sendall(case.data)
        self._held.append(link)
        if len(self._held) > HELD:
            oldest = self._held.popleft()
            oldest.setblocking(False)
            with suppress(OSError):
                if select.select([oldest], [], [], 0)[0]:
                    self._tally.counts["requests"] += 1
                    self._tally.counts["held, ended by the server"] += 1
            oldest.close()

    # -- shared -------------------------------------------------------------------------------------------------------

    def _judge(self, label: str, case: HttpCase, answer: Answer) -> None:
        tally = self._tally
        self.last = answer
        tally.now = label
        tally.counts["requests"] += 1
        tally.counts[str(answer.status)] += 1
        if self._show:
            print(f"{label}: {answer.status}\n{answer.head.decode('latin-1')}\n{answer.body[:2000]!r}")
        if self._aim.marker in answer.body or self._aim.marker in answer.head:
            tally.find(label, "the answer holds a file from outside the sessions folder")
        if answer.status in case.never:
            tally.find(label, f"answered with {answer.status}")
        if answer.status < 400:
            return
        size = len(answer.head) + len(answer.body)
        tally.largest_error_bytes = max(tally.largest_error_bytes, size)
        if size > LARGEST_ERROR_BYTES:
            tally.find(label, f"an error of {size} bytes")
        if answer.status >= 500:
            found = _CODE.search(answer.body[:500])
            code = found[1].decode() if found else "no code"
            tally.counts[f"5xx {code}"] += 1
            if code not in REFUSALS:
                tally.find(label, f"{answer.status} {code}: {answer.body[:300]!r}")
        elif answer.body:
            try:
                orjson.loads(answer.body)
            except orjson.JSONDecodeError:
                tally.find(label, f"{answer.status} whose body is no JSON: {answer.body[:100]!r}")

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + CONNECT_S
        while True:
            try:
                link = socket.create_connection((self._aim.host, self._aim.port), timeout=ANSWER_S)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return link

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _whole(answers: Answers, at_end: bool) -> Iterator[Answer]:
    """All answers that are there; of bytes that are no HTTP none."""
    with suppress(ValueError):
        while answer := answers.next(False, at_end):
            yield answer


def _read(link: socket.socket) -> bytes:
    try:
        return link.recv(READ_BYTES)
    except BlockingIOError:
        raise
    except OSError:
        return b""
