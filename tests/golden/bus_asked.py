"""What is asked on the three channels of requests, of processes that run: each item is a name, and frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.golden.book import Book
from tests.golden.bus import Dealer, noted
from tests.golden.pictures import png

Asked = tuple[str, str, Mapping[str, Any], tuple[bytes, ...]]
"""Name, type, fields, payloads."""

NOBODY = "0123456789abcdef0123456789abcdef"

GENERATE: dict[str, Any] = {
    "request_id": NOBODY,
    "grid_size": 3,
    "target_sector": "BR",
    "prompt": "a red rose",
    "seed": 7,
    "steps": 1,
    "timeout_ms": 60000.0,
}


def asked(name: str, message_type: str, *payloads: bytes, **fields: Any) -> Asked:
    return name, message_type, fields, payloads


def generate(name: str, *payloads: bytes, **fields: Any) -> Asked:
    wanted = {key: value for key, value in {**GENERATE, **fields}.items() if value is not ...}
    return name, "generate", wanted, payloads or (png(),)


GENERATOR: tuple[Asked, ...] = (
    asked("status", "status"),
    asked("vocabulary", "vocabulary"),
    asked("pending", "pending"),
    generate("generate"),
    generate("generate, not published", publish=False, priority="background"),
    generate("generate, all said", client_id="c", focus_sector="TL", focus_x=0.0, focus_y=1, negative_prompt="rain"),
    generate("generate, strict", prompt="a xylophone", strict=True),
    generate("generate, no picture", b"GIF89a"),
    generate("generate, two payloads", png(), png()),
    ("generate, no payload", "generate", GENERATE, ()),
    generate("generate, a field is missing", prompt=...),
    generate("generate, fields do not fit", seed=-1, target_sector="XX", steps="1"),
    generate("generate, a sector of the other grid", grid_size=2, target_sector="MC"),
    asked("cancel, unknown", "cancel", request_id="nobody"),
    asked("cancel, nothing", "cancel"),
    asked("fetch, unknown", "fetch", session_id="s", epoch="e", record_seq=0),
    asked("fetch, nothing", "fetch"),
    asked("input, unknown", "input", sha256="0" * 64),
    asked("input, no hash", "input", sha256="zz"),
    asked("ack, no proof", "ack", frames=[{"session_id": "s", "epoch": "e", "record_seq": 0}]),
    asked("ack, a wrong proof", "ack", frames=[], proof="0" * 64),
    asked("ack, frames that do not fit", "ack", frames=[{"session_id": "s"}, 1]),
)

RECORDER: tuple[Asked, ...] = (
    asked("status", "status"),
    asked(
        "status of frames",
        "status",
        frames=[
            {"session_id": "plain", "epoch": "e", "record_seq": 0, "frame_id": "e-0"},
            {"session_id": "none", "epoch": "e", "record_seq": 0},
        ],
    ),
    asked("status, frames that do not fit", "status", frames=[{"session_id": "s"}]),
    asked("stop, none is active", "stop"),
    asked("start", "start", session_id="by_bus"),
    asked("status while active", "status"),
    asked("start, it exists", "start", session_id="plain"),
    asked("start, no id", "start", session_id="con"),
    asked("start, the active one again", "start", session_id="by_bus", resume=True),
    asked("start beside", "start", session_id="beside", active=False, extra={"participant": 7, "note": {"a": [1.0]}}),
    asked("start beside, no id", "start", active=False),
    asked("start beside, the active one", "start", session_id="by_bus", active=False),
    asked("start beside, a head's own key", "start", session_id="x", active=False, extra={"created_at": 1}),
    asked("delete, one beside", "delete", session_id="beside"),
    asked("delete, the active one", "delete", session_id="by_bus"),
    asked("resume, another is active", "resume", session_id="plain", created_at=1800000000.5),
    asked("resume, nothing", "resume"),
    asked("start another", "start", session_id="second", resume=True),
    asked("stop one beside", "stop", session_id="beside"),
    asked("stop one that nobody knows", "stop", session_id="nobody"),
    asked("stop", "stop"),
    asked("status after a stop", "status"),
    asked("resume", "resume", session_id="second", created_at=1800000000.5),
    asked("stop again", "stop", session_id="second"),
    asked("delete", "delete", session_id="second"),
    asked("delete, unknown", "delete", session_id="second"),
    asked("delete, no id", "delete", session_id="../x"),
    asked("import, nothing is staged", "import", staged=NOBODY, session_id="imported"),
    asked("import, no token", "import", staged="../x", session_id="imported"),
    asked("repair", "repair", session_id="plain"),
    asked("repair, unknown", "repair", session_id="nobody"),
)

REPLAYER: tuple[Asked, ...] = (
    asked("status, of nothing", "status"),
    asked("next, of nothing", "next", cursor="bus"),
    asked("start, unknown", "start", cursor="bus", session_id="nobody"),
    asked("start", "start", cursor="bus", session_id="plain"),
    asked("status", "status", cursor="bus"),
    asked("next", "next", cursor="bus"),
    asked("previous", "previous", cursor="bus"),
    asked("previous, at the start", "previous", cursor="bus"),
    asked("seek", "seek", cursor="bus", index=2),
    asked("seek, beyond the end", "seek", cursor="bus", index=9),
    asked("seek, no index", "seek", cursor="bus"),
    asked("next, the last", "next", cursor="bus"),
    asked("next, the end", "next", cursor="bus"),
    asked("pause", "pause", cursor="bus"),
    asked("play, no speed", "play", cursor="bus", speed=0.001),
    asked("play, nothing", "play", cursor="nobody"),
    asked("stop", "stop", cursor="bus"),
    asked("stop, nothing", "stop", cursor="bus"),
    asked("no cursor", "status", cursor="a\nb"),
    asked("rerun, unknown", "rerun", session_id="nobody", into="x"),
    asked("rerun, into one that exists", "rerun", session_id="plain", into="plain"),
    asked("rerun, another model", "rerun", session_id="plain", into="x", model="another"),
    asked("rerun, prompts that are none", "rerun", session_id="plain", into="x", prompts={"sectors": 1}),
    asked("rerun, fields do not fit", "rerun", session_id="plain", strength=2),
    asked("rerun.status, no re-run", "rerun.status", session_id="plain"),
    asked("rerun.status, unknown", "rerun.status", session_id="nobody"),
    asked("rerun.cancel, no re-run", "rerun.cancel", session_id="plain"),
    asked("rerun.cancel, unknown", "rerun.cancel", session_id="nobody"),
)

MALFORMED: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("unknown type", (b'{"v":1,"type":"dance","id":"a"}',)),
    ("a newer version", (b'{"v":2,"type":"status","id":"a"}',)),
    ("no version", (b'{"type":"status","id":"a"}',)),
    ("no id", (b'{"v":1,"type":"status"}',)),
    ("no type", (b'{"v":1,"id":"a"}',)),
    ("no JSON", (b"{",)),
    ("no object", (b"[]",)),
    ("an empty frame first", (b"", b'{"v":1,"type":"status","id":"a"}')),
    ("unknown fields are passed over", (b'{"v":1,"type":"status","id":"a","new":[1]}',)),
)


def ask_all(book: Book, topic: str, dealer: Dealer, items: Iterable[Asked]) -> None:
    """Ask each, and note its reply."""
    for name, message_type, fields, payloads in items:
        book.note(topic, name, shortened(noted(dealer.ask(message_type, fields, *payloads))))


def ask_malformed(book: Book, topic: str, dealer: Dealer) -> None:
    """Ask what makes no sense, and note how it is answered; nothing is noted of what a process does say."""
    for name, frames in MALFORMED:
        reply = noted(dealer.ask_raw(frames))
        book.note(topic, f"malformed: {name}", reply if reply["header"]["type"] == "error" else "answered")


def shortened(item: dict[str, Any]) -> dict[str, Any]:
    """A vocabulary is long: two of its objects stand for all."""
    inner = item.get("header") or item["body"]
    if isinstance(inner, dict):
        inner = inner.get("json", inner)
    if isinstance(inner, dict) and isinstance(inner.get("objects"), list):
        inner["objects"] = [*inner["objects"][:2], "..."]
    return item
