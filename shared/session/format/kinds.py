"""What the keys of an entry may hold.

Metadata comes from anywhere: another program, an editor, an import. So nothing that reads an entry trusts it: a key of
this format that holds a value of another kind counts as not said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from shared.frame import Frame
from shared.session.format.jsontext import unboxed
from shared.session.format.layout import MAX_INDEX, MAX_TIME_S
from shared.session.format.metadata import OF_THE_HEAD

SAME_TIME_S = 0.001

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


def typed(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a frame themselves, with None for each of this format whose value is of another kind."""
    for key, kind in KINDS.items():
        found = fields.get(key)
        if found is not None:
            fields[key] = kind(found if type(found) is not list or kind is _region else unboxed(found))
    return fields


def breaches(value: Any) -> list[str]:
    """What in an entry, as it was written, breaks the format: a sentence for each key."""
    if not isinstance(value, dict):
        return ["it is not an object"]
    found = []
    if whole_number(unboxed(value.get("index")), MAX_INDEX) is None:
        found.append(f"index is not a whole number from 0 to {MAX_INDEX}")
    if not isinstance(unboxed(value.get("filename")), str):
        found.append("filename is not a text")
    for key, kind in KINDS.items():
        said = value.get(key)
        if said == {} or unboxed(said) is None:  # so R writes NULL: {}, [] or [null]
            continue
        if kind(said if kind is _region else unboxed(said)) is None:
            found.append(f"{key} is not {_DESCRIPTIONS[kind]}")
    return found
