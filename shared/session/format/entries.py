"""What an entry may hold, and an entry as the rest of the program sees it: whatever stands in the file.

Metadata comes from anywhere: another program, an editor, an import. So nothing that reads an entry trusts it: a key of
this format that holds a value of another kind counts as not said, and an entry without an index or a file is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from shared.frame import Frame
from shared.session.format.jsontext import NotJson, decode, one_line, parse, parse_exact
from shared.session.format.layout import MAX_INDEX, MAX_TIME_S
from shared.session.format.metadata import OF_THE_HEAD, DamagedMetadata
from shared.session.format.values import members

MAX_ENTRY_BYTES = 4 << 20
"""Of one entry; ours have about 1.5 kB."""
MAX_VALUE_CHARS = 1 << 20
"""Of a value that a repair takes over from an entry that is too large."""
SAME_TIME_S = 0.001
MAX_NAME_CHARS = 255

_NAMED = re.compile(rb'"filename"\s*:\s*\[?\s*"([0-9]{4,16}_[A-Z]{2}\.png)"')

_MAX_COUNT = 2**63 - 1

Kind = Callable[[Any], Any]
"""The value itself, perhaps in another type; None where it is of another kind."""


def whole_number(value: Any, largest: int = _MAX_COUNT) -> int | None:
    """A whole number from 0; ``3.0``, as some writers have it, is one."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INDEX:
        value = int(value)
    return value if type(value) is int and 0 <= value <= largest else None


def finite(value: Any) -> float | None:
    """A finite number."""
    number = value if type(value) in (int, float) else None
    return number if number is not None and (type(number) is int or math.isfinite(number)) else None


def moment(value: Any) -> float | None:
    """Unix seconds, from 1970 to the year 9999."""
    number = finite(value)
    return number if number is not None and 0 <= number <= MAX_TIME_S else None


def _index(value: Any) -> int | None:
    return whole_number(value, MAX_INDEX)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _region(value: Any) -> list[int] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    edges = [whole_number(edge, MAX_INDEX) for edge in value]
    return edges if None not in edges else None  # type: ignore[return-value]


_DESCRIPTIONS: dict[Kind, str] = {
    whole_number: "a whole number from 0 to 2^63-1",
    finite: "a finite number",
    moment: "a finite number of Unix seconds, up to the year 9999",
    _text: "a text",
    _object: "an object",
    _region: "four whole numbers",
}


def _kind_of(annotation: Any) -> Kind:
    """The kind of value that a field of a frame holds; of one that may be None as well, that of the other."""
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    origin = get_origin(annotation)
    if origin in (Annotated, Union, UnionType):
        return _kind_of(arguments[0])
    held = type(arguments[0]) if origin is Literal else origin or annotation
    kinds: dict[type, Kind] = {str: _text, int: whole_number, float: finite, tuple: _region}
    return kinds.get(held, _object)


KINDS: dict[str, Kind] = {
    **{name: _kind_of(field.annotation) for name, field in Frame.model_fields.items() if name not in OF_THE_HEAD},
    "timestamp": moment,
    "input_file": _text,
}
"""The keys of this format, each with the kind of its value: those of a frame, and where its input is. Any may be null,
or absent."""


def differ(one: object, other: object) -> bool:
    """Whether two times are certainly not the same, where both are times: R writes four decimals."""
    here, there = moment(one), moment(other)
    return here is not None and there is not None and abs(here - there) > SAME_TIME_S


def parse_entry(text: bytes) -> dict[str, Any]:
    """One entry from its own text, safe to use and to pass on: see :func:`seen`. Raises DamagedMetadata where it is no
    entry; the message goes behind its place."""
    if len(text) > MAX_ENTRY_BYTES:
        raise DamagedMetadata(f"has {len(text)} bytes, and an entry has at most {MAX_ENTRY_BYTES}")
    try:
        return seen(parse(text))
    except NotJson as error:
        raise DamagedMetadata(f"is not JSON that can be read: {error}") from None


def seen(value: Any) -> dict[str, Any]:
    """An entry with the keys of this format as they should be; a value of another kind becomes None. Others stay.
    Raises DamagedMetadata where it has no index or names no file."""
    if not isinstance(value, dict):
        raise DamagedMetadata("is not an object")
    entry: dict[str, Any] = value
    index = _index(_unboxed(entry.get("index")))
    if index is None:
        raise DamagedMetadata(f"has no index that is a whole number from 0 to {MAX_INDEX}")
    name = _unboxed(entry.get("filename"))
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS:
        raise DamagedMetadata("names no file")
    entry["index"], entry["filename"] = index, name
    return typed(entry)


def typed(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a frame themselves, with None for each of this format whose value is of another kind."""
    for key, kind in KINDS.items():
        found = fields.get(key)
        if found is not None:
            fields[key] = kind(found) if key == "region" else kind(_unboxed(found))
    return fields


def trimmed(text: bytes) -> tuple[bytes, dict[str, Any]] | None:
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
    held = members(compact)
    first = [f"{key}:{value}" for key, value in held if key == '"index"']
    if not first:
        raise NotJson("it has no index")
    return "{" + ",".join([*first, *(f"{key}:{value}" for key, value in held if key != '"index"')]) + "}"


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


def breaches(value: Any) -> list[str]:
    """What in an entry, as it was written, breaks the format: a sentence for each key."""
    if not isinstance(value, dict):
        return ["it is not an object"]
    found = []
    if _index(_unboxed(value.get("index"))) is None:
        found.append(f"index is not a whole number from 0 to {MAX_INDEX}")
    if not isinstance(_unboxed(value.get("filename")), str):
        found.append("filename is not a text")
    for key, kind in KINDS.items():
        said = value.get(key)
        if said == {} or _unboxed(said) is None:  # so R writes NULL: {}, [] or [null]
            continue
        if kind(said if key == "region" else _unboxed(said)) is None:
            found.append(f"{key} is not {_DESCRIPTIONS[kind]}")
    return found


def _unboxed(value: Any) -> Any:
    """R writes every scalar as an array of one, unless it is told otherwise, and NULL as one of none."""
    if not isinstance(value, list) or len(value) > 1:
        return value
    return value[0] if value else None
