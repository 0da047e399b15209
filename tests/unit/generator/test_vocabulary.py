"""What prompts mean to a model with a closed vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.generator.language.vocabulary import Vocabulary
from services.generator.language.wishes import caption


def _row(
    name: str, plural: str, place: str, synonyms: str = "", nearest: str = "", colours: str = "", natural: str = ""
) -> dict[str, object]:
    def split(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    return {
        "name": name,
        "plural": plural,
        "place": place,
        "synonyms": split(synonyms),
        "nearest": split(nearest),
        "colours": split(colours),
        "natural": split(natural),
        "styles": ["glossy", "painted", "drawn"],
        "coloured_styles": ["glossy", "drawn"],
    }


TABLE = {
    "version": 1,
    "caption": "{article} {style} {colour} {object}",
    "styles": ["glossy", "painted", "drawn"],
    "fallback": "butterfly",
    "objects": [
        _row("butterfly", "butterflies", "any", "monarch", "moth", "red, blue, orange"),
        _row("ladybug", "ladybugs", "ground", "ladybird, lady beetle", "beetle, bug", "red, yellow"),
        _row("balloon", "balloons", "sky", "party balloon", "hot air balloon", "red, orange, blue"),
        _row("orange", "oranges", "ground", "", "lemon", "", "orange"),
        _row("tree", "trees", "ground", "oak", "bush"),
        _row("cat", "cats", "ground", "kitten", "lion", "black, white"),
        _row("rabbit", "rabbits", "ground", "bunny", "animal"),
        _row("leaf", "leaves", "any", "", "feather", "red, green"),
        _row("fish", "fish", "any", "goldfish", "shark", "red, blue"),
    ],
}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("model")
    (folder / "vocabulary.json").write_text(json.dumps(TABLE))
    loaded = Vocabulary.load(folder)
    assert loaded is not None
    return loaded


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a ladybug", "a ladybug"),
        ("add a small ladybug in the lower right corner", "a ladybug"),
        ("Add a LADYBIRD, please!", "a ladybug"),
        ("two blue butterflies over the meadow", "a blue butterfly"),
        ("an orange balloon", "an orange balloon"),
        ("add an orange", "an orange"),
        ("a balloon that is red", "a red balloon"),
        ("a huge light blue balloon", "a blue balloon"),
        ("next to the tree, add a cat", "a cat"),
        ("put a cat in the orange tree", "a cat"),
        ("a crimson party balloon floating in the sky", "a red balloon"),
        ("bunnies", "a rabbit"),
        ("a glossy red leaf", "a glossy red leaf"),
    ],
)
def test_a_known_prompt_becomes_the_caption_of_training(vocabulary: Vocabulary, prompt: str, expected: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.caption == expected
    assert resolved.fallback is None


@pytest.mark.parametrize(
    ("prompt", "drawn", "named"),
    [
        ("a beetle", "ladybug", "beetle"),
        ("three lions", "cat", "lions"),
        ("a hot air balloon", "balloon", "hot air balloon"),
        ("a ballon", "balloon", "ballon"),
        ("an animal", "rabbit", "animal"),
        ("a xylophone", "butterfly", "fallback"),
        ("", "butterfly", "fallback"),
        ("снег", "butterfly", "fallback"),
        ("?!…", "butterfly", "fallback"),
    ],
)
def test_an_unknown_prompt_gives_the_nearest_object_and_says_so(
    vocabulary: Vocabulary, prompt: str, drawn: str, named: str
) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object == drawn
    assert resolved.fallback is not None
    assert named in resolved.fallback
    assert drawn in resolved.fallback


def test_a_colour_the_object_does_not_have_is_left_out_and_reported(vocabulary: Vocabulary) -> None:
    resolved = vocabulary.resolve("a purple cat")
    assert (resolved.caption, resolved.colour) == ("a cat", None)
    assert resolved.fallback is not None
    assert "purple" in resolved.fallback


def test_a_colour_the_object_has_anyway_is_no_loss(vocabulary: Vocabulary) -> None:
    assert vocabulary.resolve("an orange orange").fallback is None


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("a ladybug", 1),
        ("ladybugs", 2),
        ("two ladybugs", 2),
        ("3 red balloons", 3),
        ("a pair of cats", 2),
        ("a few leaves", 3),
        ("99 balloons", 5),
        ("0 balloons", 1),
        ("the cat", 1),
        ("a fish", 1),
        ("fish", 1),
    ],
)
def test_numbers_and_plurals(vocabulary: Vocabulary, prompt: str, count: int) -> None:
    assert vocabulary.resolve(prompt).count == count


@pytest.mark.parametrize(
    ("prompt", "size"), [("a tiny cat", "small"), ("a cat", "medium"), ("an enormous cat", "large")]
)
def test_size(vocabulary: Vocabulary, prompt: str, size: str) -> None:
    assert vocabulary.resolve(prompt).size == size


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a balloon", "sky"),
        ("a cat", "ground"),
        ("a butterfly", "any"),
        ("a butterfly in the sky", "sky"),
        ("a balloon on the grass", "ground"),
    ],
)
def test_place_is_the_objects_own_unless_the_prompt_says(vocabulary: Vocabulary, prompt: str, place: str) -> None:
    assert vocabulary.resolve(prompt).place == place


def test_the_seed_chooses_the_manner_of_drawing(vocabulary: Vocabulary) -> None:
    resolved = vocabulary.resolve("a cat")
    captions = [resolved.caption_for(seed) for seed in range(60)]
    assert set(captions) == {"a glossy cat", "a painted cat", "a drawn cat"}
    assert captions == [resolved.caption_for(seed) for seed in range(60)]
    coloured = vocabulary.resolve("a black cat")
    assert {coloured.caption_for(seed) for seed in range(60)} == {"a glossy black cat", "a drawn black cat"}
    assert vocabulary.resolve("a painted cat").caption_for(5) == "a painted cat"


def test_the_manner_asked_for_stays(vocabulary: Vocabulary) -> None:
    assert {vocabulary.resolve("a drawn leaf").caption_for(seed) for seed in range(9)} == {"a drawn leaf"}


def test_articles() -> None:
    assert caption("owl") == "an owl"
    assert caption("owl", "red") == "a red owl"


def test_a_folder_without_the_file_has_no_vocabulary(tmp_path: Path) -> None:
    assert Vocabulary.load(tmp_path) is None


def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text('{"objects": [{}]}')
    with pytest.raises(ValueError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path)


def test_a_fallback_outside_the_objects_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text(json.dumps({**TABLE, "fallback": "dragon"}))
    with pytest.raises(ValueError, match="dragon"):
        Vocabulary.load(tmp_path)
