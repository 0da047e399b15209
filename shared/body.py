"""What all that crosses the bus, or stands in a session, is made of: typed fields, and their order in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Fields of a message, a request or a reply, without the envelope. What is not known here is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ORDER: ClassVar[tuple[str, ...]] = ()
    """Of the keys in JSON, where it is another than that of the fields."""

    def flat(self) -> dict[str, Any]:
        """It as a JSON object; keys that are not known here come last."""
        known = self.model_dump()
        return {**{name: known.pop(name) for name in self.ORDER}, **known}


def is_none(value: object) -> bool:
    """For ``exclude_if``: a field that is left out of JSON where it is None."""
    return value is None
