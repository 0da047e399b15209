"""Words by what they mean in a prompt (sizes, numbers, colours, places), and by what they do in it: ask for something
new, take away, change, keep, or only say where."""

from __future__ import annotations

from services.generator.language.words import by_word, numbers, phrase_set, word_set

_DOUBLED = word_set("drop ban skip omit strip crop swap flip")


def _forms(text: str) -> frozenset[str]:
    """Verbs with their usual forms."""
    found = set()
    for verb in text.split():
        stem = verb + verb[-1] if verb in _DOUBLED else verb.removesuffix("e")
        third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x")) else "s")
        found |= {verb, third, f"{stem}ed", f"{stem}ing"}
    return frozenset(found)


MOST = 5
"""More than this many objects are not asked of one edit."""

SMALL = word_set("small tiny little mini miniature wee baby petite")
LARGE = word_set("large big huge giant enormous gigantic massive")

COUNTS: dict[str, int] = numbers(
    "one 1 two 2 pair 2 couple 2 three 3 some 3 few 3 four 4 several 4 five 5 many 5 lots 5 lot 5 bunch 3 group 3 "
    "trio 3 cluster 4 flock 5 herd 5 swarm 5"
)
LARGER_COUNTS: dict[str, int] = numbers(
    "six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 dozen 12 dozens 24 twenty 20 fifty 50 hundred 100 "
    "hundreds 200 thousand 1000 thousands 2000 countless 1000"
)
"""Numbers beyond :data:`MOST`."""

COLOUR_WORDS: dict[str, str] = by_word(
    "red: red crimson scarlet ruby maroon; orange: orange amber; yellow: yellow golden gold; "
    "green: green emerald lime olive; blue: blue navy azure cyan turquoise teal; "
    "purple: purple violet lilac lavender mauve; pink: pink magenta rosy; white: white ivory silver; "
    "black: black; brown: brown tan; gray: gray grey"
)

VERBS = word_set("add put place draw paint show insert make include create give")
PREPOSITIONS = word_set(
    "in on near by beside under over above behind at to below around against from into onto with of inside across "
    "along between among underneath beneath"
)
SKY_WORDS = word_set("sky skies air flying airborne heaven")
GROUND_WORDS = word_set("ground grass floor table lawn meadow soil sand beach path rock rocks field")

MISLEADING = phrase_set(
    "hot dog, hot dogs, sea horse, sea horses, guinea pig, guinea pigs, sea lion, sea lions, prairie dog, "
    "prairie dogs, sea urchin, bell pepper, bell peppers, pine cone, pine cones, horse chestnut, bird of paradise, "
    "cat walk, moon walk"
)
"""Names of things that are not what a word in them names."""

ARTICLES = word_set("a an")
DEFINITE = word_set("the this that these those its it's my your his her their our each every both all")
CONJUNCTIONS = word_set("and or nor plus but yet while as then")

ADDING = (
    VERBS
    | _forms("add place draw paint show insert create give generate render depict bring introduce sketch")
    | word_set(
        "put puts putting making makes includes including gives giving want wants need needs see have has get wish "
        "imagine "
    )
) - {"painting"}
REMOVING = _forms(
    "remove delete erase eliminate exclude omit discard wipe scrub subtract banish avoid forbid prevent ban skip "
    "destroy clear hide obscure mask strip detach dispose drop undo blur uproot crop kill prohibit"
) | word_set(
    "hidden hid scrap scrapping free cancel revert ditch reject dismiss stop stops refrain lose cutout undid cover "
    "covers covering clean "
)
GONE = word_set(
    "removal disappear disappears vanish vanishes vanished disappeared gone removed deleted erased eliminated excluded "
    "omitted forbidden banned prohibited unwanted invisible absent missing hidden nowhere begone"
)
NEGATING = word_set(
    "no not never none nothing nobody hate dislike absence lack rid without neither nor minus except excluding lacking "
    "sans zero 0 nope fewer less "
)
PREPOSITIONAL = word_set("without minus except excluding lacking sans instead rather")
"""Those that end at a comma where a sentence begins with them: "instead of a cat, a dog"."""

EDITING = _forms(
    "change convert transform recolor recolour tint dye move shift rotate flip mirror resize enlarge shrink scale "
    "increase decrease brighten darken lighten sharpen adjust fix restore modify edit alter adapt swap replace "
    "exchange substitute repaint redraw duplicate clone extend expand straighten reduce zoom trade relocate reposition"
) | word_set("turn turns turning tilt bend desaturate saturate")
REPLACING = _forms("replace swap exchange trade change convert transform substitute") | word_set("turn turns turning")
BECOMING = word_set("with by for into to")
SHAPING = word_set(
    "make makes let lets have set sets paint paints colour color colours colors keep get gets give gives"
)
"""Before "the ..." and a word that tells what it is to become, these change what is there."""
GOING = frozenset({("go", "away"), ("goes", "away"), ("must", "go"), ("should", "go"), ("to", "go")})
"""As :data:`GONE`, in two words."""
KEEPING = _forms("keep preserve retain maintain") | word_set("kept keeping leave leaving")
ALWAYS_VERBS = _forms(
    "remove delete erase eliminate exclude omit replace recolor recolour transform convert resize enlarge relocate "
    "reposition substitute repaint modify"
)
"""The others are nouns and adjectives as well ("bus stop", "a clear sky"): verbs only where a wish begins."""
STARTING = word_set(
    "and then but also please just only instead so i we you us finally now can could would should must will let kindly "
    "completely fully entirely carefully simply gently quickly first try help me by always"
)
"""What may stand before a verb that begins a wish."""

PLACING = PREPOSITIONS - word_set("with of") | word_set(
    "through beyond past toward towards outside atop within amid alongside upon off throughout opposite before"
)
"""Prepositions that say where."""
PLACE_NOUNS = word_set("front top middle centre center edge side left right corner foot bottom back end part base")
NO_PLACE = word_set(
    "style manner form shape colour color rain fog mist dark night morning evening sunset sunrise moonlight sunlight "
    "way arms hand hands mouth middle-ages colors colours background-color spirit theme look dress hat shirt costume "
    "suit"
)
"""Not a part of the photograph, although "in the ..." stands before it."""

POSITIONS: dict[str, tuple[int, int]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "top": (0, -1),
    "upper": (0, -1),
    "bottom": (0, 1),
    "lower": (0, 1),
}
HARMLESS = word_set(
    # what every drawing here is, or what asks for one more
    "cute pretty lovely single nice bright beautiful fluffy adorable sweet charming gorgeous good great perfect lone "
    "wild ripe fresh new another more extra other additional typical normal ordinary regular common random friendly "
    "medium sized size "
    # politeness, and how a wish is put
    "i we you me us he she would like love to want see could can please there is are be am should shall will might may "
    "maybe perhaps either just also too only now again it that which who so such for if possible thanks thank hello hi "
    "hey ok okay kind do does did been being everything anything nothing one ones thing things something some any "
    "simply way lets let ahead try "
    # place
    "corner left right top bottom upper lower middle centre center photo picture image scene drawing illustration "
    "sketch icon emoji figure here there somewhere someplace anywhere background foreground side edge sector area "
    "region spot part place space nearby next close front away back position frame canvas left-hand hand "
    # how it is there
    "floating sitting standing resting drifting hovering flying growing hanging perched located positioned placed "
    "standing sailing swimming parked landing climbing high low shining blooming lying laying crawling appear appears "
    "appearing visible seen shown drawn painted added inserted up down "
    # how much of it
    "very really quite extremely rather somewhat pretty super incredibly of"
)
COLOUR_SHADES = word_set("light dark pale deep bright vivid pastel soft rich warm")
ADJECTIVES = SMALL | LARGE | HARMLESS | COLOUR_SHADES | frozenset(COLOUR_WORDS)

DETERMINERS = ARTICLES | DEFINITE | word_set("some any another one other")
GLUE = DETERMINERS | PREPOSITIONS | PLACING | CONJUNCTIONS | word_set("with of 's")

PLAIN = HARMLESS | ADDING | GLUE | SKY_WORDS | GROUND_WORDS | SMALL | LARGE | frozenset(COLOUR_WORDS)
"""Words that name nothing: never taken for a misspelt object."""

_REMOVING_PHRASES = (
    "get rid of, getting rid of, gets rid of, do away with, rather than, instead of, in place of, in lieu of, "
    "other than, anything but, everything but, leave out, leaving out, cut out, cut down, cut off, rub out, "
    "take away, take out, take off, free of, devoid of, no longer, any colour but, any color but"
)
_ADDING_PHRASES = (
    "not only, not just, not merely, not far, no more than, not more than, no less than, no fewer than, "
    "nothing but, nothing else than, no other than, why not, why do not you, can not you, could not you, "
    "would not you, do not forget, never forget, do not hesitate, no problem, go ahead, without a doubt, "
    "without doubt"
)
PHRASES: dict[tuple[str, ...], str] = {
    tuple(phrase.split()): stance
    for stance, phrases in (("remove", _REMOVING_PHRASES), ("add", _ADDING_PHRASES))
    for phrase in phrases.split(", ")
}
"""Words that go together, and what follows them: wished for, or not."""
