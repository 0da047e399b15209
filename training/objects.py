"""The table of what the model can draw: one row an object.

``code`` is the Unicode code point by which every drawing set knows the object. ``skip`` names the sets whose
drawing is of something else, stands on a coloured square or in water, or is mistaken for another row.
"""

from __future__ import annotations

from dataclasses import dataclass

FULL = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
FUR = ("black", "white", "brown", "gray")

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (210, 36, 38),
    "orange": (244, 126, 30),
    "yellow": (250, 204, 40),
    "green": (62, 158, 68),
    "blue": (44, 108, 216),
    "purple": (132, 70, 188),
    "pink": (246, 132, 182),
    "white": (238, 238, 240),
    "black": (48, 48, 52),
    "brown": (128, 80, 46),
    "gray": (140, 140, 146),
}
"""What a colour word means, as sRGB of 0 to 255."""


@dataclass(frozen=True)
class Drawable:
    """One object of the vocabulary."""

    name: str
    code: str
    plural: str
    place: str
    """``sky``, ``ground`` or ``any``: where it belongs in a photograph."""
    synonyms: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Wider or neighbouring words that fall back on this object, and are reported as substituted."""
    colours: tuple[str, ...] = ()
    neutral: bool = False
    """The recoloured part is the grey one, not that of the strongest hue."""
    skip: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    """Sets whose drawing is used but never recoloured."""


def _row(
    name: str,
    code: str,
    place: str,
    synonyms: str = "",
    kinds: str = "",
    colours: tuple[str, ...] = (),
    plural: str = "",
    neutral: bool = False,
    skip: str = "",
    plain: str = "",
) -> Drawable:
    words = lambda text: tuple(word.strip() for word in text.split(",") if word.strip())  # noqa: E731
    return Drawable(
        name,
        code,
        plural or name + "s",
        place,
        words(synonyms),
        words(kinds),
        colours,
        neutral,
        words(skip),
        words(plain),
    )


OBJECTS: tuple[Drawable, ...] = (
    # insects and other small animals
    _row(
        "ladybug",
        "1f41e",
        "ground",
        "ladybird, lady beetle, lady bug, ladybird beetle",
        "beetle, bug, insect, scarab",
        ("red", "orange", "yellow", "green", "blue", "purple"),
    ),
    _row(
        "butterfly",
        "1f98b",
        "any",
        "monarch butterfly, monarch",
        "moth, dragonfly, firefly",
        FULL,
        plural="butterflies",
    ),
    _row("bee", "1f41d", "any", "honeybee, honey bee, bumblebee, bumble bee", "wasp, hornet, fly, mosquito"),
    _row("snail", "1f40c", "ground", "", "slug", skip="noto-v1"),
    _row("caterpillar", "1f41b", "ground", "inchworm", "worm, centipede, larva", skip="noto-v1"),
    # birds
    _row(
        "bird",
        "1f426",
        "any",
        "songbird, bluebird, robin, sparrow, finch, little bird, birdie",
        "parrot, pigeon, dove, crow, raven, eagle, hawk, seagull, hummingbird, canary, parakeet",
        FULL,
        skip="fluent-3d",
    ),
    _row("owl", "1f989", "any", "owlet, barn owl", "", skip="emojione"),
    _row("duck", "1f986", "ground", "mallard, duckling", "goose", skip="emojione"),
    _row("penguin", "1f427", "ground", "", "puffin"),
    _row("chick", "1f424", "ground", "baby chick, chicken", "hen, rooster, poultry"),
    _row("swan", "1f9a2", "ground", "", "heron, stork, flamingo, crane, pelican"),
    # in the water
    _row("fish", "1f41f", "any", "goldfish", "trout, salmon, shark, carp", FULL, plural="fish", skip="emojione"),
    _row("whale", "1f433", "any", "", "orca", skip="noto-v1"),
    _row("dolphin", "1f42c", "any", "", "porpoise", skip="emojione"),
    _row("octopus", "1f419", "any", "", "squid, jellyfish", plural="octopuses", skip="fluent-3d"),
    _row("crab", "1f980", "ground", "", "lobster, shrimp, scorpion, spider"),
    _row("turtle", "1f422", "ground", "tortoise, sea turtle", "lizard, crocodile, dinosaur"),
    _row("frog", "1f438", "ground", "toad, tree frog", "chameleon"),
    # animals with fur
    _row(
        "cat",
        "1f408",
        "ground",
        "kitten, kitty, pussycat, house cat",
        "lion, tiger, leopard, lynx",
        FUR,
        plain="emojione, noto",
    ),
    _row("dog", "1f415", "ground", "puppy, doggy, hound", "wolf, coyote", FUR, plain="noto, emojione"),
    _row(
        "rabbit",
        "1f407",
        "ground",
        "bunny, hare, bunny rabbit",
        "kangaroo",
        ("white", "brown", "gray", "black"),
        neutral=True,
    ),
    _row("squirrel", "1f43f", "ground", "chipmunk", "beaver, otter, raccoon, mouse, rat, hamster"),
    _row("hedgehog", "1f994", "ground", "", "porcupine", skip="emojione"),
    _row("fox", "1f98a", "ground", "fox face", "", plural="foxes"),
    _row("bear", "1f43b", "ground", "brown bear, bear face", "gorilla, monkey"),
    _row("panda", "1f43c", "ground", "panda bear", "koala"),
    _row(
        "horse",
        "1f40e",
        "ground",
        "pony, stallion, mare",
        "donkey, zebra, unicorn, deer, moose, camel, giraffe",
        skip="emojione",
    ),
    _row("elephant", "1f418", "ground", "", "rhinoceros, rhino, hippo, mammoth", skip="noto-v1"),
    _row("sheep", "1f411", "ground", "lamb, ewe", "goat, ram, alpaca, llama", plural="sheep", skip="fluent-3d"),
    _row("pig", "1f416", "ground", "piglet, piggy", "boar, cow, bull", skip="emojione"),
    # plants
    _row("sunflower", "1f33b", "ground", "", "dandelion, marigold"),
    _row("tulip", "1f337", "ground", "", "lily, iris, crocus, daffodil, orchid", FULL, plain="noto-v1"),
    _row("rose", "1f339", "ground", "rosebud", "carnation, peony, poppy", FULL, skip="noto-v1"),
    _row("daisy", "1f33c", "ground", "chamomile", "wildflower", plural="daisies", skip="noto-v1, noto"),
    _row(
        "blossom",
        "1f338",
        "any",
        "cherry blossom, flower, bloom",
        "petal, hibiscus, lotus",
        FULL,
        skip="noto-v1",
        plain="emojione",
    ),
    _row(
        "mushroom",
        "1f344",
        "ground",
        "toadstool, fly agaric",
        "fungus, truffle",
        ("red", "orange", "yellow", "blue", "purple", "pink", "brown"),
    ),
    _row("cactus", "1f335", "ground", "saguaro", "succulent, aloe", plural="cacti", skip="noto-v1"),
    _row(
        "tree",
        "1f333",
        "ground",
        "oak, oak tree, maple tree, birch",
        "bush, shrub, forest, plant",
        skip="noto-v1",
    ),
    _row(
        "pine tree",
        "1f332",
        "ground",
        "fir, fir tree, pine, spruce, evergreen",
        "christmas tree",
        skip="noto-v1",
    ),
    _row("palm tree", "1f334", "ground", "palm, coconut tree", "", skip="noto-v1"),
    _row(
        "leaf",
        "1f341",
        "any",
        "maple leaf, autumn leaf, fallen leaf",
        "feather, foliage",
        ("red", "orange", "yellow", "green", "brown"),
        plural="leaves",
    ),
    _row(
        "clover",
        "1f340",
        "ground",
        "four-leaf clover, shamrock, four leaf clover",
        "herb, grass",
        skip="noto-v1",
    ),
    # fruit
    _row("apple", "1f34e", "ground", "", "peach, plum, tomato", ("red", "green", "yellow")),
    _row("pear", "1f350", "ground", "", "avocado, mango, fig"),
    _row("orange", "1f34a", "ground", "tangerine, mandarin, clementine", "grapefruit, lemon, lime, apricot"),
    _row("banana", "1f34c", "ground", ""),
    _row("strawberry", "1f353", "ground", "", "raspberry, berry, blackberry, cherry", plural="strawberries"),
    _row("grapes", "1f347", "ground", "grape, bunch of grapes", "blueberry", plural="grapes"),
    _row("watermelon", "1f349", "ground", "slice of watermelon, watermelon slice, melon", ""),
    _row("pineapple", "1f34d", "ground", "ananas", ""),
    _row("carrot", "1f955", "ground", "", "radish, turnip, vegetable"),
    _row("pumpkin", "1f383", "ground", "jack-o-lantern, jack o lantern, halloween pumpkin", "gourd, squash"),
    # the sky
    _row("star", "2b50", "sky", "starlet", "comet, meteor, sparkle, starfish", FULL),
    _row("moon", "1f319", "sky", "crescent moon, crescent, half moon, new moon", "planet, saturn"),
    _row("sun", "2600", "sky", "sunshine", "flame, fire", skip="fluent-3d"),
    _row("cloud", "2601", "sky", "", "fog, smoke", plain="", skip="emojione"),
    _row("snowflake", "2744", "sky", "snow crystal", "frost, ice"),
    _row(
        "balloon",
        "1f388",
        "sky",
        "party balloon, helium balloon",
        "hot air balloon, bubble, zeppelin, airship",
        FULL,
        skip="noto-v1",
    ),
    _row("kite", "1fa81", "sky", "", "parachute, flag", skip=""),
    _row("rocket", "1f680", "sky", "spaceship, rocket ship, spacecraft", "ufo, satellite, missile"),
    _row("airplane", "2708", "sky", "plane, aeroplane, jet, aircraft", "helicopter, drone, glider"),
    _row("umbrella", "2602", "any", "parasol", "tent", FULL, skip="emojione"),
    _row(
        "lantern",
        "1f3ee",
        "any",
        "paper lantern, chinese lantern, red paper lantern, sky lantern",
        "lamp, light, torch, candle, light bulb",
        ("red", "orange", "yellow", "green", "blue", "purple", "pink"),
        skip="noto-v1",
    ),
    # things
    _row(
        "sailboat",
        "26f5",
        "ground",
        "boat, yacht, sailing boat, sail boat",
        "ship, canoe, raft, ferry",
        skip="fluent-3d, emojione",
    ),
    _row(
        "cup",
        "2615",
        "ground",
        "coffee cup, cup of coffee, coffee, cup of tea, mug, teacup, coffee mug",
        "glass, bowl, bottle, drink",
        FULL[:7],
        neutral=True,
        skip="noto-v1, emojione",
        plain="fluent-3d",
    ),
    _row("teapot", "1fad6", "ground", "tea pot", "kettle, jug, vase, pot", FULL),
    _row("gift", "1f381", "ground", "present, gift box, wrapped gift", "box, parcel, package, chest"),
    _row("ball", "26bd", "ground", "soccer ball, football", "basketball, tennis ball, volleyball, globe"),
    _row("crown", "1f451", "any", "tiara, golden crown", "hat, helmet, jewel"),
    _row(
        "book",
        "1f4d5",
        "ground",
        "closed book",
        "notebook, novel, letter",
        ("red", "orange", "yellow", "green", "blue", "purple"),
    ),
    _row("bell", "1f514", "any", "golden bell", "trumpet, horn"),
    _row("house", "1f3e0", "ground", "cottage, cabin, home", "hut, castle, building, barn, birdhouse"),
    _row(
        "car",
        "1f697",
        "ground",
        "automobile",
        "truck, bus, van, taxi, bicycle, motorcycle, train",
        ("red", "orange", "yellow", "green", "blue", "purple", "white"),
    ),
    _row("snowman", "26c4", "ground", "", "scarecrow, person, man, woman, child, robot", plural="snowmen"),
    _row("teddy bear", "1f9f8", "ground", "teddy, stuffed bear", "doll, toy"),
    _row("heart", "2764", "any", "love heart", "valentine", FULL),
    _row("shell", "1f41a", "ground", "seashell, sea shell, conch", "pebble, stone, rock", skip="noto-v1"),
    _row("cupcake", "1f9c1", "ground", "muffin", "cake, pie, cookie, donut, doughnut, ice cream, bread"),
)

FALLBACK = "bird"
"""What is drawn when nothing in the prompt is known: it suits the sky and the ground alike."""

BY_NAME: dict[str, Drawable] = {item.name: item for item in OBJECTS}
