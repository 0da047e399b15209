"""A request as a whole: prompt, sector and negative prompt together; and what ``strict`` refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from services.generator.engine import Pixels
from services.generator.language.understanding import refuse_what_is_not_done, understand
from services.generator.language.vocabulary import Vocabulary
from services.generator.language.wishes import ResolvedPrompt
from services.generator.load import load_engine
from services.generator.models.running import DiffusersEngine
from services.generator.models.tiny import ensure_tiny
from services.generator.models.values import NO_NEGATIVE
from shared import sectors
from shared.bus.requests.generator import Generate
from shared.errors import InvalidRequest
from shared.process.settings import Settings
from tests.unit.generator.test_engine import EngineOf, Whole, edit, run

MODEL = Path(__file__).parents[3] / "generation" / "models" / "embedded"
SIZE = (600, 600)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    loaded = Vocabulary.load(MODEL)
    assert loaded is not None
    return loaded


def understood(
    vocabulary: Vocabulary, prompt: str, negative: str | None = None, sector: str = "BR", grid: int = 3
) -> ResolvedPrompt:
    return understand(vocabulary, prompt, negative, sectors.region(sector, grid, *SIZE), SIZE)


@pytest.mark.parametrize("sector", ["BR", "BC", "MR", "MC"])
def test_a_corner_that_the_sector_touches_raises_no_alarm(vocabulary: Vocabulary, sector: str) -> None:
    assert understood(vocabulary, "add a small ladybug in the lower right corner", sector=sector).fallback is None


@pytest.mark.parametrize(
    ("prompt", "sector", "grid", "side"),
    [
        ("add a small ladybug in the lower right corner", "TL", 3, "right"),
        ("add a small ladybug in the lower right corner", "TR", 2, "bottom"),
        ("a star at the top", "BC", 3, "top"),
        ("a frog on the left", "MR", 3, "left"),
    ],
)
def test_another_place_than_the_prompt_says_is_said(
    vocabulary: Vocabulary, prompt: str, sector: str, grid: int, side: str
) -> None:
    resolved = understood(vocabulary, prompt, sector=sector, grid=grid)
    assert resolved.object in ("ladybug", "star", "frog")
    assert f"says {side!r}" in str(resolved.fallback)


@pytest.mark.parametrize("prompt", ["a snail on top of the rock", "a cat to the left of the tree", "a cat facing left"])
def test_a_side_of_something_else_is_no_side_of_the_picture(vocabulary: Vocabulary, prompt: str) -> None:
    assert "says" not in str(understood(vocabulary, prompt, sector="BR").fallback)


@pytest.mark.parametrize("negative", [None, "", "  ", "cats, dogs", "a red balloon"])
def test_a_negative_prompt_that_is_heeded_raises_no_alarm(vocabulary: Vocabulary, negative: str | None) -> None:
    assert understood(vocabulary, "a bee", negative).fallback is None


def test_a_negative_prompt_that_is_not_heeded_is_said(vocabulary: Vocabulary) -> None:
    said = str(understood(vocabulary, "a bee", "blurry, bad quality").fallback)
    assert "negative_prompt has 'blurry', 'bad quality'" in said
    asked = understood(vocabulary, "a cat", "cats")
    assert asked.object == "cat"
    assert "negative_prompt" in str(asked.fallback)


def test_what_is_kept_out_does_not_stand_in(vocabulary: Vocabulary) -> None:
    for prompt, negative in (("a xylophone", "birds"), ("a lynx", "cat")):
        resolved = understood(vocabulary, prompt, negative)
        assert resolved.object is None
        assert "negative_prompt" in str(resolved.fallback)


# -- strict -----------------------------------------------------------------------------------------------------------


def request(prompt: str, **more: object) -> Generate:
    fields = {"request_id": "r", "grid_size": 3, "target_sector": "BR", "seed": 1, "timeout_ms": 1.0, **more}
    return Generate.model_validate({**fields, "prompt": prompt, "strict": True})


@pytest.mark.parametrize(
    "prompt", ["no cats", "a cat and a dog", "a wooden horse", "a xylophone", "ein Hund", "a lynx", "", "seven cats"]
)
def test_strict_refuses_what_is_not_done_and_names_what_is_known(vocabulary: Vocabulary, prompt: str) -> None:
    with pytest.raises(InvalidRequest, match="GET /vocabulary") as refused:
        refuse_what_is_not_done(vocabulary, request(prompt), SIZE)
    assert refused.value.fields
    assert refused.value.fields["prompt"] in refused.value.detail
    assert "ladybug, butterfly" in refused.value.detail
    assert len(refused.value.detail) < 2000


@pytest.mark.parametrize("prompt", ["add a small ladybug in the lower right corner", "two red balloons"])
def test_strict_lets_through_what_is_done(vocabulary: Vocabulary, prompt: str) -> None:
    refuse_what_is_not_done(vocabulary, request(prompt), SIZE)
    refuse_what_is_not_done(None, request("remove everything, in any language"), SIZE)


# -- in the engine ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def layer(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory, _cache: None) -> DiffusersEngine:
    folder = tmp_path_factory.mktemp("layer") / "model"
    shutil.copytree(ensure_tiny(tiny_folder, "layer"), folder)
    shutil.copy(MODEL / "vocabulary.json", folder)
    engine = load_engine(Settings(model=str(folder), device="cpu"))
    assert isinstance(engine, DiffusersEngine)
    return engine


def drawn(engine: DiffusersEngine, photo: Pixels, prompt: str, **more: object) -> Whole:
    return run(engine, edit(photo, 3, prompt, **more))


def test_where_nothing_is_drawn_the_picture_is_the_input(layer: DiffusersEngine, photo: Pixels) -> None:
    nothing = drawn(layer, photo, "remove the tree")
    assert np.array_equal(nothing.pixels, photo)
    assert "object" not in nothing.notes
    assert "remove the tree" in nothing.notes["fallback"]
    assert nothing.steps == 0
    # Made again from its entry, as verifying does.
    again = drawn(layer, photo, "remove the tree", steps=nothing.steps, guidance_scale=nothing.guidance_scale)
    assert (np.array_equal(again.pixels, photo), again.notes) == (True, nothing.notes)


def test_the_notes_say_what_was_drawn_and_what_was_not_done(layer: DiffusersEngine, photo: Pixels) -> None:
    assert drawn(layer, photo, "a red balloon").notes == {"object": "balloon"}
    partly = drawn(layer, photo, "a dog with a hat")
    assert partly.notes == {"object": "dog", "fallback": "left out: 'with a hat'"}
    assert np.array_equal(partly.pixels, drawn(layer, photo, "a dog").pixels)


@pytest.mark.parametrize("kind", ["inpaint", "edit", "layer", "text"])
def test_a_negative_prompt_without_effect_is_said(engine_of: EngineOf, photo: Pixels, kind: str) -> None:
    engine = engine_of(kind)  # type: ignore[arg-type]
    assert drawn(engine, photo, "x", negative_prompt="blurry", guidance_scale=3.0).notes == {}
    assert drawn(engine, photo, "x", negative_prompt=" ", guidance_scale=1.0).notes == {}
    assert drawn(engine, photo, "x", negative_prompt="blurry", guidance_scale=1.0).notes == {"fallback": NO_NEGATIVE}


def test_the_words_that_are_told_are_those_that_are_understood(vocabulary: Vocabulary) -> None:
    told = vocabulary.to_json()
    assert len(told["objects"]) == 78
    for item in told["objects"]:
        for word in (item["name"], item["plural"], *item["synonyms"]):
            assert (vocabulary.resolve(word).object, vocabulary.resolve(word).fallback) == (item["name"], None)
        for word in item["nearest"]:
            assert vocabulary.resolve(f"a {word}").object == item["name"]
        for colour in item["colours"]:
            for word in told["colours"][colour]:
                assert vocabulary.resolve(f"a {word} {item['name']}").fallback is None
    for word, number in told["numbers"].items():
        assert vocabulary.resolve(f"{word} of cats").count == number <= told["most"]
    for size, words in told["sizes"].items():
        assert {vocabulary.resolve(f"a {word} cat").size for word in words} == {size}
