"""Types of the parameters in an address, which come as text, and the error for one that does not fit."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError
from starlette.requests import HTTPConnection

from services.api.http.operation import TOKEN, Asked
from services.api.http.schemas import decimal_of_text, invalid, problems_of, whole_of_text
from shared.errors import InvalidSessionId, SessionNotFound
from shared.fields import MAX_CURSOR_CHARS, MAX_SPEED, MIN_SPEED, NO_CONTROLS, CursorName, Sha256, fits
from shared.session.format import ids
from shared.session.format.layout import MAX_INDEX

MAX_PARAMETERS = 100
"""In an address; no operation has ten. More are not parsed."""

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{0,9})?\Z")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_MISSING: dict[Any, str] = {int: "it is missing; give a whole number from 0", str: "it is missing; give a session's id"}
"""By type."""


def parameters(asked: type[Asked], connection: HTTPConnection) -> Asked:
    """The parameters of a request. ``?name=`` is given, and empty.

    Raises InvalidRequest, naming each that is missing or does not fit; SessionNotFound if a path has no valid id.
    """
    query = {name: value for name, value in connection.query_params.items() if name != TOKEN}
    try:
        return asked.model_validate(query | connection.path_params)
    except ValidationError as error:
        missing = [str(item["loc"][0]) for item in error.errors() if item["type"] == "missing"]
        problems = {name: _MISSING[asked.model_fields[name].annotation] for name in missing}
        raise invalid(problems_of(error) | problems) from None


def _refuse(problem: str) -> PydanticCustomError:
    return PydanticCustomError("parameter", "{problem}", {"problem": problem})


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise _refuse("it is true or false")
    return _FLAGS[text.lower()]


def _whole(text: str) -> int:
    """A whole number from 0: ``100``, ``100.0`` and ``1e2`` are the same."""
    found = whole_of_text(text)
    if found is None or not 0 <= found <= MAX_INDEX:
        raise _refuse(f"it is a whole number from 0 to {MAX_INDEX}")
    return found


def _decimal(text: str) -> float:
    if not _DECIMAL.match(text):
        raise _refuse("it is a number, such as 0.5")
    return float(text)


def _fraction(text: str) -> float:
    found = decimal_of_text(text)
    if found is None:
        raise _refuse("it is a number, such as 0.5")
    return found


def _picture_hash(text: str) -> str:
    if not fits(Sha256, text):
        raise _refuse("it is a SHA-256: 64 digits, 0 to 9 and a to f")
    return text


def between(low: float, high: float) -> AfterValidator:
    """A check that a number is in a range."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise _refuse(f"it is from {low} to {high:g}")
        return value

    return AfterValidator(check)


def _cursor(name: str) -> str:
    if not 1 <= len(name) <= MAX_CURSOR_CHARS:
        raise _refuse(f"it has 1 to {MAX_CURSOR_CHARS} characters")
    if not fits(CursorName, name):
        raise _refuse("it has no control characters, such as line breaks")
    return name


def _given(session_id: str) -> str:
    if not session_id:
        raise _refuse(_MISSING[str])
    return session_id


def _may_be_there(session_id: str) -> str:
    try:
        return ids.validate(session_id)
    except InvalidSessionId:
        raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None


_NOT_EMPTY = WithJsonSchema({"type": "string", "minLength": 1})
_THE_SESSION = Field(description="the session")

Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Index = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer", "minimum": 0})]
Speed = Annotated[
    float,
    BeforeValidator(_decimal),
    between(MIN_SPEED, MAX_SPEED),
    WithJsonSchema({"type": "number", "minimum": MIN_SPEED, "maximum": MAX_SPEED}),
]
Cursor = Annotated[
    str,
    AfterValidator(_cursor),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_CURSOR_CHARS, "pattern": NO_CONTROLS}),
    Field(description="a cursor of the client's own; default: the one named `default`"),
]
Fraction = Annotated[
    float,
    BeforeValidator(_fraction),
    between(0, 1),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
PictureHash = Annotated[
    str, AfterValidator(_picture_hash), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
NotEmpty = Annotated[str, _NOT_EMPTY]
GivenSession = Annotated[str, AfterValidator(_given), _NOT_EMPTY]
SessionName = Annotated[str, _NOT_EMPTY, _THE_SESSION]
"""In a path, not validated."""
SessionId = Annotated[str, AfterValidator(_may_be_there), _NOT_EMPTY, _THE_SESSION]
"""In a path; an invalid one is not found."""


class SessionPath(Asked):
    session_id: SessionName


class FramePath(SessionPath):
    index: Index = Field(description="of its entry")
