"""The fields of a ``/generate`` request, and what others share with it: one model for JSON and for forms, without its
image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from services.api.http.changes import OBJECTS, WithChange, object_of_text
from services.api.http.fields import Fields, Whole
from shared import sectors
from shared.errors import InvalidRequest
from shared.fields import MAX_CLIENT_ID_CHARS, MAX_SEED, Fraction, GridSize, Sector, Sha256
from shared.prompts import MAX_PROMPT_CHARS
from shared.refusals import MAX_NAMED

MAX_NAME_CHARS = 100
"""Of a field name in an error."""

ModelT = TypeVar("ModelT", bound=BaseModel)

NamedPicture = Annotated[
    Sha256 | None,
    Field(description="SHA-256 of a recent picture, one that was sent or made, instead of the picture itself"),
]
SentInJson = Annotated[
    str | None, Field(description="PNG, JPEG or WebP; plain base64, or a data URL; or give image_sha256")
]
SentInForm = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"}),
    Field(description="PNG, JPEG or WebP; or give image_sha256"),
]

_WHOLE = re.compile(r"-?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?\Z")
_DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\Z")
_FLAGS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}

_WHOLE_FIELDS = frozenset({"grid_size", "target_row", "target_col", "steps", "seed"})
_DECIMAL_FIELDS = frozenset({"focus_x", "focus_y", "guidance_scale", "strength"})
_LIST_FIELDS = frozenset({"target_sectors"})
_FLAG_FIELDS = frozenset({"supersede", "durable", "strict"})


class Where(Fields):
    """The grid, and where the viewer looks."""

    grid_size: GridSize | None = Field(None, description="3 (default): TL TC TR ML MC MR BL BC BR; 2: TL TR BL BR")
    focus_sector: Sector | None = Field(None, description="where the viewer looks; or give focus_x and focus_y")
    focus_x: Fraction | None = Field(None, description="where the viewer looks, from the left (0) to the right (1)")
    focus_y: Fraction | None = Field(None, description="where the viewer looks, from the top (0) to the bottom (1)")


class Target(Fields):
    """The one sector to change."""

    target_sector: Sector | None = Field(
        None,
        description="what to change; or give target_row and target_col; default: the sector opposite the focus, and "
        "for the centre a corner drawn from the seed",
    )
    target_row: Whole | None = Field(None, ge=0, le=2, description="row of the sector to change, from 0")
    target_col: Whole | None = Field(None, ge=0, le=2, description="column of the sector to change, from 0")


class How(WithChange):
    """What to make of which picture, for whom, and how."""

    prompt: str | None = Field(
        None,
        max_length=MAX_PROMPT_CHARS,
        description="what to add, or what to change of what is there; default: the next of sector_prompts.json",
    )
    negative_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARS, description="what to keep out")
    steps: Whole | None = Field(None, ge=1, le=200, description="denoising steps; default: the model's own")
    guidance_scale: float | None = Field(
        None, ge=0, le=50, allow_inf_nan=False, description="how closely to follow the prompt; default: the model's own"
    )
    strength: float | None = Field(
        None, gt=0, le=1, allow_inf_nan=False, description="how much to change; default: the model's own"
    )
    seed: Whole | None = Field(None, ge=0, le=MAX_SEED, description="default: drawn, and reported in X-Seed")
    session_id: str | None = Field(
        None, description="the session that the caller believes active; if it is not, the answer is session_not_active"
    )
    client_id: str | None = Field(
        None, max_length=MAX_CLIENT_ID_CHARS, description="whose request it is; comes back in progress events"
    )
    supersede: bool | None = Field(None, description="drop older jobs of the same client_id: the eye has moved on")
    strict: bool | None = Field(
        None, description="refuse the request rather than leave anything of its prompt undone; see /vocabulary"
    )
    image_sha256: NamedPicture = None


class GenerateRequest(How, Target, Where):
    """The fields of a ``/generate`` request beside the image."""

    durable: bool | None = Field(None, description="answer only once the frame is on disk")


class JsonRequest(GenerateRequest):
    """A ``/generate`` request in JSON, for the OpenAPI document."""

    image_base64: SentInJson = None


class FormRequest(GenerateRequest):
    """A ``/generate`` request as a form, for the OpenAPI document."""

    image: SentInForm = None


@dataclass(frozen=True, slots=True)
class Aim:
    """Where the viewer looks (None if unknown), and which sector to change."""

    grid_size: Literal[2, 3]
    target_sector: str
    focus_sector: str | None


def from_form(model: type[ModelT], values: Mapping[str, str], problems: Mapping[str, str] | None = None) -> ModelT:
    """:func:`checked` for a form, where everything is text, and an empty field counts as left out."""
    return checked(model, {name: _typed(name, text) for name, text in values.items() if text != ""}, problems)


def checked(model: type[ModelT], values: Mapping[str, Any], problems: Mapping[str, str] | None = None) -> ModelT:
    """Values as a model. Raises InvalidRequest, naming each field that does not fit; ``problems`` are known already."""
    found = dict(problems or {})
    unknown = [name for name in values if name not in model.model_fields]
    if len(unknown) > MAX_NAMED:  # the model would make an object of each
        raise invalid({**found, **dict.fromkeys(unknown, "there is no such field")})
    try:
        made = model.model_validate(values)
    except ValidationError as error:
        raise invalid({**found, **problems_of(error)}) from None
    if found:
        raise invalid(found)
    return made


def resolve(request: GenerateRequest, seed: int) -> Aim:
    """The focus and the target. Raises InvalidRequest if neither is given, or one in two ways, by half or wrongly."""
    grid_size = request.grid_size or 3
    problems: dict[str, str] = {}
    focus = focus_of(request, grid_size, problems)
    target = _named(request, "target_sector", ("target_row", "target_col"), grid_size, problems)
    if target is None and request.target_row is not None and request.target_col is not None:
        for name, value in (("target_row", request.target_row), ("target_col", request.target_col)):
            if value >= grid_size:
                problems[name] = f"a grid of {grid_size} goes from 0 to {grid_size - 1}"
        target = None if problems else sectors.NAMES[grid_size][request.target_row][request.target_col]
    if not problems and focus is None and target is None:
        problems["focus_sector"] = (
            "say where the viewer looks (focus_sector, or focus_x and focus_y) or what to change "
            "(target_sector, or target_row and target_col)"
        )
    if problems:
        raise invalid(problems)
    if target is None:
        assert focus is not None
        target = sectors.opposite(focus, grid_size, seed)
    return Aim(grid_size, target, focus)


class WithFocus(Protocol):
    """A request that may say where the viewer looks."""

    @property
    def focus_sector(self) -> str | None: ...
    @property
    def focus_x(self) -> float | None: ...
    @property
    def focus_y(self) -> float | None: ...


def focus_of(request: WithFocus, grid_size: GridSize, problems: dict[str, str]) -> str | None:
    """The sector that the viewer looks at, where the request says so; problems with that are added."""
    focus = _named(request, "focus_sector", ("focus_x", "focus_y"), grid_size, problems)
    if focus is None and request.focus_x is not None and request.focus_y is not None:
        return sectors.at_point(request.focus_x, request.focus_y, grid_size)
    return focus


def invalid(problems: Mapping[str, str]) -> InvalidRequest:
    """The error that names each field and its problem; of many, the first and how many more there are."""
    named = {name[:MAX_NAME_CHARS]: message for name, message in islice(problems.items(), MAX_NAMED)}
    detail = "; ".join(f"{name}: {message}" for name, message in named.items())
    more = len(problems) - MAX_NAMED
    return InvalidRequest(f"{detail}; and {more} more" if more > 0 else detail, fields=named)


def _named(
    request: object, field: str, numbers: tuple[str, str], grid_size: int, problems: dict[str, str]
) -> str | None:
    """The sector that a field names, or None; the problems of that, and of two numbers that say the same."""
    sector: str | None = getattr(request, field)
    missing = [name for name in numbers if getattr(request, name) is None]
    if sector is None:
        if len(missing) == 1:
            problems[missing[0]] = f"{numbers[0]} and {numbers[1]} go together"
        return None
    if len(missing) < 2:
        problems[field] = f"give {field}, or {numbers[0]} and {numbers[1]}, not both"
    if sector not in sectors.names(grid_size):
        problems[field] = f"a grid of {grid_size} has no {sector}; it has {', '.join(sectors.names(grid_size))}"
    return sector


def decimal_of_text(text: str) -> float | None:
    """The number that a text stands for, or None."""
    return float(text) if _DECIMAL.match(text) else None


def whole_of_text(text: str) -> int | None:
    """The whole number that a text stands for, or None. R writes 100000 as ``1e+05``, others write 12 as ``12.0``."""
    if not _WHOLE.match(text):
        return None
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else None


def _typed(name: str, text: str) -> object:
    """A form's text as the JSON value it stands for; unchanged if it stands for none, to be refused."""
    stripped = text.strip()
    if name in _WHOLE_FIELDS and (whole := whole_of_text(stripped)) is not None:
        return whole
    if name in _DECIMAL_FIELDS and (decimal := decimal_of_text(stripped)) is not None:
        return decimal
    if name in OBJECTS:
        return object_of_text(stripped)
    if name in _LIST_FIELDS:
        return [part.strip() for part in stripped.split(",")]
    if name in _FLAG_FIELDS:
        return _FLAGS.get(stripped.lower(), text)
    return text


def problems_of(error: ValidationError) -> dict[str, str]:
    """What is wrong, by field."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(item["loc"][0])[:MAX_NAME_CHARS] if item["loc"] else "request"
        message = "there is no such field" if item["type"] == "extra_forbidden" else item["msg"]
        found.setdefault(name, message[:1].lower() + message[1:])
    return found
