"""The table of objects, the file written from it, and the sector prompts that ship with the model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from services.generator.language.vocabulary import Vocabulary
from training.captions import canonical
from training.objects import OBJECTS, PALETTE
from training.sources import BY_NAME as SOURCES
from training.sources import STYLES
from training.vocabulary import table, write

REQUIRED = [
    "ladybug",
    "butterfly",
    "bee",
    "balloon",
    "sunflower",
    "tulip",
    "rose",
    "mushroom",
    "bird",
    "owl",
    "fish",
    "frog",
    "turtle",
    "cat",
    "star",
    "moon",
    "leaf",
    "apple",
    "pumpkin",
    "lantern",
    "sailboat",
    "cup",
]
PROMPTS = Path(__file__).parents[3] / "generation" / "sector_prompts.json"


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("embedded")
    write(folder)
    loaded = Vocabulary.load(folder)
    assert loaded is not None
    return loaded


def test_there_are_sixty_objects_with_the_promised_ones_among_them() -> None:
    assert len(OBJECTS) >= 60
    assert set(REQUIRED) <= {item.name for item in OBJECTS}


def test_no_phrase_names_two_objects() -> None:
    exact = Counter(word for item in OBJECTS for word in {item.name, item.plural, *item.synonyms})
    assert [word for word, count in exact.items() if count > 1] == []
    near = Counter(word for row in table()["objects"] for word in row["nearest"])  # type: ignore[attr-defined]
    assert [word for word, count in near.items() if count > 1] == []
    assert set(near) & set(exact) == set()


def test_rows_use_known_colours_sets_and_places() -> None:
    for item in OBJECTS:
        assert set(item.colours) <= set(PALETTE)
        assert {*item.skip, *item.plain} <= set(SOURCES)
        assert item.place in ("sky", "ground", "any")


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.name)
def test_every_word_for_an_object_leads_to_it(vocabulary: Vocabulary, item) -> None:  # type: ignore[no-untyped-def]
    for word in (item.name, item.plural, *item.synonyms):
        resolved = vocabulary.resolve(f"please add {word} in the lower right corner")
        assert (resolved.object, resolved.fallback) == (item.name, None)
    for word in item.kinds:
        resolved = vocabulary.resolve(f"add a {word}")
        assert resolved.object == item.name
        assert resolved.fallback
    for colour in item.colours:
        assert vocabulary.resolve(f"a {colour} {item.name}").caption == canonical(item.name, colour)


def test_the_server_asks_with_the_captions_of_training(vocabulary: Vocabulary) -> None:
    for item in OBJECTS:
        captions = {vocabulary.resolve(f"a {item.name}").caption_for(seed) for seed in range(80)}
        assert captions <= {canonical(item.name, "", style) for style in STYLES}
        assert captions


def test_sector_prompts_are_all_drawn_as_asked(vocabulary: Vocabulary) -> None:
    prompts = json.loads(PROMPTS.read_text(encoding="utf-8"))
    assert set(prompts["sectors"]) == {row + column for row in "TMB" for column in "LCR"}
    for sector, asked in {**prompts["sectors"], "default": prompts["default"]}.items():
        assert len(set(asked)) >= 3
        for prompt in asked:
            resolved = vocabulary.resolve(prompt)
            assert resolved.fallback is None, prompt
            if sector.startswith("T"):
                assert resolved.place in ("sky", "any"), prompt
            if sector.startswith("B"):
                assert resolved.place in ("ground", "any"), prompt
