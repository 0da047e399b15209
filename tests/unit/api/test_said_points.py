"""What trackers' programs and displays say of a gaze: read without an exception, whatever it is."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.live.display_messages import CALLS, message_of, points_of, request_of
from services.api.live.gaze_points import heard
from shared.errors import InvalidRequest

NAMES = st.sampled_from(["x", "y", "t", "valid", "type", "points"])
FIELDS = st.sampled_from(["view", "left", "key", "sent_ms", "swap"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


@given(JSON | st.text(max_size=30))
def test_whatever_a_program_sends_is_read(value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    found = heard(text)
    for point in found.points:
        assert point.valid is False or (point.x is not None and point.y is not None)
    if found.relayed is not None:
        relayed = json.loads(found.relayed)
        assert 0 <= relayed["x"] <= 1
        assert 0 <= relayed["y"] <= 1
    assert found.is_wrong or found.points


@pytest.mark.parametrize(
    ("value", "points", "is_relayed", "is_wrong"),
    [
        ({"x": 0, "y": 1}, 1, True, False),
        ({"x": 0.5, "y": 0.5, "valid": False}, 1, True, False),
        ({"x": -0.1, "y": 0.5}, 1, False, True),
        ({"x": None, "y": None, "valid": False}, 1, False, False),
        ({"x": None, "y": None}, 0, False, True),
        ({"x": "left", "y": None, "valid": False}, 0, False, True),
        ([{"x": 0, "y": 0}, {"x": 7, "y": 0}], 2, True, True),
        ([{"x": 0, "y": 0}, 5], 1, True, True),
        ([], 0, False, True),
    ],
)
def test_what_is_a_point(value: Any, points: int, is_relayed: bool, is_wrong: bool) -> None:
    found = heard(json.dumps(value))
    assert (len(found.points), found.relayed is not None, found.is_wrong) == (points, is_relayed, is_wrong)


def test_one_point_is_relayed_as_it_came() -> None:
    text = '{ "y": 0.5,"x":0.5, "eye": "left" }'
    assert heard(text).relayed == text
    assert heard(json.dumps({"x": 0.5, "y": 0.5, "more": "x" * 2000})).is_wrong, "it is too long"


@given(JSON | st.text(max_size=30))
def test_whatever_a_display_says_is_a_request_or_refused(value: Any) -> None:
    with suppress(InvalidRequest):
        message = message_of(value if isinstance(value, str) else json.dumps(value))
        points_of(message)
        request_of(message, "display-1")


@given(st.sampled_from(sorted(CALLS)), st.dictionaries(FIELDS, JSON))
def test_a_display_speaks_in_its_own_name(kind: str, fields: dict[str, Any]) -> None:
    try:
        call, asked = request_of({"display": "display-2", **fields, "type": kind}, "display-1")
    except InvalidRequest:
        return
    assert call.name == kind
    assert asked.display == "display-1"  # type: ignore[attr-defined]
