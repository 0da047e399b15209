"""The table of channels: who binds each, its pattern, its TCP port, what it carries, and its limits.

Ports are written out, not counted from the row, so that a row added in the middle renumbers nobody. The table is what
``docs/bus.md`` promises to third parties; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pattern = Literal["publish", "requests"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Channel:
    """One bound socket of the bus.

    Attributes:
        name: also the name of the socket file on an ipc bus.
        bound_by: the one process that binds it.
        pattern: ``publish`` (XPUB, subscribers connect SUB) or ``requests`` (ROUTER, callers connect DEALER).
        port_offset: added to the base port on a TCP bus.
        types: the message types it carries: topics, or request types.
        typical_bytes: what a message of its kind weighs. ZeroMQ's high-water mark counts messages, so the mark is the
            byte budget divided by this.
        max_bytes: a single ZeroMQ frame larger than this is refused by whoever connects.
        max_inbound_bytes: one that is larger than this is refused by the process that binds: what comes to a publisher
            is subscriptions, and of the requests few carry a picture.
        in_line: requests that are answered with pictures, and those that keep their order with them. They wait while
            earlier answers are unread; all others pass them.
    """

    name: str
    bound_by: str
    pattern: Pattern
    port_offset: int
    types: tuple[str, ...]
    typical_bytes: int
    max_bytes: int
    max_inbound_bytes: int = 4096
    in_line: frozenset[str] = frozenset()

    def high_water_mark(self, budget_bytes: int) -> int:
        """Messages that may wait for one peer, at least 1."""
        return max(1, budget_bytes // self.typical_bytes)


_OF_A_CURSOR = ("start", "next", "previous", "seek", "play", "pause", "stop")

CHANNELS: tuple[Channel, ...] = (
    Channel("frames", "generator", "publish", 0, ("frame", "progress", "prepared", "status"), 2 * MIB, 128 * MIB),
    Channel(
        "generator",
        "generator",
        "requests",
        1,
        (
            *("generate", "cancel", "status", "pending", "fetch", "input", "ack", "vocabulary"),
            *("model", "model.change", "model.have"),
            *("prepare", "prepared", "prepared.drop", "commit", "picture"),
        ),
        2 * MIB,
        128 * MIB,
        104 * MIB,
        frozenset({"fetch", "input", "prepared", "picture"}),
    ),
    Channel(
        "recordings",
        "recorder",
        "publish",
        2,
        ("session.started", "session.stopped", "frame.recorded"),
        16 * 1024,
        MIB,
    ),
    Channel(
        "recorder",
        "recorder",
        "requests",
        3,
        ("start", "stop", "resume", "status", "delete", "import", "repair"),
        64 * 1024,
        128 * MIB,
        8 * MIB,
    ),
    Channel("replays", "replayer", "publish", 4, ("replay.frame", "replay.status"), 2 * MIB, 128 * MIB),
    Channel(
        "replayer",
        "replayer",
        "requests",
        5,
        (*_OF_A_CURSOR, "status", "rerun", "rerun.status", "rerun.cancel"),
        2 * MIB,
        128 * MIB,
        8 * MIB,
        frozenset(_OF_A_CURSOR),
    ),
    Channel("gaze", "gaze", "publish", 6, ("gaze", "eye", "trial", "swap", "displayed", "clock", "source"), 1024, MIB),
    Channel(
        "gaze-control",
        "gaze",
        "requests",
        7,
        (
            *("status", "source", "screen", "trial", "trial.begin", "trial.end", "trial.response", "picture"),
            *("view", "points", "ready", "displayed", "missed", "key", "ping", "clock", "gone", "fetch", "ack"),
        ),
        64 * 1024,
        128 * MIB,
        104 * MIB,
        frozenset({"picture", "fetch"}),
    ),
)

BY_NAME: dict[str, Channel] = {channel.name: channel for channel in CHANNELS}


def topic_of(message_type: str) -> bytes:
    """The ZeroMQ topic of a message type: it ends with ``|``, so no topic is a prefix of another."""
    return f"{message_type}|".encode("ascii")
