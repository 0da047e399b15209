"""What a re-run asks for, from entries alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.replayer.reruns.plan import Step, changes_of, steps
from shared.bus.requests.replayer import StartRerun
from shared.errors import InvalidRequest
from shared.fields import MAX_SEED
from shared.session.format.entries import parse_entry


def entry(index: int, sector: str = "BR", **more: Any) -> dict[str, Any]:
    return {
        "index": index,
        "filename": f"{index:04d}_{sector}.png",
        "target_sector": sector,
        "focus_sector": "TL",
        "focus_x": 0.1,
        "prompt": f"prompt {index}",
        "grid_size": 3,
        "seed": 100 + index,
        "steps": 4,
        "guidance_scale": 1.0,
        "strength": 0.9,
        "requested": {"steps": 4},
        "frame_id": f"f{index}",
        **more,
    }


def plan(entries: list[dict[str, Any]], **changed: Any) -> list[Step]:
    wanted = StartRerun(session_id="first", into="second", **changed)
    return list(
        steps("first", "second", [(parse_entry(orjson.dumps(one)), None) for one in entries], changes_of(wanted))
    )


def requests(entries: list[dict[str, Any]], **changed: Any) -> list[Any]:
    found = [step.request for step in plan(entries, **changed)]
    assert all(found)
    return found


def test_nothing_changed_asks_for_what_was_asked_for() -> None:
    (request,) = requests([entry(3, negative_prompt="rain")])
    assert (request.prompt, request.negative_prompt, request.seed) == ("prompt 3", "rain", 103)
    assert (request.target_sector, request.focus_sector, request.focus_x, request.grid_size) == ("BR", "TL", 0.1, 3)
    assert (request.priority, request.publish, request.supersede) == ("background", True, True)
    assert request.origin.model_dump() == {"session_id": "first", "index": 3, "frame_id": "f3"}


def test_a_strict_request_stays_strict() -> None:
    (strict,) = requests([entry(0, requested={"steps": 4, "strict": True})], prompts={"default": ["a bee"]})
    assert (strict.strict, strict.prompt) == (True, "a bee")
    for requested in ({}, {"strict": False}, {"strict": "yes"}, {"strict": None}):
        assert requests([entry(0, requested=requested)])[0].strict is False


def test_what_was_left_to_the_model_is_left_to_it_again() -> None:
    (request,) = requests([entry(0)])
    assert (request.steps, request.guidance_scale, request.strength) == (4, None, None)
    (stronger,) = requests([entry(0)], strength=0.5)
    assert (stronger.steps, stronger.strength) == (4, 0.5)


def test_each_sector_cycles_through_its_own_prompts() -> None:
    prompts = {"default": ["d1", "d2"], "sectors": {"BR": ["a", "b"], "TL": "c"}}
    entries = [entry(n, sector) for n, sector in enumerate(("BR", "TL", "BR", "TR", "BR", "TR"))]
    assert [request.prompt for request in requests(entries, prompts=prompts)] == ["a", "c", "b", "d1", "a", "d2"]


def test_a_sector_without_a_prompt_is_left_out() -> None:
    made, left_out = plan([entry(0), entry(1, "TL")], prompts={"sectors": {"BR": "a"}})
    assert made.request is not None
    assert left_out.request is None
    assert "none for the sector TL" in (left_out.problem or "")


@given(seed=st.integers(0, MAX_SEED), offset=st.integers(-MAX_SEED, MAX_SEED))
def test_seeds_stay_seeds(seed: int, offset: int) -> None:
    (request,) = requests([entry(0, seed=seed)], seed_offset=offset)
    assert 0 <= request.seed <= MAX_SEED
    assert (request.seed - seed - offset) % (MAX_SEED + 1) == 0


def test_only_a_chain_is_fed_by_its_own_frames() -> None:
    entries = [entry(0, input_file="inputs/x.png"), entry(1, input_file="0000_BR.png"), entry(2)]
    assert [step.fed_by for step in plan(entries)] == [None, None, None]
    assert [step.fed_by for step in plan(entries, chain=True)] == [None, 0, None]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ({"seed": None}, "which seed"),
        ({"seed": "7"}, "seed"),
        ({"grid_size": 5}, "grid_size"),
        ({"target_sector": None}, "target sector"),
        ({"prompt": None}, "none for the sector"),
    ],
)
def test_an_entry_that_says_too_little_is_left_out(damage: dict[str, Any], problem: str) -> None:
    (step,) = plan([entry(0, **damage)])
    assert step.request is None
    assert problem in (step.problem or "")


@pytest.mark.parametrize("requested", [None, [], "x", {}, {"steps": None}])
def test_an_entry_of_another_hand_asks_for_the_models_own(requested: Any) -> None:
    (request,) = requests([entry(0, requested=requested)])
    assert request.steps is None


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"prompts": {"default": ["a"], "sectors": {"BR": ["b"]}}},
        {"seed_offset": -3, "strength": 0.25, "chain": True},
    ],
)
def test_what_the_head_names_is_what_was_asked_for(changed: dict[str, Any]) -> None:
    changes = changes_of(StartRerun(session_id="first", into="second", **changed))
    assert changes.model_dump(exclude_defaults=True) == changed
    assert changes_of({**changed, "model": {"id": "x"}}) == changes


@pytest.mark.parametrize("changed", [{"prompts": 5}, {"prompts": {"x": 1}}, {"seed_offset": "a"}, {"strength": 7}])
def test_a_head_of_another_hand_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        changes_of(changed)
