"""Prompts that ask for a natural change of what is in the photograph, and those that ask for something else."""

from __future__ import annotations

from itertools import cycle, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.language import change_words, changes
from services.generator.language.changes import PromptedChange, change_in
from services.generator.language.tokens import tokenize
from tests.unit.generator import test_prompts, test_vocabulary
from training.captions import PLACES, VERBS
from training.objects import OBJECTS

lines = test_prompts.lines


def rows(text: str) -> list[tuple[str, ...]]:
    """Rows such as ``prompt | thing | colour``."""
    return [tuple(part.strip() for part in line.split("|")) for line in lines(text)]


def thing_of(word: str) -> str | None:
    return None if word == "-" else word


REMOVE = rows(
    """
    remove the rock | rock
    Remove the rock! | rock
    REMOVE THE ROCK | rock
    remove: the rock | rock
    remove the "rock" | rock
    “remove the ‘rock’” | rock
    remove the 🌳 | tree
    remove a tree | tree
    remove people | people
    remove the café sign | café sign
    remove the picture frame | picture frame
    remove the baby | baby
    remove the man’s hat | man's hat
    remove the cup of tea | cup of tea
    remove one of the rocks | rocks
    take away the car | car
    take the car away | car
    take the car out of the scene | car
    take the car from the picture | car
    take the small car on the left away | car
    delete the sign | sign
    erase the old red car | old red car
    hide the ball | ball
    leave the rock out | rock
    get rid of the ball | ball
    rid the scene of the tree | tree
    make the dog disappear | dog
    make the rock go away | rock
    make the rock invisible | rock
    let the tree vanish | tree
    the tree vanishes | tree
    the trees vanish | trees
    trees vanish | trees
    the rock slowly disappears | rock
    the rock goes away | rock
    the rock must go | rock
    the tree is gone | tree
    the rock has vanished | rock
    the rock should be removed | rock
    the rock is to be deleted | rock
    could the rock be removed, please? | rock
    could you please remove the rock? | rock
    can we remove the rock | rock
    I want you to remove the rock | rock
    I'd like to see the rock disappear | rock
    I want the rock removed | rock
    it would be nice to have the rock removed | rock
    would you mind removing the rock | rock
    In the photo, remove the rock | rock
    Hello! Remove the rock. | rock
    slowly remove the rock | rock
    quietly, remove the rock | rock
    remove the rock without anybody noticing | rock
    remove the rock while I blink | rock
    remove the rock but keep the tree | rock
    remove the rock instead of the tree | rock
    remove the rock in the lower left corner of the picture | rock
    something disappears | -
    remove something | -
    remove a thing | -
    remove any object | -
    one of the objects disappears | -
    someone disappears | person
    """
)

RECOLOUR = rows(
    """
    make the sign pink | sign | pink
    make the sign a bright pink | sign | pink
    make the pink sign blue | pink sign | blue
    make the orange blue | orange | blue
    make the traffic light red | traffic light | red
    make the car light blue | car | blue
    make the car navy blue | car | blue
    make the can blue | can | blue
    make the car on the left blue | car | blue
    make the sign pink or blue | sign | pink
    turn the car blue | car | blue
    turn a car blue | car | blue
    turn something red | - | red
    turn the car into a red one | car | red
    paint the door green | door | green
    colour the car crimson | car | red
    color the car violet | car | purple
    dye the dress teal | dress | turquoise
    recolour the cup | cup | -
    recolor the cup to gray | cup | grey
    recolour the car blue | car | blue
    repaint the door | door | -
    change the colour of the cup | cup | -
    change the color of the cup to red | cup | red
    change the cup's colour to silver | cup | grey
    change the red car to blue | red car | blue
    change the car from red to blue | car | blue
    change the colour of something | - | -
    make the colour of the sign pink | sign | pink
    give the sign another colour | sign | -
    something changes colour | - | -
    an object changes its colour | - | -
    the colour of the sign changes | sign | -
    the rock changes from red to blue | rock | blue
    the umbrella becomes yellow | umbrella | yellow
    the sign goes pink | sign | pink
    the sign is now pink | sign | pink
    the sign is to be pink | sign | pink
    the sign should be painted pink | sign | pink
    could the sign be pink? | sign | pink
    I want the sign to be pink | sign | pink
    """
)

MOVE = rows(
    """
    move the boat | boat | -
    move the boat to the left | boat | left
    move the boat left a bit | boat | left
    move the boat on the left to the right | boat | right
    move a chair to the right | chair | right
    shift the vase right | vase | right
    can we move the boat up | boat | up
    nudge the lamp downwards | lamp | down
    move the rock in the left corner | rock | -
    something moves | - | -
    an object moves to the right | - | right
    the boat moves to the left | boat | left
    the moon should move up | moon | up
    make the boat move to the left | boat | left
    the cup should be moved to the left | cup | left
    """
)

OTHERS = rows(
    """
    mirror the cup | mirror | cup
    flip the horse | mirror | horse
    flip the horse horizontally | mirror | horse
    the bird faces the other way | mirror | bird
    make the bird face the other way | mirror | bird
    make the bird look in the opposite direction | mirror | bird
    turn the horse around | mirror | horse
    turn the man the other way | mirror | man
    the horse should be flipped | mirror | horse
    shrink the balloon | shrink | balloon
    make the dog smaller | shrink | dog
    make a dog smaller | shrink | dog
    make something smaller | shrink | -
    the rock gets smaller | shrink | rock
    reduce the rock's size | shrink | rock
    scale down the rock | shrink | rock
    resize the rock | shrink | rock
    something changes size | shrink | -
    make the dog a bit bigger | grow | dog
    make the dog larger | grow | dog
    make the dog big | grow | dog
    enlarge the flower | grow | flower
    grow the flower | grow | flower
    make the flower grow | grow | flower
    the flower grows | grow | flower
    resize the rock to be bigger | grow | rock
    scale the rock up | grow | rock
    double the size of the rock | grow | rock
    duplicate the rock | duplicate | rock
    copy the rock | duplicate | rock
    clone the sheep | duplicate | sheep
    double the rock | duplicate | rock
    repeat the rock | duplicate | rock
    make a copy of the rock | duplicate | rock
    another rock like this one | duplicate | rock
    add another rock like this one | duplicate | rock
    a second balloon like that | duplicate | balloon
    one more rock just like the other one | duplicate | rock
    the rock should be duplicated | duplicate | rock
    """
)

NOT_ASKED = lines(
    """
    add a red balloon
    a cat
    paint a sunset
    paint a cat black
    paint the tree
    paint something green
    a moving train
    a growing tree
    the tree grows in the desert
    a tree grows
    a boat moves along the river
    the boat moves through the canal
    the man moves a rock
    a leaf turns red
    the leaves turn red in autumn
    a mirror
    a mirror on the wall
    a small mirror
    mirror selfie
    mirror, mirror on the wall
    copy of a painting by Monet
    make a copy of a painting
    copy machine
    clone trooper
    double exposure
    double rainbow
    flip flops on the beach
    flip the car upside down
    a disappearing path in the fog
    the path disappears into the fog
    an invisible tree
    turn the scene into winter
    turn the cat into a dog
    turn left
    turn off the lamp
    move closer
    move on
    move it to the left
    move a bit to the left
    move the camera to the left
    grow flowers
    grow a tree here
    make it look like a painting
    make it bigger
    make it pink
    make the sky dramatic
    make the picture brighter
    make the sky blue
    make the grass blue
    make the background red
    make the wall green
    make the light green
    make her hair pink
    make a pink sign
    make bigger dogs
    make the big dog
    make the pretty orange
    make the man happy
    the sign is pink
    the door is painted green
    I want a balloon that is red
    I want a red balloon
    I want a dog that is bigger
    the dog is bigger than the house
    change the season
    change the car
    change the car to a bus
    change the color of the sky to pink
    change the sign to say STOP
    change its colour
    replace the car with a bus
    give the dog a hat
    blur the rock
    take a photo of the rock
    without the boat
    a beach without people
    no boats
    tree removal
    remove
    remove the
    remove it
    remove everything
    remove everything except the tree
    remove the water
    remove the shadow of the tree
    remove the text
    remove nothing
    remove no trees
    nothing disappears
    don't remove the rock
    don’t remove the rock
    please do not remove the rock
    do not change the colour of the car
    never move it
    never remove the rock
    stop removing the rock
    the rock should not be removed
    the rock never disappears
    I don't want the rock to disappear
    add a ball and remove the rock
    remove the rock and add a ball
    remove the rock and paint a tree
    remove the rock and replace it with a tree
    remove the rock, put a cat there
    remove the rock, a tree in its place
    A beach. Remove the rock.
    another ladybug
    another car like the Batmobile
    entferne den Stein
    supprime le rocher
    quita la roca con un clic
    убери камень
    岩を消す
    """
)

UNHEEDED = rows(
    """
    the woman vanishes from the beach | woman | left out: 'from the beach'
    remove the rock and the tree | rock | left out: 'the tree'
    the rock and the tree disappear | rock | left out: 'tree'
    remove the rock, the tree and the car | rock | left out: 'the tree and the car'
    remove the rock, then make the sign pink | rock | left out: 'make the sign pink'
    remove the rock. Paint the door green. | rock | left out: 'paint the door green'
    remove the rock on the table | rock | left out: 'on the table'
    make the man in the red shirt disappear | man | left out: 'in the red shirt'
    remove something small and red | - | left out: 'red'
    remove all the trees | trees | one thing is changed, not 'all the trees'
    remove two rocks | rocks | one thing is changed, not 'two rocks'
    make the sign rainbow coloured | sign | left out: 'rainbow'
    make the sign multicoloured | sign | left out: 'multicoloured'
    make the sign pink and blue | sign | left out: 'blue'
    make the rock twice as big | rock | left out: 'twice'
    move the cup onto the table | cup | left out: 'onto the table'
    move the rock to the upper left corner | rock | left out: 'to the upper'
    """
)


@pytest.mark.parametrize(("prompt", "thing"), REMOVE)
def test_removing(prompt: str, thing: str) -> None:
    asked = change_in(prompt)
    assert asked is not None
    assert (asked.kind, asked.thing, asked.unheeded) == ("remove", thing_of(thing), None)
    assert (asked.colour, asked.place) == (None, None)


@pytest.mark.parametrize(("prompt", "thing", "colour"), RECOLOUR)
def test_recolouring(prompt: str, thing: str, colour: str) -> None:
    assert change_in(prompt) == PromptedChange("recolour", thing_of(thing), thing_of(colour))


@pytest.mark.parametrize(("prompt", "thing", "way"), MOVE)
def test_moving(prompt: str, thing: str, way: str) -> None:
    asked = change_in(prompt)
    assert asked is not None
    assert (asked.kind, asked.thing, asked.place) == ("move", thing_of(thing), thing_of(way))
    assert asked.unheeded is None


@pytest.mark.parametrize(("prompt", "kind", "thing"), OTHERS)
def test_mirroring_sizes_and_copies(prompt: str, kind: str, thing: str) -> None:
    asked = change_in(prompt)
    assert asked is not None
    assert (asked.kind, asked.thing, asked.unheeded) == (kind, thing_of(thing), None)


@pytest.mark.parametrize("prompt", NOT_ASKED)
def test_what_means_something_else_is_no_change(prompt: str) -> None:
    assert change_in(prompt) is None


@pytest.mark.parametrize(("prompt", "thing", "said"), UNHEEDED)
def test_what_is_not_done_is_said(prompt: str, thing: str, said: str) -> None:
    asked = change_in(prompt)
    assert asked is not None
    assert (asked.thing, asked.unheeded) == (thing_of(thing), said)


@pytest.mark.parametrize(
    ("prompt", "thing", "size"),
    [
        ("something small disappears", None, "small"),
        ("remove the very small red bird", "red bird", "small"),
        ("erase something big in the lower left corner", None, "large"),
        ("make the big dog smaller", "dog", "large"),
        ("change the medium sized car to blue", "car", "medium"),
        ("remove the rock", "rock", None),
    ],
)
def test_the_size_that_a_thing_has(prompt: str, thing: str | None, size: str | None) -> None:
    asked = change_in(prompt)
    assert asked is not None
    assert (asked.thing, asked.size) == (thing, size)


def test_a_way_by_which_something_else_stands_is_no_way() -> None:
    asked = change_in("move the boat to the left of the tree")
    assert asked is not None
    assert asked.place is None
    assert "tree" in str(asked.unheeded)


def test_colours_are_those_that_a_thing_can_be_given() -> None:
    given = "red orange yellow green turquoise blue purple pink brown white grey black"
    assert set(change_words.COLOURS.values()) == set(given.split())
    for word, colour in change_words.COLOURS.items():
        assert change_in(f"make the sign {word}") == PromptedChange("recolour", "sign", colour)


# -- what is drawn stays drawn ----------------------------------------------------------------------------------------


def _table(test: object) -> list[str]:
    """The prompts of a test: the first of its parameters."""
    (marked,) = test.pytestmark  # type: ignore[attr-defined]
    return [row if isinstance(row, str) else row[0] for row in marked.args[1]]


@pytest.mark.parametrize(
    "test",
    [
        test_prompts.test_what_is_done_raises_no_alarm,
        test_prompts.test_beside_a_refusal_what_is_wished_for_is_drawn,
        test_prompts.test_another_object_and_parts_of_a_scene_are_said,
        test_prompts.test_an_attribute_that_is_dropped_is_said,
        test_prompts.test_words_that_only_look_or_sound_like_an_object,
        test_prompts.test_another_language_is_said,
        test_prompts.test_no_in_another_language_is_no,
        test_vocabulary.test_a_known_prompt_becomes_the_caption_of_training,
        test_vocabulary.test_an_unknown_prompt_gives_the_nearest_object_and_says_so,
        test_vocabulary.test_numbers_and_plurals,
    ],
    ids=lambda test: test.__name__,
)
def test_no_wish_for_an_object_is_a_change(test: object) -> None:
    assert [prompt for prompt in _table(test) if change_in(prompt)] == []


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.name)
def test_no_way_of_asking_for_an_object_is_a_change(item) -> None:  # type: ignore[no-untyped-def]
    adjectives = ("a", "the", "a small", "the big pretty", *(f"the {colour}" for colour in item.colours))
    for (verb, words), place in zip(product(("", *VERBS), adjectives), cycle(("", *PLACES)), strict=False):
        prompt = f"{verb} {words} {item.name} {place}".strip()
        assert change_in(prompt) is None, prompt


# -- any text ---------------------------------------------------------------------------------------------------------

WORDS = sorted(
    {word for table in (REMOVE, RECOLOUR, MOVE, OTHERS, UNHEEDED) for row in table for word in row[0].split()}
    | {word for prompt in NOT_ASKED for word in prompt.split()}
    | {"of", "'s", "colour", "size", ",", ".", "which", "half", "as", "so", "instead", "\ud800"}
)


@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join))
def test_no_text_is_too_odd(prompt: str) -> None:
    asked = change_in(prompt)
    assert asked == change_in(prompt)
    if asked is not None:
        assert asked.thing is None or asked.thing.strip()
        assert asked.colour is None or asked.kind == "recolour"
        assert asked.place is None or asked.kind == "move"
        assert len(asked.unheeded or "") < 600


class Counted(list[str]):
    """Words that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        Counted.looks += len(range(*key.indices(len(self)))) if isinstance(key, slice) else 1
        return super().__getitem__(key)


UNITS = lines(
    """
    the
    remove
    please
    make the
    left
    of
    so
    without so
    in the photo
    remove the rock and
    colour of the
    the sign to red
    like this
    move the rock left
    's
    a-
    """
)


@pytest.mark.parametrize("unit", [*UNITS, "a", '"'])
def test_a_long_prompt_takes_few_steps_a_word(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    monkeypatch.setattr(changes, "tokenize", lambda prompt: Counted(tokenize(prompt)))
    for start in ("", "remove the rock ", "make the "):
        prompt = start + (unit * 50_000 if unit in ("a", '"') else f"{unit} " * (50_000 // len(unit)))
        Counted.looks = 0
        change_in(prompt)
        assert Counted.looks <= 20 * len(tokenize(prompt)) + 1000
