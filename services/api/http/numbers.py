"""Whole numbers as programs write them: ``12``, ``12.0`` (languages with floats only), ``1e+05`` (R)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from shared.fields import WHOLE

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?\Z")


def whole_of_text(text: str) -> int | None:
    """The whole number that a text stands for, exactly; None where it stands for none."""
    if not _NUMBER.match(text):
        return None
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else None


Whole = Annotated[int, WHOLE]
"""A field that is a whole number, in a model that takes its other types strictly."""
