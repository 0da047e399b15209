"""What is wrong with a value, told to whoever sent it: briefly, and never with the value itself."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import InvalidRequest, InvalidSessionId, NotFound, ParafoveaError, SessionNotFound

MAX_NAMED = 20
"""Fields that an error names, the first ones; here, on the bus and over HTTP."""
MAX_TOLD_CHARS = 300
MAX_TOLD_PARTS = 8

_OF_ONE_FIELD: dict[str, type[ParafoveaError]] = {
    cls.code: cls for cls in (InvalidSessionId, NotFound, SessionNotFound)
}
"""Errors of their own that a type of ``shared/fields.py`` names, where nothing else is wrong."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def request_of(model: type[ModelT], /, **values: Any) -> ModelT:
    """The fields of a request, made from what a user gave. Raises ParafoveaError: what does not fit."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid_request(error) from None


def invalid_request(error: ValidationError) -> ParafoveaError:
    """A validation error in the words of the API: what is wrong with which field, of many the first ones."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = {
        ".".join(str(part)[:MAX_TOLD_CHARS] for part in item["loc"][:MAX_TOLD_PARTS]) or "request": item[
            "msg"
        ].removeprefix("Value error, ")[:MAX_TOLD_CHARS]
        for item in found[:MAX_NAMED]
    }
    own = _OF_ONE_FIELD.get(found[0]["type"]) if len(found) == 1 and len(found[0]["loc"]) == 1 else None
    if own is not None:
        return own(found[0]["msg"][:MAX_TOLD_CHARS], fields=fields)
    more = f"; and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return InvalidRequest("; ".join(f"{name}: {message}" for name, message in fields.items()) + more, fields=fields)
