"""Where the viewer looks and what is to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.http.schemas import GenerateRequest, checked, from_form, resolve
from shared import sectors
from shared.errors import InvalidRequest
from shared.fields import MAX_SEED

seeds = st.integers(0, MAX_SEED)
fractions = st.floats(0, 1, allow_nan=False)


@given(st.sampled_from([2, 3]), fractions, fractions, seeds)
def test_a_point_aims_across_the_centre(grid_size: int, x: float, y: float, seed: int) -> None:
    aim = resolve(checked(GenerateRequest, {"grid_size": grid_size, "focus_x": x, "focus_y": y}), seed)
    assert aim.focus_sector == sectors.at_point(x, y, grid_size)
    assert aim.target_sector == sectors.opposite(aim.focus_sector, grid_size, seed)
    assert aim.target_sector != aim.focus_sector


@given(seeds)
def test_the_centre_aims_at_a_corner_of_the_seed(seed: int) -> None:
    request = checked(GenerateRequest, {"focus_sector": "MC"})
    assert resolve(request, seed).target_sector in sectors.CORNERS
    assert resolve(request, seed) == resolve(request, seed)


@given(st.sampled_from([2, 3]), st.integers(0, 2), st.integers(0, 2))
def test_row_and_column_name_a_sector_or_lie_outside(grid_size: int, row: int, col: int) -> None:
    request = checked(GenerateRequest, {"grid_size": grid_size, "target_row": row, "target_col": col})
    if row < grid_size and col < grid_size:
        aim = resolve(request, 0)
        assert sectors.position(aim.target_sector, grid_size) == (row, col)
        assert aim.focus_sector is None
    else:
        with pytest.raises(InvalidRequest):
            resolve(request, 0)


def test_both_may_be_the_same_sector() -> None:
    aim = resolve(checked(GenerateRequest, {"focus_sector": "TL", "target_sector": "TL"}), 0)
    assert (aim.focus_sector, aim.target_sector) == ("TL", "TL")


def test_null_is_left_out() -> None:
    names = list(GenerateRequest.model_fields)
    assert checked(GenerateRequest, dict.fromkeys(names)) == checked(GenerateRequest, {})


JSON_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers(), max_size=2)
)


def refused_fields(attempt: Callable[[], object]) -> set[str]:
    """The fields that are named as wrong; empty where all is accepted."""
    try:
        attempt()
    except InvalidRequest as error:
        return set(error.fields or {"none named"})
    return set()


@given(st.dictionaries(st.sampled_from([*GenerateRequest.model_fields, "steps ", "other"]), JSON_VALUES), seeds)
def test_any_json_is_accepted_or_refused_by_field(values: dict[str, Any], seed: int) -> None:
    assert refused_fields(lambda: resolve(checked(GenerateRequest, values), seed)) <= {
        *GenerateRequest.model_fields,
        *values,
    }


@given(st.dictionaries(st.sampled_from([*GenerateRequest.model_fields]), st.text(max_size=20)))
def test_any_form_is_accepted_or_refused(values: dict[str, str]) -> None:
    assert refused_fields(lambda: from_form(GenerateRequest, values)) <= set(values)


@pytest.mark.parametrize(
    ("form", "json"),
    [
        ({"steps": " 5 ", "seed": "9223372036854775807"}, {"steps": 5, "seed": MAX_SEED}),
        ({"steps": "5.0", "seed": "1e+05", "grid_size": "2."}, {"steps": 5, "seed": 100_000, "grid_size": 2}),
        ({"strength": ".5", "guidance_scale": "1e1"}, {"strength": 0.5, "guidance_scale": 10.0}),
        ({"focus_x": "0", "focus_y": "1."}, {"focus_x": 0.0, "focus_y": 1.0}),
        ({"durable": "on", "supersede": "FALSE"}, {"durable": True, "supersede": False}),
        ({"prompt": " 5 ", "client_id": "true"}, {"prompt": " 5 ", "client_id": "true"}),
        ({"prompt": "", "steps": ""}, {}),
    ],
)
def test_a_form_is_text_that_stands_for_json(form: dict[str, str], json: dict[str, Any]) -> None:
    assert from_form(GenerateRequest, form) == checked(GenerateRequest, json)


@pytest.mark.parametrize("text", ["5.5", "1_0", "0x5", "٣", "five", "5e-1", "1e999", "--5", "inf", "true"])
def test_text_that_is_no_whole_number(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        from_form(GenerateRequest, {"steps": text})
    assert caught.value.fields is not None
    assert list(caught.value.fields) == ["steps"]
