"""Parameters of an address: each of a type, and all that is wrong told at once."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from services.api.http.operation import Asked
from services.api.http.query import Cursor, Flag, FramePath, Index, SessionId, Speed, parameters
from shared.errors import InvalidRequest, SessionNotFound


class All(Asked):
    needed: Index
    first: Index = 0
    speed: Speed | None = None
    loop: Flag | None = None
    cursor: Cursor = "default"


class Existing(Asked):
    session_id: SessionId


def request(query: str, **path_params: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "path_params": path_params, "headers": []})


def problems(query: str) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parameters(All, request(query))
    assert caught.value.fields is not None
    return caught.value.fields


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("needed=1", {}),
        ("needed=1e2&token=x", {"needed": 100}),
        ("needed=1&loop=FALSE&speed=0.5", {"loop": False, "speed": 0.5}),
        ("needed=1&cursor=wall", {"cursor": "wall"}),
    ],
)
def test_what_fits(query: str, expected: dict[str, Any]) -> None:
    assert parameters(All, request(query)) == All.model_validate({"needed": "1"}).model_copy(update=expected)


@pytest.mark.parametrize(
    ("query", "name", "problem"),
    [
        ("", "needed", "it is missing; give a whole number from 0"),
        ("needed=", "needed", "it is a whole number from 0 to "),
        ("needed=1&speed=-1", "speed", "it is a number, such as 0.5"),
        ("needed=1&speed=101", "speed", "it is from 0.01 to 100"),
        ("needed=1&loop=", "loop", "it is true or false"),
        ("needed=1&cursor=", "cursor", "it has 1 to 128 characters"),
        ("needed=1&cursor=a%0Ab", "cursor", "it has no control characters, such as line breaks"),
    ],
)
def test_what_does_not_fit(query: str, name: str, problem: str) -> None:
    told = problems(query)
    assert list(told) == [name]
    assert told[name].startswith(problem)


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert list(problems("needed=x&loop=x&cursor=")) == ["needed", "loop", "cursor"]


def test_what_stands_in_the_path_is_checked_too() -> None:
    assert parameters(FramePath, request("", session_id="any thing", index="7.0")).model_dump() == {
        "session_id": "any thing",
        "index": 7,
    }
    with pytest.raises(SessionNotFound):
        parameters(Existing, request("", session_id="../x"))
