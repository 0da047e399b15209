"""How large and how deep a JSON value may be, and what one that has no form of its own may hold."""

from __future__ import annotations

import math
from typing import Any

MAX_DEPTH = 32
"""Objects and arrays within each other."""
ITEM_CHARS = 8
"""What each item counts, beside its characters."""


def problem_of(value: object, limit_chars: int) -> str | None:
    """Why a value is no JSON that is passed on; None where it is. Without recursion, and never past the limit.
    Characters are those of keys and texts, and :data:`ITEM_CHARS` for each item. Numbers are finite, and of 64 bits."""
    left, open_values = limit_chars, [(value, 0)]
    while open_values:
        item, depth = open_values.pop()
        inner: list[object] = []
        left -= ITEM_CHARS
        if isinstance(item, str):
            left -= len(item)
        elif isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                return "it has a key that is no text"
            left -= sum(map(len, item))
            inner = list(item.values())
        elif isinstance(item, (list, tuple)):
            inner = list(item)
        elif isinstance(item, float):
            if not math.isfinite(item):
                return "it has a number that is not finite"
        elif isinstance(item, int):
            if not -(2**63) <= item < 2**64:
                return "it has a whole number of more than 64 bits"
        elif item is not None:
            return "it has a value that JSON has not"
        if inner and depth >= MAX_DEPTH:
            return f"it has more than {MAX_DEPTH} objects or arrays within each other"
        if left < ITEM_CHARS * len(inner):
            return f"it is too large; {limit_chars} characters are the most"
        open_values += [(each, depth + 1) for each in inner]
    return None


def is_deeper(value: Any, limit: int) -> bool:
    """Whether more than ``limit`` objects and arrays stand within each other, ``value`` itself being the first. Without
    recursion: what is nested without end must not end the program that asks."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)
