"""The format of ``metadata.json``, as bytes: head, one entry a line, tail.

    {
      "session_id": "session_1736155234",
      "created_at": 1736155234.5,
      "format": 1,
      "sequence": [
        {"index":0,"filename":"0000_BR.png",...},
        {"index":1,"filename":"0001_TL.png",...}
      ],
      "open": true
    }

The head never changes. What changes stands in the tail, behind the entries, so that one write of
``,\\n<entry>\\n<tail>`` over the old tail appends a frame: the same work and the same bytes at any length. A tail that
became shorter is padded with spaces, which JSON permits behind its end, so that no reader meets the rest of an old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import SessionDamaged
from shared.session.format.jsontext import NotJson, dumps, parse_exact, unboxed, writable
from shared.session.format.layout import RESERVED_KEYS, TAIL_KEYS
from shared.session.format.values import check_parts

FORMAT = 1
PNG_KEYWORD = "parafovea"
"""Keyword of the ``iTXt`` chunk whose JSON a lost entry is made from again."""

OF_THE_HEAD = frozenset({"session_id", "session_created_at"})
"""What a frame says of its session: in the session's own head, and not in each entry."""

LINE_START = b'    {"index":'
TAIL_START = b"\n  ]"
SEQUENCE_START = b'\n  "sequence": ['

_PART_BYTES = 1 << 20


class DamagedMetadata(SessionDamaged):
    """``metadata.json``, or an entry of it, is missing, torn or cannot be understood. The message says what is wrong;
    ``at`` is where, in bytes, as far as that is known."""

    def __init__(self, detail: str, at: int | None = None) -> None:
        super().__init__(detail)
        self.at = at


@dataclass(slots=True)
class Tail:
    """What may change in a session's metadata; keys this version does not know stay as they are."""

    open: bool = False
    """Being recorded: a session that still says so when its recorder is gone was interrupted."""
    open_as: str = ""
    """Where its folder was called otherwise than the session when that was opened (a copy, a renamed one): that name. A
    folder of yet another name was taken from it while it was open, and nobody died there."""
    interrupted: bool = False
    """Its process died once while the session was open."""
    lost: list[str] = field(default_factory=list)
    """Ids of frames that were made and never reached the disk."""
    missing: list[str] = field(default_factory=list)
    """File names of entries whose file was gone at the last repair."""
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        known: dict[str, Any] = {key: value for key in TAIL_KEYS if (value := getattr(self, key))}
        if not self.open:
            known.pop("open_as", None)
        return {**known, **self.extra}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Tail:
        """Take the known keys where their type fits; a hand-edited tail must not stop a repair."""
        lost, missing, open_as = values.get("lost"), values.get("missing"), values.get("open_as")
        return cls(
            open=unboxed(values.get("open")) is True,
            open_as=open_as if isinstance(open_as, str) else "",
            interrupted=unboxed(values.get("interrupted")) is True,
            lost=[writable(str(item)) for item in lost] if isinstance(lost, list) else [],
            missing=[writable(str(item)) for item in missing] if isinstance(missing, list) else [],
            extra={key: value for key, value in values.items() if key not in TAIL_KEYS},
        )


def opened_as(head: Mapping[str, Any] | None, tail: Tail, folder: str) -> bool:
    """Whether an open session was opened in the folder of this name, and not copied or renamed from there since."""
    named = tail.open_as or (head or {}).get("session_id")
    return not isinstance(named, str) or named == folder


def with_advice(session_id: str, problem: str) -> str:
    """What is wrong, and what can be done."""
    return (
        f"{problem}; 'parafovea check {session_id} --repair' mends what can be mended, and keeps the file as it is now "
        "beside it"
    )


def new_head(session_id: str, created_at: float, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The head of a new session; ``extra`` is what else never changes, such as a re-run's parent."""
    more = {key: value for key, value in (extra or {}).items() if key not in RESERVED_KEYS}
    return {"session_id": session_id, "created_at": created_at, "format": FORMAT, **more}


def head_bytes(head: Mapping[str, Any]) -> bytes:
    """Everything before the first entry."""
    lines = b",\n".join(b"  " + dumps(key) + b": " + dumps(value) for key, value in head.items())
    return b"{\n" + lines + b"," + SEQUENCE_START


def line_bytes(compact: bytes, *, first: bool) -> bytes:
    """The line of an entry that is compact JSON, with the comma and line break before it."""
    return (b"\n    " if first else b",\n    ") + compact


def tail_bytes(tail: Tail) -> bytes:
    """Everything behind the last entry."""
    lines = b"".join(b",\n  " + dumps(key) + b": " + dumps(value) for key, value in tail.to_json().items())
    return TAIL_START + lines + b"\n}\n"


def file_parts(head: Mapping[str, Any], compact_entries: Iterable[bytes], tail: Tail) -> Iterator[bytes]:
    """A whole file, in large parts, from entries that are compact JSON."""
    part = bytearray(head_bytes(head))
    first = True
    for compact in compact_entries:
        part += line_bytes(compact, first=first)
        first = False
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
    yield bytes(part) + tail_bytes(tail)


def parse_head(text: bytes) -> dict[str, Any]:
    """The head from a file's beginning that reaches to ``"sequence": [``. Raises DamagedMetadata where it is not there,
    or not as this module writes it."""
    at = text.find(SEQUENCE_START)
    if at < 0:
        raise DamagedMetadata("metadata.json does not begin with a head and a sequence", 0)
    return _object(text[:at].rstrip().removesuffix(b",") + b"}", "head")


def parse_tail(text: bytes) -> Tail:
    """The tail, from bytes that begin with :data:`TAIL_START`. Raises DamagedMetadata where it is torn."""
    values = _object(b'{"sequence":[' + text, "tail")
    del values["sequence"]
    return Tail.from_json(values)


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        check_parts(text)
        value = parse_exact(text)
    except NotJson as error:
        raise DamagedMetadata(f"the {what} of metadata.json is damaged: {error}") from None
    if not isinstance(value, dict):
        raise DamagedMetadata(f"the {what} of metadata.json is not an object")
    return value
