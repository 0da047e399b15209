"""The fields of a request for a change of what is in the picture already, and for one of a certain size."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.api.http.fields import Fields, Whole
from shared.change import MAX_MASK_CHARS, AskedChange, ChangeKind, Colour, Engine, Magnitude
from shared.images import MAX_SIDE_PX
from shared.json_loads import loads

OBJECTS = frozenset({"change", "magnitude"})
"""In a form these are texts in JSON."""
_DATA_URL = re.compile(r"data:image/png;base64,")
_PNG = b"\x89PNG\r\n\x1a\n"


def _pair(given: list[float]) -> list[float]:
    if given[0] > given[1]:
        raise PydanticCustomError("range", "the lower number comes first")
    return given


def _edges(given: list[int]) -> list[int]:
    left, top, right, bottom = given
    if left >= right or top >= bottom:
        raise PydanticCustomError("box", "a box is left, top, right, bottom: left is less than right, top than bottom")
    return given


def _picture(given: str) -> str:
    text = _DATA_URL.sub("", given, count=1)
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data.startswith(_PNG):
        raise PydanticCustomError("mask", "a mask is a PNG in base64, plain or as a data URL")
    return text


def _named(given: Any) -> Any:
    """A kind alone stands for a change of that kind."""
    return {"kind": given} if isinstance(given, str) else given


Pair = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=2), AfterValidator(_pair)
]
Box = Annotated[
    list[Annotated[Whole, Field(ge=0, le=MAX_SIDE_PX)]], Field(min_length=4, max_length=4), AfterValidator(_edges)
]


class ChangeFields(Fields):
    """A change of what is in the picture already."""

    kind: ChangeKind = Field(description="natural: any of the others, whichever goes best")
    box: Box | None = Field(
        None,
        description="left, top, right, bottom of the thing, in the picture's pixels, within the target sector; "
        "default: the thing is chosen",
    )
    mask: Annotated[str, Field(max_length=MAX_MASK_CHARS), AfterValidator(_picture)] | None = Field(
        None, description="a PNG in base64, light where the thing is; of the box, or without one of the whole picture"
    )
    colour: Colour | None = Field(None, description="of a recoloured thing; default: any other")
    widen: bool | None = Field(
        None, description="change another sector, never the focus, where nothing good is in the target"
    )


ChangeField = Annotated[ChangeFields, BeforeValidator(_named, json_schema_input_type=ChangeKind | ChangeFields)]
MAGNITUDES = tuple(Magnitude.model_fields)


class MagnitudeFields(Fields):
    """How large the change is to be: ranges of the numbers in `notes.change`."""

    area: Pair | None = Field(None, description="share of the picture, 0 to 1")
    area_visible: Pair | None = Field(None, description="share of the picture that changes visibly, 0 to 1")
    delta_e: Pair | None = Field(None, description="mean colour difference, CIEDE2000")
    delta_e_peak: Pair | None = Field(None, description="largest colour difference, CIEDE2000")
    edge_energy: Pair | None = None
    edges_gained: Pair | None = None
    edges_lost: Pair | None = None
    saliency_before: Pair | None = None
    saliency_after: Pair | None = None
    saliency_change: Pair | None = None
    difficulty: Pair | None = Field(None, description="predicted, 0 (seen at once) to 1")
    ma_2013: Pair | None = None
    verma_2010: Pair | None = None


class WithChange(Fields):
    """What may be asked for beside, or in place of, a prompt."""

    change: ChangeField | None = Field(
        None, description="change what is there, in place of a prompt: a kind, or an object; in a form as JSON"
    )
    magnitude: MagnitudeFields | None = Field(
        None, description="how large the change is to be; refused where it cannot be; in a form as JSON"
    )
    engine: Engine | None = Field(
        None,
        description="natural: change what is there; model: paint after the prompt; default: what change or the prompt "
        "asks for",
    )

    @property
    def asked_change(self) -> AskedChange | None:
        """As the bus has it."""
        return None if self.change is None else AskedChange.model_validate(self.change.model_dump(exclude_none=True))

    @property
    def asked_magnitude(self) -> Magnitude | None:
        """As the bus has it."""
        if self.magnitude is None:
            return None
        return Magnitude.model_validate(self.magnitude.model_dump(exclude_none=True))


def object_of_text(text: str) -> object:
    """A form's text as the object that it is in JSON; a kind alone, and what is no JSON, as it is."""
    if not text.startswith("{"):
        return text
    try:
        return loads(text)
    except ValueError:
        return text
