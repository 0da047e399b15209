"""The types of what crosses the bus: what they let in, and that every field has one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared import fields
from shared.bounds import ITEM_CHARS, MAX_DEPTH, problem_of
from shared.bus.messages import Heartbeat
from shared.bus.requests import recorder
from shared.errors import InvalidRequest, InvalidSessionId, SessionNotFound
from shared.refusals import MAX_NAMED, MAX_TOLD_CHARS, invalid_request, request_of
from shared.session.format.layout import RESERVED_KEYS, folder_to_write
from shared.session.format.metadata import new_head
from tests.support.absurd_fields import BAD, LONG, nested_value
from tests.support.samples import SAMPLES

ROOT = Path(__file__).parents[3]
TYPES: dict[str, Any] = {
    "session": fields.SessionId,
    "name": fields.FrameId,
    "client": fields.ClientId,
    "prompt": fields.Prompt,
    "sha256": fields.Sha256,
    "token": fields.StagingToken,
    "sector": fields.Sector,
    "grid": fields.GridSize,
    "record_seq": fields.RecordSeq,
    "index": fields.Index,
    "seed": fields.Seed,
    "offset": fields.SeedOffset,
    "steps": fields.Steps,
    "fraction": fields.Fraction,
    "strength": fields.Strength,
    "guidance": fields.Guidance,
    "wait_ms": fields.WaitMs,
    "speed": fields.Speed,
    "unix_s": fields.UnixSeconds,
    "flag": fields.Flag,
    "extra": fields.HeadExtra,
}
FREE = {"entry", "changed"}
"""What stands in a file on disk, and has been judged there."""


@pytest.mark.parametrize(
    "source",
    [
        "shared/frame.py",
        "shared/bus/messages.py",
        "shared/bus/requests/generator.py",
        "shared/bus/requests/recorder.py",
        "shared/bus/requests/replayer.py",
    ],
)
def test_every_field_has_a_type_with_limits(source: str) -> None:
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    found = [
        (node.target.id, node.lineno)
        for body in ast.walk(tree)
        if isinstance(body, ast.ClassDef)
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if not ast.unparse(node.annotation).startswith("ClassVar") and node.target.id not in FREE
        if {"str", "int", "float", "bool", "Any", "bytes"}
        & {name.id for name in ast.walk(node.annotation) if isinstance(name, ast.Name)}
    ]
    assert found == []


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_what_no_honest_peer_sends_does_not_fit(kind: str) -> None:
    for value in [*BAD[kind], None, float("nan"), float("inf"), 10**400]:
        assert not fields.fits(TYPES[kind], value), f"{kind} lets {str(value)[:60]!r} in"


@given(st.text(max_size=20) | st.sampled_from(BAD["session"]) | st.from_regex(r"[A-Za-z0-9._/\\-]{1,10}"))
def test_a_session_is_a_folder_right_under_the_others_or_none(value: Any) -> None:
    root = Path("/sessions")
    if fields.fits(fields.SessionId, value):
        folder = folder_to_write(root, value)
        assert (folder.parent, folder.name) == (root, value)
        assert not value.startswith(".")
        assert value.isprintable()
    elif isinstance(value, str):
        with pytest.raises(InvalidSessionId):
            folder_to_write(root, value)


@given(st.floats() | st.integers() | st.booleans())
def test_a_whole_number_is_taken_exactly_or_not_at_all(value: Any) -> None:
    if fields.fits(fields.Index, value):
        assert not isinstance(value, bool)
        assert TypeAdapter(fields.Index).validate_python(value) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_value_that_is_small_is_let_in_whole(value: Any) -> None:
    assert problem_of(value, 0) is not None
    problem = problem_of(value, 10_000_000)
    assert problem is None or "finite" in problem or "64 bits" in problem or "within each other" in problem


@pytest.mark.parametrize(
    "value",
    [LONG * 10, nested_value(100_000), [0] * 3_000_000, {LONG: 1}, float("nan"), [1e309], 2**64, b"x", {1: 2}, {1, 2}],
    ids=lambda value: str(type(value).__name__),
)
def test_a_value_that_is_large_or_odd_is_told(value: Any) -> None:
    problem = problem_of(value, fields.MAX_PROMPTS_CHARS if not isinstance(value, dict) else 1000)
    assert problem is not None
    assert len(problem) < 200


def test_the_limits_are_the_last_that_fit() -> None:
    assert problem_of("x" * 92, 92 + ITEM_CHARS) is None
    assert problem_of("x" * 93, 92 + ITEM_CHARS) is not None
    assert problem_of(nested_value(MAX_DEPTH), 10_000) is None
    assert problem_of(nested_value(MAX_DEPTH + 1), 10_000) is not None


def test_a_head_keeps_what_it_says_of_itself() -> None:
    head = new_head("s", 1.0, {**dict.fromkeys(RESERVED_KEYS, "other"), "parent": {}})
    assert head == {"session_id": "s", "created_at": 1.0, "format": 1, "parent": {}}


def test_of_a_heartbeat_what_does_not_fit_costs_itself() -> None:
    told = SAMPLES["status"].model_dump()
    good = told["sessions"][0]
    odd = {**told, "sessions": [good, {**good, "session_id": "/etc"}, 5], "making": {"s": 1, "../x": 2, "t": "many"}}
    heard = Heartbeat.model_validate(odd)
    assert [one.session_id for one in heard.sessions] == ["s"]
    assert heard.making == {"s": 1}


def test_a_refusal_names_the_first_fields_and_echoes_nothing_large() -> None:
    class Many(BaseModel):
        numbers: dict[str, Annotated[int, fields.WHOLE]]

    with pytest.raises(ValidationError) as caught:
        Many(numbers={f"{LONG}{number}": LONG for number in range(100)})  # type: ignore[dict-item]
    error = invalid_request(caught.value)
    assert isinstance(error, InvalidRequest)
    assert error.fields is not None
    assert len(error.fields) <= MAX_NAMED
    assert len(error.detail) < MAX_NAMED * 3 * MAX_TOLD_CHARS
    assert "more" in error.detail


def test_a_session_that_cannot_be_is_told_as_before() -> None:
    with pytest.raises(InvalidSessionId) as made:
        request_of(recorder.StartSession, session_id="../x")
    assert made.value.fields == {"session_id": made.value.detail}
    with pytest.raises(SessionNotFound):
        request_of(recorder.DeleteSession, session_id="../x")
    with pytest.raises(InvalidRequest):
        request_of(recorder.StartSession, session_id="../x", resume="yes")
