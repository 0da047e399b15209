"""The sector prompts as a file: read again, and never worse than before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.api.work.prompts import SectorPrompts
from shared.errors import InvalidRequest
from shared.prompts import Draw


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sector_prompts.json"


def write(path: Path, value: object) -> None:
    write_text(path, json.dumps(value))


def write_text(path: Path, text: str) -> None:
    path.write_text(text)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


async def opened(path: Path) -> SectorPrompts:
    prompts = SectorPrompts(path)
    await prompts.refresh()
    return prompts


async def taken(prompts: SectorPrompts, sector: str = "TL") -> Draw:
    await prompts.refresh()
    return prompts.draw(sector)


async def test_a_list_that_changes_begins_anew_and_the_others_go_on(path: Path) -> None:
    write(path, {"default": ["x", "y"], "sectors": {"TL": ["a", "b", "c"]}})
    prompts = await opened(path)
    assert [(await taken(prompts, sector)).prompt for sector in ("TL", "TL", "BR")] == ["a", "b", "x"]
    write(path, {"default": ["z", "w"], "sectors": {"TL": ["a", "b", "c"]}})
    assert [(await taken(prompts, sector)).prompt for sector in ("TL", "BR")] == ["c", "z"]


async def test_without_a_file_there_is_an_error_and_no_prompt(path: Path) -> None:
    prompts = SectorPrompts(path)
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


def refusal(prompts: SectorPrompts) -> str:
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
async def test_what_cannot_be_used_leaves_the_last_good_one(path: Path, text: str) -> None:
    write(path, {"default": ["a", "b"]})
    prompts = await opened(path)
    assert (await taken(prompts)).prompt == "a"
    write_text(path, text)
    assert (await taken(prompts)).prompt == "b"
    assert prompts.problem is not None
    assert str(path) in prompts.problem


async def test_a_folder_in_its_place_is_no_file(path: Path) -> None:
    write(path, {"default": ["a"]})
    prompts = await opened(path)
    become_a_folder(path)
    assert (await taken(prompts)).prompt == "a"
    assert prompts.problem is not None


async def test_a_draw_that_is_given_back_is_the_sectors_next(path: Path) -> None:
    write(path, {"default": ["a", "b", "c"]})
    prompts = await opened(path)
    first, second, third = [await taken(prompts) for _ in range(3)]
    prompts.give_back(second)
    prompts.give_back(first)
    assert (await prompts.to_json())["next"]["TL"] == 0
    assert [(await taken(prompts)).prompt for _ in range(4)] == ["a", "b", "a", "b"], "the third stands"
    assert third.prompt == "c"


async def test_what_was_drawn_before_its_list_began_anew_is_not_given_back(path: Path) -> None:
    write(path, {"default": ["a", "b"], "sectors": {"BR": ["x", "y"]}})
    prompts = await opened(path)
    of_default, of_sector = await taken(prompts), await taken(prompts, "BR")
    await taken(prompts, "BR")
    write(path, {"default": ["a", "b", "c"], "sectors": {"BR": ["x", "y"]}})
    assert (await taken(prompts)).prompt == "a"
    prompts.give_back(of_default)
    prompts.give_back(of_sector)
    assert [(await taken(prompts, sector)).prompt for sector in ("TL", "BR")] == ["b", "x"]
    before = await taken(prompts)
    await prompts.reset()
    prompts.give_back(before)
    assert (await taken(prompts)).prompt == "a"
    assert (await taken(prompts)).prompt == "b"
