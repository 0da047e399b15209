"""The fields of requests about changes that are made ahead."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.api.http.fields import Fields, Whole
from services.api.http.operation import Asked
from services.api.http.query import Flag, Fraction, PictureHash
from services.api.http.schemas import How, SentInForm, SentInJson, Where, focus_of, invalid
from shared import sectors
from shared.bus.requests.preparing import MAX_TARGETS, PreparedAnswer
from shared.errors import NotFound
from shared.fields import FIRST_ERROR, MAX_NAME_CHARS, MAX_SEED, NO_CONTROLS, GridSize, RequestId, Sector, fits


def _each_once(given: list[str]) -> list[str]:
    twice = [name for number, name in enumerate(given) if name in given[:number]]
    if twice:
        raise _refuse(f"{twice[0]} is in it twice")
    return given


def _without_controls(name: str) -> str:
    if any(character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029" for character in name):
        raise _refuse("it has no control characters, such as line breaks")
    return name


def _may_be_prepared(name: str) -> str:
    if not fits(RequestId, name):
        raise NotFound(f"Nothing is prepared as {name[:100]!r}.")
    return name


def _refuse(problem: str) -> PydanticCustomError:
    return PydanticCustomError("preparing", "{problem}", {"problem": problem})


Targets = Annotated[
    list[Sector],
    FIRST_ERROR,
    Field(
        min_length=1,
        max_length=MAX_TARGETS,
        description="what to change, each for itself; in a form a text, with commas between them",
    ),
    AfterValidator(_each_once),
]
ViewName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME_CHARS),
    AfterValidator(_without_controls),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": NO_CONTROLS}),
]
PreparedId = Annotated[
    str,
    AfterValidator(_may_be_prepared),
    WithJsonSchema({"type": "string", "minLength": 1}),
    Field(description="of the preparation, as `/prepare` told it"),
]


class _Several(Fields):
    target_sectors: Targets


class PrepareRequest(How, _Several, Where):
    """The fields of a ``/prepare`` request beside the image."""

    seed: Whole | None = Field(None, ge=0, le=MAX_SEED, description="of each; default: drawn for each")
    supersede: bool | None = Field(None, description="give up what was prepared for this view, or client, before")
    view: ViewName | None = Field(None, description="the view that shows this picture; default: the client_id, if any")


class JsonPrepare(PrepareRequest):
    """A ``/prepare`` request in JSON, for the OpenAPI document."""

    image_base64: SentInJson = None


class FormPrepare(PrepareRequest):
    """A ``/prepare`` request as a form, for the OpenAPI document."""

    image: SentInForm = None


class PreparedPath(Asked):
    id: PreparedId


class CommitQuery(PreparedPath):
    on: PictureHash | None = Field(
        None,
        description="SHA-256 of the picture that it goes onto; default: what its view shows, or, without a view, the "
        "picture that it was prepared for",
    )
    picture: Flag = Field(True, description="false: headers alone (204); default: true")
    durable: Flag = Field(False, description="answer only once the frame is on disk; default: false")
    session_id: str | None = Field(
        None, description="the session that the caller believes active; if it is not, the answer is session_not_active"
    )
    focus_sector: Sector | None = Field(
        None, description="where the viewer looks now; or give focus_x and focus_y; default: as it was prepared"
    )
    focus_x: Fraction | None = Field(None, description="where the viewer looks, from the left (0) to the right (1)")
    focus_y: Fraction | None = Field(None, description="where the viewer looks, from the top (0) to the bottom (1)")

    @property
    def has_focus(self) -> bool:
        """Whether it says where the viewer looks."""
        return not (self.focus_sector is None and self.focus_x is None and self.focus_y is None)


def aim_all(asked: PrepareRequest) -> str | None:
    """The sector that the viewer looks at, None where it is not said. Raises InvalidRequest: it, or one of the sectors
    to change, is wrong."""
    problems: dict[str, str] = {}
    focus = focus_of(asked, asked.grid_size or 3, problems)
    known = sectors.names(asked.grid_size or 3)
    if strange := [name for name in asked.target_sectors if name not in known]:
        problems["target_sectors"] = f"a grid of {asked.grid_size or 3} has no {strange[0]}; it has {', '.join(known)}"
    if problems:
        raise invalid(problems)
    return focus


def focus_now(asked: CommitQuery, grid_size: GridSize) -> str | None:
    """The sector that the viewer looks at as a change is committed. Raises InvalidRequest: it is wrong."""
    problems: dict[str, str] = {}
    focus = focus_of(asked, grid_size, problems)
    if problems:
        raise invalid(problems)
    return focus


def grid_of(answer: PreparedAnswer) -> GridSize:
    """The grid of a preparation, by where its sector lies. Raises InvalidRequest: that is not known yet."""
    sizes: tuple[GridSize, ...] = (2, 3)
    for size in sizes:
        if answer.target_sector in sectors.names(size) and answer.width is not None and answer.height is not None:
            region = sectors.region(answer.target_sector, size, answer.width, answer.height)
            if region.as_tuple() == answer.region:
                return size
    raise invalid({"focus_sector": "its grid is not known yet; commit it without a focus, or once it is ready"})
