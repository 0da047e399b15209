"""Prompts as people write them: what is not done is said, what is done is not, and what is refused is not drawn."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.generator.language.reading import Match, Reading
from services.generator.language.tokens import tokenize
from services.generator.language.vocabulary import Vocabulary
from services.generator.language.wishes import ResolvedPrompt
from training.captions import MOODS, PLACES, SIZES, VERBS
from training.objects import OBJECTS

MODEL = Path(__file__).parents[3] / "generation" / "models" / "embedded"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    loaded = Vocabulary.load(MODEL)
    assert loaded is not None
    return loaded


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def said(resolved: ResolvedPrompt, *words: str) -> None:
    assert resolved.fallback is not None
    for word in words:
        assert word in resolved.fallback


PLAIN = lines(
    """
    add a small ladybug in the lower right corner
    add a small ladybug in the lower right corner...
    add a small ladybug...
    a ladybug, please
    I'd love to see a red balloon floating in the sky
    Please place a tiny red mushroom on the grass near the edge
    A cute little kitten sitting in the grass.
    there is a butterfly
    there should be a butterfly on the left
    can you draw me a sunflower in the bottom left of the image?
    a lovely, bright star at the top
    a pair of butterflies in the air
    a flock of birds
    a bunch of grapes
    a cup of coffee on the table
    Add an owl to this scene
    put a snail on top of the rock
    a bird flying in the sky above the mountains
    a moon in the night sky
    a red apple on the ground, in front of the tree
    next to the old tree, add a cat
    between the tree and the house, add a frog
    let's add a frog
    RED BALLOON
    "a red balloon"
    add: a red balloon
    1 cat
    another ladybug
    three ladybugs
    a giant ladybug
    a huge light blue balloon
    a black and white panda
    a balloon in red
    a balloon of red colour
    a picture of a cat
    a ladybug 🐞
    🐞
    add a cat 😊
    ❤️
    🌼
    ⛄
    four-leaf clover
    jack-o-lantern
    sun flower
    maple leaves
    a boat sailing on the sea
    a kite flying high in the sky
    add a fresh strawberry
    cat or dog
    keep the house, add a cat
    add a cat without changing anything else
    don't forget to add a cat
    why not add a cat?
    make the cat
    make it a cat
    make it a little cat
    """
)


@pytest.mark.parametrize("prompt", PLAIN)
def test_what_is_done_raises_no_alarm(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.fallback is None
    assert resolved.object


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.name)
def test_no_way_of_asking_for_one_object_raises_an_alarm(vocabulary: Vocabulary, item) -> None:  # type: ignore[no-untyped-def]
    chance = random.Random(item.name)
    for word in (item.name, *item.synonyms):
        for place in ("", *PLACES):
            adjectives = [chance.choice(("", *SIZES)), chance.choice(("", *MOODS)), chance.choice(("", *item.colours))]
            phrase = " ".join(part for part in ("the" if chance.random() < 0.2 else "a", *adjectives, word) if part)
            prompt = f"{chance.choice(('', *VERBS))} {phrase} {place}".strip()
            resolved = vocabulary.resolve(prompt)
            assert (resolved.object, resolved.fallback) == (item.name, None), prompt


REFUSING = lines(
    """
    remove the tree
    remove a tree
    removing the tree
    I'd like to remove the tree
    could you please remove the tree
    carefully remove the old tree
    erase the tree
    delete all trees
    get rid of the tree
    take away the tree
    take the tree away
    take the tree from the picture
    take the 🌳 away
    hide the tree
    cut down the tree
    clear the trees
    make the tree disappear
    make the tree invisible
    let the tree vanish
    the tree should be removed
    the tree must go away
    the tree is gone
    the tree: remove
    no trees
    no tree, please
    no more trees
    zero trees
    0 trees
    trees? no
    trees? no thanks
    Trees? No, thank you.
    tree begone
    hold the tree
    trees are not allowed
    there should be no tree
    without a tree
    w/o a tree
    tree-free
    don't add a tree
    Don’t add a tree!
    dont add a tree
    do not draw any trees
    never draw a tree
    please do not include any trees
    I don't want a tree
    I don't want you to add a tree
    stop adding trees
    avoid trees
    exclude trees
    leave out the tree
    leave the tree out
    anything but a tree
    everything except trees
    not a tree
    neither a tree nor a house
    no cats, trees or houses
    remove the house and the tree
    an invisible tree
    fewer trees
    ditch the tree
    cancel the tree
    I hate trees
    tree removal
    removal of the tree
    the absence of a tree
    rid the scene of the tree
    free the picture from trees
    make the tree go
    minus one tree
    no 🌳
    blur the tree
    replace the tree
    move the tree to the left
    recolour the tree
    turn the tree red
    paint the tree blue
    make the tree bigger
    give the tree a hat
    change the colour of the tree to red
    keep the tree
    do not remove the tree
    """
)


@pytest.mark.parametrize("prompt", REFUSING)
def test_what_is_refused_or_to_be_changed_is_not_drawn(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object != "tree"
    assert "tree" not in resolved.caption
    assert resolved.fallback is not None


@pytest.mark.parametrize(
    ("prompt", "drawn", "named"),
    [
        ("a dog without a hat", "dog", "without a hat"),
        ("a dog, no cat", "dog", "no cat"),
        ("not a cat but a dog", "dog", "not a cat"),
        ("no cat, only a dog", "dog", "no cat"),
        ("No cats. A dog.", "dog", "no cats"),
        ("instead of a cat, a dog", "dog", "instead of a cat"),
        ("a dog instead of a cat", "dog", "instead of a cat"),
        ("replace the cat with a dog", "dog", "replace the cat"),
        ("replace the cat by a red balloon", "balloon", "replace the cat"),
        ("swap the cat for a dog", "dog", "swap the cat"),
        ("turn the cat into a dog", "dog", "turn the cat"),
        ("remove the cat and add a dog", "dog", "remove the cat"),
        ("remove the tree, put a cat there", "cat", "remove the tree"),
        ("remove all the trees and replace them with flowers", "blossom", "remove all the trees"),
        ("a tree without leaves", "tree", "without leaves"),
        ("a balloon that is not red", "balloon", "not red"),
        ("I don't like cats, add a dog", "dog", "cats"),
    ],
)
def test_beside_a_refusal_what_is_wished_for_is_drawn(
    vocabulary: Vocabulary, prompt: str, drawn: str, named: str
) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object == drawn
    said(resolved, named)


@pytest.mark.parametrize(
    "prompt", ["make it a bit darker", "make everything a little brighter", "make it a lot warmer"]
)
def test_a_change_by_degrees_draws_nothing(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object is None
    said(resolved, "nothing is drawn")


@pytest.mark.parametrize("prompt", ["a garden without birds", "something, no bird"])
def test_nothing_that_is_refused_stands_in(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object is None
    said(resolved, "nothing is drawn")
    assert vocabulary.resolve("an animal, but no rabbits").object != "rabbit"


@pytest.mark.parametrize(
    ("prompt", "drawn", "named"),
    [
        ("a cat and a dog", "cat", "a dog"),
        ("two cats and a dog", "cat", "a dog"),
        ("a red balloon and a blue balloon", "balloon", "a blue balloon"),
        ("cat, dog", "cat", "dog"),
        ("add two ladybugs and three bees", "ladybug", "three bees"),
        ("the sun and the moon", "sun", "the moon"),
        ("🐈🐕", "cat", "dog"),
        ("a dog with a hat", "dog", "with a hat"),
        ("a cat wearing sunglasses", "cat", "wearing sunglasses"),
        ("a cat on a sailboat", "cat", "on a sailboat"),
        ("a bird in a cage", "bird", "in a cage"),
        ("a bird holding a balloon", "bird", "holding a balloon"),
        ("a cat with blue eyes", "cat", "with blue eyes"),
        ("a big dog with a small hat", "dog", "with a small hat"),
        ("a dog's tail", "dog", "dog's tail"),
        ("the cat's balloon", "balloon", "cat"),
        ("a cat at night", "cat", "at night"),
        ("a dog in the rain", "dog", "in the rain"),
        ("a sunflower in the style of van Gogh", "sunflower", "in the style of van gogh"),
    ],
)
def test_another_object_and_parts_of_a_scene_are_said(
    vocabulary: Vocabulary, prompt: str, drawn: str, named: str
) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object == drawn
    said(resolved, named)


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a transparent balloon", "transparent"),
        ("a wooden horse", "wooden"),
        ("a tall tree", "tall"),
        ("a sleeping cat", "sleeping"),
        ("a striped balloon", "striped"),
        ("a photorealistic cat, 4k", "photorealistic"),
        ("a purple cat", "purple"),
        ("a red and white mushroom", "white"),
        ("half a watermelon", "half"),
        ("seven ladybugs", "seven"),
        ("99 balloons", "99"),
        ("a dozen roses", "dozen"),
        ("a heart-shaped balloon", "heart shaped"),
    ],
)
def test_an_attribute_that_is_dropped_is_said(vocabulary: Vocabulary, prompt: str, named: str) -> None:
    said(vocabulary.resolve(prompt), named)


def test_numbers_and_sizes_belong_to_their_own_object(vocabulary: Vocabulary) -> None:
    assert vocabulary.resolve("a big dog with a small hat").size == "large"
    assert vocabulary.resolve("two cats and a dog").count == 2
    assert vocabulary.resolve("a dog and two cats").count == 1
    assert vocabulary.resolve("a three-legged dog").count == 1


@pytest.mark.parametrize(
    ("prompt", "drawn"),
    [
        ("category", "bird"),
        ("carpet", "bird"),
        ("catfish", "bird"),
        ("fire engine", "bird"),
        ("a hot dog", "bird"),
        ("bus stop", "bird"),
        ("clown", "bird"),
        ("dog house", "house"),
        ("apple tree", "tree"),
        ("polar bear", "bear"),
        ("jelly fish", "octopus"),
        ("a lynx", "cat"),
        ("ballon", "balloon"),
        ("buterfly", "butterfly"),
        ("elefant", "elephant"),
        ("something in the tree", "bird"),
        ("🦄", "horse"),
    ],
)
def test_words_that_only_look_or_sound_like_an_object(vocabulary: Vocabulary, prompt: str, drawn: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object == drawn
    assert resolved.fallback


FOREIGN = lines(
    """
    ein roter Ballon
    ein Hund mit Hut
    füge einen Marienkäfer hinzu
    Schmetterling mit Flügeln und Punkten
    ajoute une coccinelle rouge
    un chien
    un gato pequeño
    añade un globo rojo
    un gatto
    красный шар
    божья коровка
    赤い風船
    てんとう虫
    一只猫
    고양이
    قطة
    γάτα
    a ladybug und ein Hund
    """
)


@pytest.mark.parametrize("prompt", FOREIGN)
def test_another_language_is_said(vocabulary: Vocabulary, prompt: str) -> None:
    said(vocabulary.resolve(prompt), "English")


@pytest.mark.parametrize(
    "prompt",
    lines(
        """
        kein Ballon
        entferne den Ballon
        Ballon entfernen
        der Ballon ist weg
        sans ballon
        pas de ballon
        enlève le ballon
        quita el balloon
        sin balloon
        senza balloon
        rimuovi il balloon
        geen ballon
        без balloon
        убери balloon
        balloonなし
        没有balloon
        移除 balloon
        balloon 없이
        """
    ),
)
def test_no_in_another_language_is_no(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt)
    assert resolved.object is None
    assert resolved.fallback


@pytest.mark.parametrize(
    "prompt", ["a cat and " * 200, "no " * 600, "🐈" * 400, "ab" * 1000, "zxqv " * 400, "the of in " * 200, "'s " * 600]
)
def test_what_is_said_is_short_whatever_the_prompt(vocabulary: Vocabulary, prompt: str) -> None:
    resolved = vocabulary.resolve(prompt[:2000])
    assert len(resolved.fallback or "") < 600


def test_a_way_of_drawing_that_an_object_lacks_is_said(vocabulary: Vocabulary) -> None:
    lacking = [
        (item, style)
        for item in vocabulary.objects.values()
        for style in vocabulary.styles
        if style not in item.styles and style not in ("drawn", "painted")
    ]
    assert lacking
    for item, style in lacking:
        said(vocabulary.resolve(f"a {style} {item.name}"), style)


@pytest.mark.parametrize("prompt", ["🐱" * 1000, "🐱," * 1000, "on 🐱" * 500])
def test_a_long_prompt_takes_few_steps_a_word(
    vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    compared = 0
    real = Reading._makes_one_word

    def counted(reading: Reading, match: Match, start: int) -> bool:
        nonlocal compared
        compared += 1
        return real(reading, match, start)

    monkeypatch.setattr(Reading, "_makes_one_word", counted)
    assert vocabulary.resolve(prompt).object
    assert 0 < compared <= 3 * len(tokenize(prompt)), "each word with its next, not with every later one"
