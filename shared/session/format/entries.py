"""An entry of a session's metadata as the rest of the program sees it, whatever hand wrote it.

An entry without an index or a file is none; of the rest, what is not of its kind counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from shared.session.format.jsontext import NotJson, decode, one_line, parse, parse_exact, unboxed
from shared.session.format.kinds import typed, whole_number
from shared.session.format.layout import MAX_INDEX, frame_name
from shared.session.format.metadata import OF_THE_HEAD, DamagedMetadata
from shared.session.format.values import members

MAX_ENTRY_BYTES = 4 << 20
"""Of one entry; ours have about 1.5 kB."""
MAX_VALUE_CHARS = 1 << 20
"""Of a value that a repair takes over from an entry that is too large."""
MAX_NAME_CHARS = 255

_NAMED = re.compile(rb'"filename"\s*:\s*\[?\s*"([0-9]{4,16}_[A-Z]{2}\.png)"')
_ENVELOPE = frozenset({"v", "type", "id", "time", "monotonic_ns"})
_USERS = ("index", "filename", "target_sector", "focus_sector", "prompt", "timestamp")
"""The user's keys, which come first, in the user's order."""

T = TypeVar("T")


class _Key(Generic[T]):
    """A key of an entry, as an attribute: its value, or None."""

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, entry: Entry, _: type) -> T | None:
        value: T | None = entry.fields.get(self._name)
        return value


class Entry:
    """One frame of a session. What is read of it is of its kind, or None where the entry does not say it so.

    Attributes:
        fields: the whole JSON object: known keys of their kinds, and those of others as they came.
    """

    __slots__ = ("fields", "filename", "index")

    frame_id = _Key[str]()
    epoch = _Key[str]()
    record_seq = _Key[int]()
    target_sector = _Key[str]()
    region = _Key[list[int]]()
    prompt = _Key[str]()
    seed = _Key[int]()
    requested = _Key[dict[str, Any]]()
    origin = _Key[dict[str, Any]]()
    model = _Key[dict[str, Any]]()
    timestamp = _Key[float]()
    sha256 = _Key[str]()
    input_sha256 = _Key[str]()
    input_file = _Key[str]()

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.index: int = fields["index"]
        self.filename: str = fields["filename"]

    @classmethod
    def of(
        cls, fields: Mapping[str, Any], index: int, sha256: str, input_file: str | None, filename: str | None = None
    ) -> Entry:
        """The entry of a frame from its flat fields, or from the text in its PNG, which may have been written anywhere.
        Raises KeyError where there is no ``target_sector``."""
        name = filename or frame_name(index, fields["target_sector"])
        told = {key: value for key, value in fields.items() if key not in _ENVELOPE and key not in OF_THE_HEAD}
        told |= {"index": index, "filename": name, "sha256": sha256, "input_file": input_file}
        return cls({**{key: told.get(key) for key in _USERS}, **told})


def parse_entry(text: bytes) -> Entry:
    """One entry from its own text, safe to use and to pass on. Raises DamagedMetadata where it is none; the message
    goes behind its place."""
    if len(text) > MAX_ENTRY_BYTES:
        raise DamagedMetadata(f"has {len(text)} bytes, and an entry has at most {MAX_ENTRY_BYTES}")
    try:
        fields = parse(text)
    except NotJson as error:
        raise DamagedMetadata(f"is not JSON that can be read: {error}") from None
    if not isinstance(fields, dict):
        raise DamagedMetadata("is not an object")
    index = whole_number(unboxed(fields.get("index")), MAX_INDEX)
    if index is None:
        raise DamagedMetadata(f"has no index that is a whole number from 0 to {MAX_INDEX}")
    name = unboxed(fields.get("filename"))
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS:
        raise DamagedMetadata("names no file")
    fields["index"], fields["filename"] = index, name
    return Entry(typed(fields))


def trimmed(text: bytes) -> tuple[bytes, Entry] | None:
    """The text of an entry without those of its values that are too deep or too large, and what it says; None where
    that is no entry."""
    try:
        held = members(decode(text))
        kept = [f"{key}:{value}" for key, value in held if len(value) <= MAX_VALUE_CHARS and _is_shallow(value)]
        shorter = with_index_first("{" + ",".join(kept) + "}").encode("utf-8", "surrogatepass")
        return shorter, parse_entry(shorter)
    except (NotJson, DamagedMetadata):
        return None


def _is_shallow(text: str) -> bool:
    try:
        parse_exact(text)
    except NotJson:
        return False
    return True


def with_index_first(text: str) -> str:
    """An entry's text on one line that begins with its index, as this program's own layout has it. Raises NotJson where
    it is no object, or has no index."""
    compact = one_line(text)
    if compact.startswith('{"index":'):
        return compact
    held = sorted(members(compact), key=lambda member: member[0] != '"index"')
    if not held or held[0][0] != '"index"':
        raise NotJson("it has no index")
    return "{" + ",".join(f"{key}:{value}" for key, value in held) + "}"


def on_one_line(text: bytes) -> bytes:
    """An entry as this program lays it out, every value as it was written. Raises DamagedMetadata where it is no
    entry."""
    try:
        return with_index_first(text.decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")
    except (NotJson, UnicodeDecodeError) as error:
        raise DamagedMetadata(f"an entry of metadata.json cannot be understood: {error}") from None


def file_named_in(text: bytes) -> str | None:
    """The frame's file that the text of an entry names, where the text cannot be understood."""
    match = _NAMED.search(text)
    return match[1].decode() if match else None
