"""Words of prompts that change what is already in the photograph: by what is to become of a thing, and those that name
no thing which could be changed as a whole."""

from __future__ import annotations

from typing import Literal, cast

from services.generator.language import lexicon
from services.generator.language.tokens import END, PAUSE
from services.generator.language.words import by_word, phrase_set, word_set

ChangeKind = Literal["remove", "recolour", "move", "mirror", "shrink", "grow", "duplicate"]


def _kinds(text: str) -> dict[str, ChangeKind]:
    return {word: cast("ChangeKind", kind) for word, kind in by_word(text).items()}


def _phrases(text: str) -> dict[tuple[str, ...], ChangeKind]:
    """Rows such as ``remove: take away, get rid of; grow: scale up``."""
    rows = (row.split(": ") for row in text.split("; "))
    return {tuple(phrase.split()): cast("ChangeKind", kind) for kind, phrases in rows for phrase in phrase_set(phrases)}


# -- colours ----------------------------------------------------------------------------------------------------------

COLOURS: dict[str, str] = {
    **lexicon.COLOUR_WORDS,
    **by_word(
        "turquoise: turquoise teal cyan aqua aquamarine; grey: grey gray silver charcoal; red: burgundy vermilion; "
        "pink: fuchsia salmon; orange: coral peach tangerine; purple: indigo plum; brown: beige chocolate bronze "
        "copper khaki; white: cream; green: mint; yellow: mustard"
    ),
}
"""By word, the colour that a thing can be given. Blue-green and grey are colours of their own here."""
MANY_COLOURED = word_set(
    "rainbow multicoloured multicolored multicolour multicolor colourful colorful colored coloured"
)
COLOUR_NAMES = word_set("colour color colours colors")
OTHER = word_set("another different other new")

# -- what is done -----------------------------------------------------------------------------------------------------

COMMANDS = _kinds(
    "remove: remove delete erase eliminate hide; recolour: recolour recolor repaint; "
    "move: move shift relocate reposition displace nudge slide; mirror: mirror flip; shrink: shrink downsize resize; "
    "grow: enlarge magnify grow; duplicate: duplicate copy clone double repeat replicate"
)
"""``resize`` alone leaves open which way; what shrinks stays within the sector."""
SURE_COMMANDS = word_set(
    "remove delete erase eliminate recolour recolor enlarge duplicate relocate reposition resize replicate"
)
"""Those that are nothing but verbs: "remove trees", but not "mirror lake"."""
WITH_ARTICLE = SURE_COMMANDS | word_set("move shrink hide")
"""Those that ask for a change where "a" follows as well: "move a chair", but not "grow a tree"."""
COMMAND_PHRASES = _phrases(
    "remove: get rid of, take away, take out, do away with, leave out, wipe out, edit out, rub out, photoshop out; "
    "shrink: scale down; grow: scale up; duplicate: copy and paste, make a copy of, make another copy of, "
    "make a duplicate of, make a clone of, create a copy of, add a copy of; mirror: turn around"
)
PARTICLES: dict[str, dict[str, ChangeKind]] = {
    "take": {"away": "remove", "out": "remove", "off": "remove", "from": "remove"},
    "throw": {"away": "remove", "out": "remove"},
    **{verb: {"out": "remove"} for verb in ("leave", "wipe", "edit", "rub", "photoshop")},
    "scale": {"up": "grow", "down": "shrink"},
    "turn": {"around": "mirror", "round": "mirror"},
}
"""By verb, what comes behind the thing: "take the car away"."""
SIZE_COMMANDS = _kinds("grow: increase double triple; shrink: decrease reduce halve change alter")
"""Before "the size of"."""
COLOURING = word_set("turn paint colour color dye tint")
CHANGING = word_set("change alter modify switch")

VANISHING = word_set("disappear disappears disappeared vanish vanishes vanished")
VANISHED = word_set("gone missing invisible")
PARTICIPLES = _kinds(
    "remove: removed deleted erased eliminated; recolour: recoloured recolored repainted; "
    "move: moved shifted relocated; mirror: mirrored flipped; shrink: shrunk resized; grow: enlarged magnified; "
    "duplicate: duplicated copied cloned doubled repeated"
)
MADE = word_set("painted coloured colored dyed tinted turned made changed")
"""Before what a thing becomes: "should be painted green"."""
COMPARATIVES = _kinds("shrink: smaller tinier littler; grow: bigger larger huger")
MOTIONS = _kinds("move: move moves shift shifts; shrink: shrink shrinks; grow: grow grows")
CHANGES = word_set("change changes changing changed")
FACING = word_set("face faces look looks turn turns")
OTHER_WAY = word_set("way direction side")

DIRECTIONS = by_word(
    "left: left leftward leftwards; right: right rightward rightwards; "
    "top: up upward upwards higher upper top; bottom: down downward downwards lower bottom"
)

# -- how it is put ----------------------------------------------------------------------------------------------------

MODAL = word_set("should must shall can could will would may might to ought has have needs need")
COPULA = word_set("be is are been being was were")
BECOMING = word_set("become becomes becoming became get gets getting got turn turns go goes grow grows")
CAUSING = word_set("make let have want like need love wish get see") | word_set(
    "can could should would may must shall will"
)
POLITE = word_set(
    "please could can would will you i we want like love need wish to kindly just now then let us me try help hey hi "
    "hello ok okay should must shall may might so mind go ahead have get possible it is be nice "
    "great good if also first yes well only"
) | {PAUSE, END}
MANNER = word_set(
    "slowly quietly silently gently quickly suddenly gradually carefully smoothly secretly subtly softly "
    "imperceptibly invisibly unnoticeably unnoticed discreetly completely entirely fully totally simply slightly "
    "naturally seamlessly immediately instantly finally casually horizontally sideways please now then again thanks "
    "thank too also away there here somewhere elsewhere somehow once soon today just exactly altogether "
    "mysteriously magically"
)
DEGREES = word_set("much even far slightly somewhat considerably noticeably significantly very really quite so too")
MEASURES = word_set("twice half double three four times thrice")
VERTICAL = word_set("vertically upside")
HARMLESS_ENDS = (
    MANNER
    | DEGREES
    | COLOUR_NAMES
    | OTHER
    | DIRECTIONS.keys()
    | word_set(
        "bit little lot size a an from over further side hand way around round horizontally sideways back fill gap hole"
    )
)
UNNOTICED_STARTS = word_set("without so when while as before during unless until")
UNNOTICED = word_set(
    "noticing notice notices noticed seeing see sees seen looking look looks watching watches blink blinks changing "
    "touching affecting altering disturbing trace attention aware"
)
KEEPING = word_set("keep leave preserve not nothing never")
ADDING = word_set(
    "add put place draw insert include create generate show bring introduce render depict sketch plant replace swap "
    "exchange substitute"
)
MAKING = word_set("make paint give grow do")
PICTURE = word_set("picture photo photograph image scene frame canvas view sector painting")

# -- things -----------------------------------------------------------------------------------------------------------

ANY_THING = word_set("something anything")
THINGS = word_set("thing things object objects item items")
PEOPLE = word_set("someone somebody anyone anybody")
NO_THING = (
    word_set(
        "it them this that these those he she him her they everything everyone everybody nothing nobody all none one "
        "ones bit little lot closer forward backward on ahead myself yourself himself itself me us you we i others "
        "both rest half part side edge top bottom corner end middle centre center front"
    )
    | lexicon.POSITIONS.keys()
    | lexicon.CONJUNCTIONS
)
STUFF = PICTURE - {"frame"} | word_set(
    "sky skies ground grass lawn meadow water sea ocean lake river pond waves background foreground wall floor ceiling "
    "road street land landscape scenery earth soil sand beach mud dirt snow ice rain fog mist haze smoke air horizon "
    "forest field weather season time day night lighting brightness contrast saturation shadow shadows reflection "
    "reflections text writing caption watermark noise grain blur style mood atmosphere tone tones theme pattern "
    "composition perspective viewpoint camera angle focus zoom pose expression everything surroundings environment "
    "hair eye eyes face skin lips teeth smile sunset sunrise sunlight moonlight exposure size quality resolution"
)
"""What no mask of one whole thing covers: a part of the scene or of a body, or the picture itself."""
STUFF_ALONE = word_set("frame light lights")
"""A frame is the picture, a picture frame is a thing."""
LAMPS = word_set("traffic street stop head tail night brake")
SIZES_ASIDE = word_set("baby")
"""Sizes that are things as well."""
SMALL = lexicon.SMALL - SIZES_ASIDE
LARGE = lexicon.LARGE

BREAKS = (
    (lexicon.PREPOSITIONS | lexicon.PLACING | lexicon.CONJUNCTIONS | lexicon.NEGATING | lexicon.DETERMINERS | MANNER)
    | word_set("that which who whose where when if like than please out off up down so instead because until")
    | VERTICAL
    | {END, PAUSE}
) - MEASURES
"""Words behind which no name of a thing goes on."""
QUALIFIERS = lexicon.PREPOSITIONS | lexicon.PLACING | word_set("that which who whose where")
NAME_WORDS = 6
"""More words are no name of a thing."""
