"""Operations of the HTTP API, each declared above its handler. Routes, checks and the OpenAPI document come from that.

A handler takes, by these names, what it needs of ``api``, ``asked`` (its parameters, as the model that it names) and
``request``. It returns a response, or what becomes JSON, described by a dataclass. Answers are not validated, as an
imported recording may hold anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict

from services.api.http.pace import RequestTimeout
from services.api.http.uploads import ServerBusy
from shared.errors import BY_CODE, ParafoveaError

WEBSOCKET = "WEBSOCKET"
"""In place of a method, for the path of a WebSocket."""
TOKEN = "token"
"""Allowed in the query of every operation."""

Handler = Callable[..., Awaitable[object]]

_ERRORS = {kind.code: kind for kind in (RequestTimeout, ServerBusy)} | BY_CODE


class Asked(BaseModel):
    """The parameters of an operation, in its path and its query, all as text."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that an operation may give."""

    description: str
    content: Mapping[str, Any] = field(default_factory=dict)
    """By media type, the type of its JSON or text, or None for bytes."""
    status: int = 200
    headers: tuple[str, ...] = ()
    """Those that it may have, of ``headers.HEADERS``."""
    always: tuple[str, ...] = ()


def json(kind: Any, description: str, status: int = 200) -> Answer:
    """An answer in JSON, of a type."""
    return Answer(description, {"application/json": kind}, status)


KNOWN = Answer("The client has it already (`If-None-Match`).", status=304)
PAGE = Answer("A page for people.", {"text/html": str})


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    Attributes:
        summary: its handler's docstring, up to the first empty line.
        answers: when all is well, the usual one first.
        errors: beside those that every operation may have.
        bodies: the types of its body, by media type.
        changes: whether it is forbidden to pages of foreign origins, even if it is a GET.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: tuple[Answer, ...]
    errors: tuple[type[ParafoveaError], ...]
    asked: type[Asked]
    bodies: Mapping[str, Any]
    changes: bool

    @cached_property
    def query(self) -> tuple[str, ...]:
        """Names of its parameters in the query."""
        names = (field.alias or name for name, field in self.asked.model_fields.items())
        return tuple(name for name in names if f"{{{name}}}" not in self.path)

    @cached_property
    def takes(self) -> tuple[str, ...]:
        """Names of its handler's parameters."""
        return tuple(inspect.signature(self.handler).parameters)


def _declare(
    method: str,
    path: str,
    answer: str | Answer,
    *more: Answer | str,
    bodies: Mapping[str, Any] | None = None,
    changes: bool = True,
) -> Callable[[Handler], Operation]:
    """Declare an operation, above its handler: its usual answer, others, and codes of errors.

    A text as the answer describes JSON of the type that the handler returns.
    """

    def declared(handler: Handler) -> Operation:
        types = get_type_hints(handler)
        usual = answer if isinstance(answer, Answer) else json(types["return"], answer)
        codes = " ".join(each for each in more if isinstance(each, str)).split()
        return Operation(
            method,
            path,
            handler,
            " ".join((inspect.getdoc(handler) or "").split("\n\n")[0].split()).rstrip(".").replace("``", "`"),
            (usual, *(each for each in more if isinstance(each, Answer))),
            tuple(_ERRORS[code] for code in codes),
            types.get("asked", Asked),
            bodies or {},
            changes,
        )

    return declared


get = partial(_declare, "GET", changes=False)
post = partial(_declare, "POST")
delete = partial(_declare, "DELETE")


def websocket(path: str) -> Callable[[Handler], Operation]:
    """Declare a WebSocket. A browser lets any page open one to anywhere, so it counts as a change."""
    return _declare(WEBSOCKET, path, Answer(""))
