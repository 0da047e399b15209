"""How deep a value of JSON is nested."""

from __future__ import annotations

from typing import Any


def is_deeper(value: Any, limit: int) -> bool:
    """Whether more than ``limit`` objects and arrays stand within each other, ``value`` itself being the first.

    Without recursion: what is nested without end must not end the program that asks.
    """
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
