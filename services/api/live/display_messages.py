"""What a display says over ``WS /display``, as what is asked of the gaze process. Pure: text in, requests out."""

from __future__ import annotations

from typing import Any, TypeGuard

import orjson
from pydantic import ValidationError

from shared.body import Body
from shared.bus.call import Call
from shared.bus.requests.displays import CLOCK, DISPLAYED, KEY, MAX_POINTS, MISSED, PING, READY, VIEW, Point
from shared.errors import InvalidRequest
from shared.json_loads import loads
from shared.refusals import invalid_request

CALLS: dict[str, Call[Any, Any]] = {
    "view": VIEW,
    "ready": READY,
    "displayed": DISPLAYED,
    "missed": MISSED,
    "key": KEY,
    "ping": PING,
    "clock": CLOCK,
}
"""By the ``type`` of a message, the request that it becomes; ``points`` become one together."""
POINTS_TYPE = "points"

MAX_POINTS_EACH = 8 * MAX_POINTS
"""Of one message; 64 KiB hardly hold more."""
MAX_TYPE_CHARS = 100

_TYPES = ", ".join([*CALLS, POINTS_TYPE])
_POINT = "a point is [t_ms, x, y], or an object with x, y and what else is known"


def message_of(text: str | None) -> dict[str, Any]:
    """One message as the object that it is; None stands for bytes. Raises InvalidRequest: it is none."""
    try:
        message = loads(text or "")
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InvalidRequest(f"A message is text: one JSON object with a 'type', of {_TYPES}.")
    return message


def request_of(message: dict[str, Any], display: str) -> tuple[Call[Any, Any], Body]:
    """What a message asks, and its fields, in the name of a display. Raises InvalidRequest: of a type that there is
    not, or with fields that do not fit."""
    call = CALLS.get(message["type"])
    if call is None:
        raise InvalidRequest(f"There is no type {message['type'][:MAX_TYPE_CHARS]!r}; there are {_TYPES}.")
    try:
        return call, call.asked.model_validate({**message, "display": display})
    except ValidationError as error:
        told = invalid_request(error)
        raise InvalidRequest(told.detail, fields=told.fields) from None


def points_of(message: dict[str, Any]) -> list[Point]:
    """The points of a message, as they are asked of the gaze process. Raises InvalidRequest: one is none."""
    listed = message.get("points")
    if not isinstance(listed, list) or len(listed) > MAX_POINTS_EACH:
        raise InvalidRequest(f"points: a list of at most {MAX_POINTS_EACH}; {_POINT}")
    return [_point(number, value) for number, value in enumerate(listed)]


def _point(number: int, value: object) -> Point:
    if isinstance(value, dict):
        try:
            return Point.model_validate(value)
        except ValidationError:
            raise _no_point(number) from None
    if not isinstance(value, list) or len(value) != 3:
        raise _no_point(number)
    t_ms, x, y = value
    if not is_number(t_ms):
        raise _no_point(number)
    if x is None and y is None:
        return Point(t=t_ms / 1000, valid=False)
    if not is_number(x) or not is_number(y):
        raise _no_point(number)
    return Point(t=t_ms / 1000, x=x, y=y)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a JSON number: to Python, JSON's true is one too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_point(number: int) -> InvalidRequest:
    return InvalidRequest(f"points[{number}] is none: {_POINT}")
