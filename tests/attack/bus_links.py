"""Connections of the bus fuzzer: what was sent counts once it is known to have been taken in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import orjson

from shared.bus.address import BusAddress
from shared.bus.channels import BY_NAME
from shared.ids import new_id
from tests.attack import zmtp
from tests.attack.requests import proof
from tests.attack.tally import Tally
from tests.attack.zmtp import WAIT_S, Ended, Link

RENEWED_AFTER = 100
"""A subscriber's link is made anew after so many batches: its subscriptions end with it."""
DEAF = 16
"""Peers that never read, at a time."""
QUIET_S, MOST_S = 0.02, 0.3
GONE = (Ended, TimeoutError, OSError)

Sent = tuple[str, bytes, int]
"""A label, bytes, and the frames in them."""


class Links:
    """Sends to the channels of one bus."""

    def __init__(self, address: BusAddress, tally: Tally, show: bool) -> None:
        self._address = address
        self._tally = tally
        self._show = show
        self._kept: dict[tuple[str, bytes], Link] = {}
        self._used: dict[tuple[str, bytes], int] = {}
        self._deaf: deque[Link] = deque()

    def close(self) -> None:
        for link in (*self._kept.values(), *self._deaf):
            link.close()
        self._kept.clear()
        self._deaf.clear()

    def together(self, channel: str, kind: bytes, sent: Sequence[Sent]) -> None:
        """Send cases on one link, one after the other. Where it is ended by the other side, each by itself, so that
        it is known which one did that."""
        try:
            self._batch(channel, kind, sent)
        except GONE as error:
            self._drop(channel, kind)
            if len(sent) > 1:
                for one in sent:
                    self.together(channel, kind, [one])
                return
            label, _, frames = sent[0]
            if isinstance(error, TimeoutError):
                self._tally.find(label, f"'{channel}' answers nothing behind it within {WAIT_S:g} s")
            self._tally.counts["bus links ended"] += 1
            self._tally.counts["frames"] += frames

    def alone(self, label: str, channel: str, kind: bytes, data: bytes, frames: int, times: int, deaf: bool) -> None:
        """Send on a link of the case's own; with no ``kind``, no greeting before it."""
        self._tally.now = label
        sent = 0
        link = None
        try:
            link = Link(self._address.of(channel))
            if kind:
                link.greet(kind)
            for _ in range(times):
                if deaf:
                    self._push(link, data)
                else:
                    link.write(data, timeout_s=5.0)
                sent += 1
        except GONE:
            self._tally.counts["bus links ended"] += 1
        self._tally.counts["frames"] += max(1, sent) * frames
        if link is None:
            return
        if deaf:
            self._deaf.append(link)
            if len(self._deaf) > DEAF:
                self._deaf.popleft().close()
        else:
            self._tally.counts["bus links ended"] += link.drain(QUIET_S, MOST_S)
            link.close()

    def ack_pending(self, label: str) -> None:
        """Acknowledge, as somebody who is not the recorder, all that waits for it."""
        with suppress(*GONE):
            link = self._link("generator", b"DEALER")
            pending = self._ask(link, {"type": "pending"})
            frames = [
                {name: frame[name] for name in ("session_id", "epoch", "record_seq")}
                for frame in pending.get("frames", [])
                if isinstance(frame, dict)
            ]
            answer = self._ask(link, {"type": "ack", "frames": frames})
            self._tally.counts["frames"] += 2
            if answer.get("released"):
                self._tally.find(label, f"a stranger's ack let go of {answer['released']} frames that are not on disk")

    # -- within -------------------------------------------------------------------------------------------------------

    def _batch(self, channel: str, kind: bytes, sent: Sequence[Sent]) -> None:
        link = self._link(channel, kind)
        proof_id = new_id()
        asks = BY_NAME[channel].pattern == "requests" and kind == b"DEALER"
        end = zmtp.frame(proof(channel, proof_id)) if asks else zmtp.command(b"PING", b"\0\0" + proof_id[:16].encode())
        came = link.write(b"".join(data for _, data, _ in sent) + end)
        deadline = time.monotonic() + WAIT_S
        while True:
            for is_command, parts in came:
                if is_command and not asks and parts[0].startswith(b"\x04PONG" + proof_id[:16].encode()):
                    self._count(sent)
                    return
                if asks and not is_command and self._judge(sent, parts) == proof_id:
                    self._count(sent)
                    return
            if time.monotonic() > deadline:
                raise TimeoutError
            came = link.read(1.0)

    def _count(self, sent: Sequence[Sent]) -> None:
        self._tally.counts["frames"] += sum(frames for _, _, frames in sent) + 1
        self._tally.now = sent[-1][0]

    def _judge(self, sent: Sequence[Sent], parts: list[bytes]) -> str | None:
        """Look at a reply: its id, where it has one."""
        self._tally.counts["bus answers"] += 1
        reply = orjson.loads(parts[0])
        if self._show:
            print(f"{sent[0][0]}: {parts[0][:2000]!r}")
        if reply["type"] == "error":
            self._tally.counts["bus errors"] += 1
            self._tally.largest_error_bytes = max(self._tally.largest_error_bytes, len(parts[0]))
            if reply["code"] == "internal_error":
                asked = str(reply["id"]).encode()
                label = next((label for label, data, _ in sent if asked in data), sent[0][0])
                self._tally.find(label, f"internal_error: {reply['detail'][:300]}")
        return str(reply["id"])

    def _ask(self, link: Link, body: dict[str, object]) -> dict[str, object]:
        message_id = new_id()
        came = link.write(zmtp.frame(orjson.dumps({"v": 1, "id": message_id, **body})))
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for is_command, parts in came:
                if not is_command and (reply := orjson.loads(parts[0]))["id"] == message_id:
                    return dict(reply)
            came = link.read(1.0)
        raise TimeoutError

    def _link(self, channel: str, kind: bytes) -> Link:
        """The link that is kept for a kind of peer, or a new one.

        Raises:
            Ended, TimeoutError, OSError
        """
        key = channel, kind
        self._used[key] = self._used.get(key, 0) + 1
        if self._used[key] % RENEWED_AFTER == 0 and kind != b"DEALER":
            self._drop(channel, kind)
        if key not in self._kept:
            self._kept[key] = Link(self._address.of(channel))
            self._kept[key].greet(kind)
        return self._kept[key]

    def _drop(self, channel: str, kind: bytes) -> None:
        link = self._kept.pop((channel, kind), None)
        if link is not None:
            link.close()

    def _push(self, link: Link, data: bytes) -> None:
        """Write without reading, for as long as it is taken.

        Raises:
            TimeoutError: it is taken no more.
            Ended: the other side has ended the link.
        """
        link.socket.settimeout(1.0)
        try:
            link.socket.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            raise Ended from None
