"""The bus: requests of every type with absurd values, floods of subscriptions, and bytes that are hardly ZMTP.

Corpus, recipes only. ``channel``; ``as``: ``DEALER``, ``SUB`` or ``raw`` (no greeting is sent); what: ``frames``
(messages, each a list of parts: see :mod:`tests.attack.recipes`; an object is written as JSON), in ZMTP 1.0 where
``old`` is true, the last frame of all announcing another where ``more`` is true; or ``send``, bytes. It is sent
``times`` times, and read or not (``deaf``). ``do``: ``ack_pending``. ``bus``: on that kind of bus alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.bus.address import BusAddress
from shared.bus.channels import CHANNELS
from tests.attack import chance, recipes, zmtp
from tests.attack.bus_links import Links
from tests.attack.chance import Random
from tests.attack.requests import ASKED, spoiled
from tests.attack.tally import Aim, Tally

PUBLISHING = [channel for channel in CHANNELS if channel.pattern == "publish"]
KINDS = (b"DEALER", b"REQ", b"ROUTER", b"SUB", b"XSUB", b"PUB", b"PAIR", b"PUSH", b"", b"X" * 300, b"\xff")


@dataclass(frozen=True, slots=True)
class BusCase:
    """What is sent to one channel.

    Attributes:
        kind: of the peer that it is sent as; empty: the bytes open the connection themselves.
        data: bytes on the wire, ``frames`` frames in them.
        times: how often they are sent.
        deaf: nothing is read, and the connection stays open.
        acks: the attacker acknowledges what waits for the recorder.
    """

    channel: str
    kind: bytes
    data: bytes
    frames: int
    times: int = 1
    deaf: bool = False
    acks: bool = False


class BusFrames:
    """See the module."""

    batch = 64

    def __init__(self, aim: Aim, tally: Tally, show: bool = False) -> None:
        self._victim = str(aim.victim)
        self._tally = tally
        self._bus = aim.bus.partition(":")[0]
        self._links = Links(BusAddress.parse(aim.bus), tally, show)

    def draw(self, draw: Random) -> BusCase:
        kind = draw.random()
        if kind < 0.80:
            channel, message_type = draw.choice(ASKED)
            message_id = f"{message_type}-{draw.randrange(10**9)}"
            header, payloads = spoiled(draw, channel, message_type, message_id, self._victim)
            return BusCase(channel, b"DEALER", zmtp.message([header, *payloads]), 1 + len(payloads))
        if kind < 0.92:
            return self._subscriptions(draw)
        if kind < 0.925:
            return BusCase("generator", b"DEALER", b"", 0, acks=True)
        return self._raw(draw)

    def of_file(self, path: Path) -> BusCase | None:
        recipe = recipes.load(path, self._victim)
        if recipe.get("bus", self._bus) != self._bus:
            return None
        if recipe.get("do") == "ack_pending":
            return BusCase("generator", b"DEALER", b"", 0, acks=True)
        kind = b"" if recipe["as"] == "raw" else recipe["as"].encode()
        data, frames = _written(recipe)
        return BusCase(recipe["channel"], kind, data, frames, int(recipe.get("times", 1)), bool(recipe.get("deaf")))

    def run(self, cases: Sequence[tuple[str, BusCase | None]]) -> None:
        together: dict[tuple[str, bytes], list[tuple[str, BusCase]]] = {}
        for label, case in cases:
            if case is None:
                continue
            self._tally.now = label
            if case.acks:
                self._links.ack_pending(label)
            elif case.deaf or not case.kind or case.times > 1:
                self._links.alone(label, case.channel, case.kind, case.data, case.frames, case.times, case.deaf)
            else:
                together.setdefault((case.channel, case.kind), []).append((label, case))
        for (channel, kind), same in together.items():
            sent = [(label, case.data, case.frames) for label, case in same]
            self._links.together(channel, kind, sent)

    def settle(self) -> None:
        self._links.close()

    def close(self) -> None:
        self._links.close()

    def _subscriptions(self, draw: Random) -> BusCase:
        channel = draw.choice(PUBLISHING)
        topics = [f"{name}|".encode() for name in channel.types]
        bodies = []
        for _ in range(draw.choice((1, 10, 100, 500))):
            topic = draw.choice((*topics, b"", draw.randbytes(draw.choice((1, 20, 255))), b"x" * 3000))
            bodies.append(draw.choice((b"\x01", b"\x01", b"\x00", b"\x02", b"")) + topic)
        if draw.random() < 0.2:
            return BusCase(channel.name, b"XSUB", zmtp.message(bodies), len(bodies))
        return BusCase(channel.name, draw.choice((b"SUB", b"XSUB")), b"".join(map(zmtp.frame, bodies)), len(bodies))

    def _raw(self, draw: Random) -> BusCase:
        channel = draw.choice(CHANNELS).name
        own = json.dumps({"v": 1, "type": "delete", "id": "1", "session_id": chance.own_session(draw)}).encode()
        kind = draw.randrange(9)
        if kind == 0:  # ZMTP 1.0: no greeting at all
            data, frames = zmtp.old_frame(b"", more=False) + zmtp.old_frame(own), 2
        elif kind == 1:  # what a page's POST writes
            data, frames = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n" + zmtp.old_frame(own), 1
        elif kind == 2:  # ZMTP 2.0
            data = b"\xff" + bytes(7) + b"\x01\x7f\x01" + bytes([draw.randrange(256)]) + bytes([0, 0]) + zmtp.frame(own)
            frames = 1
        elif kind == 3:
            mechanism = draw.choice((b"NULL", b"PLAIN", b"CURVE", b"GSSAPI", b"", b"\xff" * 20, b"NULL\0x"))
            data = zmtp.greeting(draw.randrange(256), mechanism, draw.choice((0, 1, 2, 3, 4, 255)), draw.random() < 0.5)
            data, frames = data + zmtp.ready(draw.choice(KINDS)) + zmtp.frame(own), 1
        elif kind == 4:
            name = draw.choice((b"READY", b"PING", b"PONG", b"ERROR", b"HELLO", b"INITIATE", b"SUBSCRIBE", b"X", b""))
            junk = zmtp.command(name, draw.randbytes(draw.choice((0, 1, 2, 100, 70_000))))
            data, frames = zmtp.greeting() + zmtp.ready(b"DEALER") + junk * draw.choice((1, 30)), 1
        elif kind == 5:  # a length that never comes
            size = draw.choice((2**63, 2**64 - 1, 2**32, 2**31, 200 << 20))
            data = zmtp.greeting() + zmtp.ready(b"DEALER") + b"\x02" + size.to_bytes(8, "big") + b"x" * 1000
            frames = 1
        elif kind == 6:  # a message that never ends
            count = draw.choice((2, 500, 5000))
            part = draw.randbytes(draw.choice((0, 1, 300)))
            data, frames = zmtp.greeting() + zmtp.ready(b"DEALER") + zmtp.frame(part, more=True) * count, count
        elif kind == 7:
            properties = [(draw.randbytes(draw.choice((0, 5, 255))), draw.randbytes(draw.choice((0, 50, 5000))))]
            data = zmtp.greeting() + zmtp.ready(draw.choice(KINDS), properties * draw.choice((1, 100)))
            data, frames = data + zmtp.message([b"", own]), 2
        else:
            whole = zmtp.greeting() + zmtp.ready(b"DEALER") + zmtp.message([own, b"x"])
            data, frames = chance.mutated(draw, whole, (b"\xff", b"\x04", b"\x00", b"\x7f")), 2
        return BusCase(channel, b"", data, frames)


def _written(recipe: dict[str, Any]) -> tuple[bytes, int]:
    """The bytes of a recipe, and the frames in them."""
    if "send" in recipe:
        return recipes.made(recipe["send"]), int(recipe.get("count", 1))
    messages = [[_part(part) for part in parts] for parts in recipe["frames"]]
    written = []
    for at, parts in enumerate(messages):
        for number, part in enumerate(parts):
            more = number < len(parts) - 1 or (bool(recipe.get("more")) and at == len(messages) - 1)
            written.append((zmtp.old_frame if recipe.get("old") else zmtp.frame)(part, more=more))
    return b"".join(written), len(written)


def _part(part: object) -> bytes:
    if isinstance(part, dict) and "make" not in part:
        return json.dumps(part).encode()
    return recipes.made(part)
