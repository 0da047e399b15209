"""JSON as it was written: the order of keys and the text of each number are kept, and can be written back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

WIDTH = 120
"""A list or an object that fits on a line of this length stands on one."""


class Number(str):
    """A number, as the text that it was written as: ``1.0`` is not ``1``."""

    __slots__ = ()


def parse(text: str | bytes) -> Any:
    """The value of a JSON text; every number is a :class:`Number`.

    Raises:
        ValueError: it is not JSON, or an object has a name twice.
    """
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object has a name twice: {[name for name, _ in pairs]}")
    return found


def read(text: bytes) -> Any:
    """A JSON text, for the record: its value, and beside it, where there is white space between, that there is."""
    value = parse(text)
    return value if text.decode() == compact(value) else {"not compact": value}


def compact(value: Any) -> str:
    """Without any white space, as processes write it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{compact(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(compact, value)) + "]"
    return _scalar(value)


def pretty(value: Any) -> str:
    """To read and to compare line by line, with a line break at its end."""
    return "\n".join(_lines(value, "", "")) + "\n"


def _lines(value: Any, indent: str, before: str) -> Iterator[str]:
    short = indent + before + _spaced(value)
    if not isinstance(value, dict | list | tuple) or not value or len(short) <= WIDTH:
        yield short
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield f"{indent}{before}{opening}"
    named = (
        [(f"{_text(key)}: ", each) for key, each in value.items()]
        if isinstance(value, dict)
        else [("", each) for each in value]
    )
    for number, (name, each) in enumerate(named):
        *first, last = _lines(each, indent + " ", name)
        yield from first
        yield last + ("," if number < len(named) - 1 else "")
    yield indent + closing


def _spaced(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {_spaced(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_spaced, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
