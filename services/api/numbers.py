"""Whole numbers as people and their programs write them: ``12``, ``12.0``, ``1e2``.

R prints 100000 as ``1e+05``, and a number that went through a language with floats alone comes back as ``12.0``. All of
them are whole numbers; ``12.5`` and ``true`` are none.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

EXACT_LIMIT = 2**53
"""Beyond it a float no longer holds every whole number."""

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?\Z")


def whole_of_text(text: str) -> int | None:
    """The whole number that a text stands for, exactly; None where it stands for none."""
    if not _NUMBER.match(text):
        return None
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else None


def _whole_of_json(value: object) -> object:
    """A float without a fraction as the whole number that it is; anything else as it came.

    Raises:
        PydanticCustomError: so large that digits have been lost, so that another number would be obeyed.
    """
    if not isinstance(value, float) or not value.is_integer():
        return value
    if abs(value) > EXACT_LIMIT:
        raise PydanticCustomError("inexact", "input is a whole number of 2^53 or more; write it in digits alone")
    return int(value)


Whole = Annotated[int, BeforeValidator(_whole_of_json)]
"""A field that is a whole number, in a model that takes its other types strictly."""
WHOLE = BeforeValidator(_whole_of_json)
"""The same for a field of another type, a ``Literal`` of numbers."""
