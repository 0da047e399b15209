"""A natural change that is asked for: which thing of the picture is to become another, and by how much."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from shared import fields
from shared.body import Body, is_none

ChangeKind = Literal["natural", "remove", "recolour", "move", "mirror", "shrink", "grow", "duplicate"]
"""``natural``: any of the others, whichever goes best."""
Colour = Literal[
    "red",
    "orange",
    "yellow",
    "green",
    "turquoise",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
    "grey",
    "black",
]
MAX_MASK_CHARS = 48 * 1024
Engine = Literal["natural", "model"]
"""Who makes a change: the one that changes what is there, or the model, which paints after a prompt."""
NATURAL_KIND = "natural"
"""``model.kind`` of frames that the first has made."""


def _ascending(given: tuple[float, float]) -> tuple[float, float]:
    if given[0] > given[1]:
        raise PydanticCustomError("range", "the lower number comes first")
    return given


Range = Annotated[tuple[fields.Finite, fields.Finite], AfterValidator(_ascending)]
"""From and to."""


class Change(Body):
    """What is to become of a thing in the picture.

    Attributes:
        kind: one of :data:`ChangeKind`; a recorded one may be of a later version.
        box: left, top, right, bottom of the thing, in the picture's pixels, within the target sector. None: the thing
            is chosen.
        mask: a PNG in base64, stretched over the box (without one over the picture), light where the thing is. None: it
            is found.
        colour: of a recoloured one; None: any other.
        widen: another sector may be changed, but never the focus, where nothing good is in the target.
    """

    kind: fields.Word
    box: fields.Region | None = Field(None, exclude_if=is_none)
    mask: Annotated[str, Field(max_length=MAX_MASK_CHARS)] | None = Field(None, exclude_if=is_none)
    colour: fields.Word | None = Field(None, exclude_if=is_none)
    widen: fields.Flag = Field(False, exclude_if=lambda widen: not widen)


class AskedChange(Change):
    """A change that is asked for is one that is known here; one that was recorded may have come from anywhere."""

    kind: ChangeKind
    colour: Colour | None = Field(None, exclude_if=is_none)


class Magnitude(Body):
    """How large a change is to be: ranges of the numbers that every frame has in its ``notes.change``, where they are
    explained. None: any."""

    area: Range | None = Field(None, exclude_if=is_none)
    area_visible: Range | None = Field(None, exclude_if=is_none)
    delta_e: Range | None = Field(None, exclude_if=is_none)
    delta_e_peak: Range | None = Field(None, exclude_if=is_none)
    edge_energy: Range | None = Field(None, exclude_if=is_none)
    edges_gained: Range | None = Field(None, exclude_if=is_none)
    edges_lost: Range | None = Field(None, exclude_if=is_none)
    saliency_before: Range | None = Field(None, exclude_if=is_none)
    saliency_after: Range | None = Field(None, exclude_if=is_none)
    saliency_change: Range | None = Field(None, exclude_if=is_none)
    difficulty: Range | None = Field(None, exclude_if=is_none)
    ma_2013: Range | None = Field(None, exclude_if=is_none)
    verma_2010: Range | None = Field(None, exclude_if=is_none)
