"""What the models of request fields have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict

from shared.fields import WHOLE

Whole = Annotated[int, WHOLE]
"""A whole number, in a model that takes its other types strictly."""


class Fields(BaseModel):
    """Fields of a request. ``null`` is the same as leaving one out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
