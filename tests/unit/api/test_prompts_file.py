"""The sector prompts as a file: read again, and never worse than before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.api.work.prompts import PromptsInThread, SectorPrompts
from shared.errors import InvalidRequest
from shared.prompts import Draw


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sector_prompts.json"


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def taken(prompts: SectorPrompts, sector: str = "TL") -> Draw:
    draw = prompts.take(sector)
    assert draw is not None
    return draw


def test_a_list_that_changes_begins_anew_and_the_others_go_on(path: Path) -> None:
    write(path, {"default": ["x", "y"], "sectors": {"TL": ["a", "b", "c"]}})
    prompts = SectorPrompts(path)
    assert [taken(prompts, sector).prompt for sector in ("TL", "TL", "BR")] == ["a", "b", "x"]
    write(path, {"default": ["z", "w"], "sectors": {"TL": ["a", "b", "c"]}})
    assert [taken(prompts, sector).prompt for sector in ("TL", "BR")] == ["c", "z"]


async def test_without_a_file_there_is_an_error_and_no_prompt(path: Path) -> None:
    prompts = PromptsInThread(path)
    await prompts.refresh()
    assert prompts.problem
    assert refusal(prompts) == f"none is given, and {prompts.problem}"
    write(path, {"default": ["a"]})
    await prompts.refresh()
    assert prompts.draw("TL").prompt == "a"
    assert prompts.problem is None
    write(path, {"sectors": {"BR": ["a"]}})
    await prompts.refresh()
    assert refusal(prompts) == "none is given, and sector_prompts.json has no prompt for TL"
    prompts.close()


def refusal(prompts: PromptsInThread) -> str:
    """What a request without a prompt for TL is told."""
    with pytest.raises(InvalidRequest) as caught:
        prompts.draw("TL")
    assert caught.value.fields is not None
    assert list(caught.value.fields) == ["prompt"]
    assert caught.value.detail == f"prompt: {caught.value.fields['prompt']}"
    return caught.value.fields["prompt"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"default": 5}',
        '{"default": [""]}',
        '{"default": ["a"], "sector": {}}',
        '{"sectors": {"XX": ["a"]}}',
    ],
)
def test_what_cannot_be_used_leaves_the_last_good_one(path: Path, text: str) -> None:
    write(path, {"default": ["a", "b"]})
    prompts = SectorPrompts(path)
    assert taken(prompts).prompt == "a"
    path.write_text(text)
    assert taken(prompts).prompt == "b"
    assert prompts.problem is not None
    assert str(path) in prompts.problem


def test_a_folder_in_its_place_is_no_file(path: Path) -> None:
    write(path, {"default": ["a"]})
    prompts = SectorPrompts(path)
    path.unlink()
    path.mkdir()
    assert taken(prompts).prompt == "a"
    assert prompts.problem is not None


def test_a_draw_is_given_back_only_while_it_is_the_last(path: Path) -> None:
    write(path, {"default": ["a", "b", "c"]})
    prompts = SectorPrompts(path)
    first = taken(prompts)
    second = taken(prompts)
    prompts.give_back(first)
    assert taken(prompts).prompt == "c", "the second draw stands, so the first can't come again"
    prompts.reset()
    first = taken(prompts)
    prompts.give_back(first)
    assert taken(prompts).prompt == "a"
    assert second.prompt == "b"
