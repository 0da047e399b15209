"""What a program sends over ``WS /gaze``: one point, or a list of them. Pure: text in, points out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from services.api.live.display_messages import is_number
from shared.bus.requests.displays import MAX_POINTS, Point
from shared.json_loads import loads

MAX_POINT_CHARS = 2_000
"""Of a message with one point."""
_OPTIONAL = ("t", "confidence", "pupil", "open")


@dataclass(slots=True)
class Heard:
    """What one message says.

    Attributes:
        points: what a trial can use of it, oldest first; those beside the view too.
        relayed: the text that listeners get: the newest point within the view; None where there is none.
        is_wrong: something in it is no point within the view.
    """

    points: list[Point] = field(default_factory=list)
    relayed: str | None = None
    is_wrong: bool = False


def heard(text: str) -> Heard:
    """Read one message. What cannot be read is wrong, and never an exception."""
    is_list = text[:100].lstrip().startswith("[")
    if len(text) > MAX_POINT_CHARS and not is_list:
        return Heard(is_wrong=True)
    try:
        value: Any = loads(text)
    except orjson.JSONDecodeError:
        return Heard(is_wrong=True)
    if not is_list:
        found = Heard()
        if _take(found, value):
            found.relayed = text
        return found
    if not 1 <= len(value) <= MAX_POINTS:
        return Heard(is_wrong=True)
    found = Heard()
    newest = None
    for each in value:
        newest = each if _take(found, each) else newest
    if newest is not None:
        found.relayed = orjson.dumps(newest).decode()
        if len(found.relayed) > MAX_POINT_CHARS:
            found.relayed, found.is_wrong = None, True
    return found


def _take(found: Heard, value: object) -> bool:
    """Add one point, or note that it is none; whether listeners may have it."""
    if not isinstance(value, dict):
        found.is_wrong = True
        return False
    x, y, is_valid = value.get("x"), value.get("y"), value.get("valid") is not False
    if is_number(x) and is_number(y):
        is_within = 0 <= x <= 1 and 0 <= y <= 1
        found.points.append(_point(value, x, y, is_valid))
        # Beside the view it is of use to a trial alone: to listeners it would be a place on the picture.
        found.is_wrong = found.is_wrong or not is_within
        return is_within
    if is_valid or not all(axis is None or is_number(axis) for axis in (x, y)):
        found.is_wrong = True
        return False
    found.points.append(_point(value, None, None, is_valid))
    return False


def _point(value: dict[str, Any], x: float | None, y: float | None, is_valid: bool) -> Point:
    known = {name: value[name] for name in _OPTIONAL if is_number(value.get(name))}
    return Point(x=x, y=y, valid=is_valid, **known)
