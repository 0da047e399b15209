"""Parameters of a query string, each at most once, with its type."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection, Request

from services.api.http.numbers import whole_of_text
from services.api.http.schemas import invalid
from shared.session.format.layout import MAX_INDEX

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?\Z")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def text(request: HTTPConnection, name: str, *, max_chars: int | None = None) -> str | None:
    """A parameter's text, or None where it is not given. ``?name=`` is given, and empty.

    Raises:
        InvalidRequest: given twice, or longer than ``max_chars``, or empty where ``max_chars`` is set.
    """
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise invalid({name: "it is given more than once"})
    if not values:
        return None
    if max_chars is not None and not 1 <= len(values[0]) <= max_chars:
        raise invalid({name: f"it has 1 to {max_chars} characters"})
    return values[0]


def truth(request: HTTPConnection, name: str, *, default: bool = False) -> bool:
    """A parameter that is true or false.

    Raises:
        InvalidRequest: neither.
    """
    value = text(request, name)
    if value is None:
        return default
    if value.lower() not in _TRUTH:
        raise invalid({name: "it is true or false"})
    return _TRUTH[value.lower()]


def whole(request: Request, name: str) -> int:
    """A required whole number from 0.

    Raises:
        InvalidRequest: missing, or none.
    """
    value = text(request, name)
    if value is None:
        raise invalid({name: "it is missing; give a whole number from 0"})
    return parse_whole(name, value)


def decimal(request: Request, name: str) -> float | None:
    """A decimal number, or None where it is not given.

    Raises:
        InvalidRequest: it is none.
    """
    value = text(request, name)
    if value is None:
        return None
    if not _DECIMAL.match(value):
        raise invalid({name: "it is a number, such as 0.5"})
    return float(value)


def parse_whole(name: str, value: str) -> int:
    """A whole number from 0: ``100``, ``100.0`` and ``1e2`` are the same.

    Raises:
        InvalidRequest: it is none.
    """
    found = whole_of_text(value)
    if found is None or not 0 <= found <= MAX_INDEX:
        raise invalid({name: f"it is a whole number from 0 to {MAX_INDEX}"})
    return found
