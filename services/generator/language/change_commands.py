"""How a change is put: as a command ("remove the rock"), or said of the thing ("the rock disappears")."""

from __future__ import annotations

from collections.abc import Sequence

from services.generator.language import change_words as known
from services.generator.language.change_outcomes import (
    Became,
    becomes,
    colour_at,
    colour_to,
    ends,
    larger_or_smaller,
    turns,
)
from services.generator.language.change_things import REACH, Named, named
from services.generator.language.tokens import END, PAUSE
from services.generator.language.words import word_set

Said = tuple[Named, Became]

_ALIKE = word_set("this that it these those")
_THE_ALIKE = word_set("one ones other others first existing same")
_IN_A_PICTURE = known.PICTURE | known.DIRECTIONS.keys() | word_set("background foreground corner middle centre center")
_SHORT = 2
"""Words of a name that a sentence may begin with without "the": "people disappear"."""


def said_of(words: Sequence[str], at: int, caused: bool, certain: bool = False) -> Said | None:
    """What is said of the thing that is named there: "the rock disappears".

    Args:
        caused: see :func:`services.generator.language.change_outcomes.becomes`.
        certain: what stands before asks for a change, whatever the thing: "recolour".
    """
    for end in range(at + 1, min(len(words), at + REACH)):
        if words[end] in (PAUSE, END):
            break
        became = becomes(words, end, caused)
        thing = named(words, at, end) if became else None
        if became is None or thing is None:
            continue
        goes_on = thing.end < end and (words[thing.end] in known.QUALIFIERS or words[thing.end] in ("and", "or"))
        if thing.end != end and not goes_on:
            continue
        return (thing, became) if certain or _is_a_change(words, at, thing, became, caused) else None
    return None


def _is_a_change(words: Sequence[str], at: int, thing: Named, became: Became, caused: bool) -> bool:
    """Whether it can hardly be a description: "a tree grows", "the path disappears into the fog"."""
    if thing.article not in ("the", "any") and not became.sure:
        return False
    if thing.article == "" and thing.end - at > _SHORT:
        return False
    modal = any(word in known.MODAL for word in words[became.start : became.end])
    if caused or modal or thing.article == "any":
        return True
    behind = words[became.end : became.end + 1]
    located = bool(behind) and behind[0] != "from" and (behind[0] in known.QUALIFIERS or behind[0] == "than")
    return not located or bool(_IN_A_PICTURE & set(words[became.end : became.end + 4]))


def phrase_at(words: Sequence[str], at: int) -> int:
    """How many words from there are a command together; 0: none."""
    return next((n for n in range(5, 1, -1) if tuple(words[at : at + n]) in known.COMMAND_PHRASES), 0)


def by_phrase(words: Sequence[str], at: int) -> Said | None:
    """ "get rid of the rock", "make a copy of the rock"."""
    if length := phrase_at(words, at):
        kind = known.COMMAND_PHRASES[tuple(words[at : at + length])]
        thing = named(words, at + length)
        return _done(thing, kind) if thing and (kind == "remove" or thing.article in ("the", "any")) else None
    if words[at] == "rid" and words[at + 3 : at + 4] == ["of"] and words[at + 2] in known.PICTURE:
        thing = named(words, at + 4)
        return _done(thing, "remove") if thing else None
    return None


def one_more(words: Sequence[str], at: int) -> Said | None:
    """ "another rock like this one"."""
    at += words[at : at + 1] != [] and words[at] in ("add", "put", "create", "draw", "place", "show")
    if not (words[at : at + 1] == ["another"] or words[at : at + 2] in (["a", "second"], ["one", "more"])):
        return None
    thing = named(words, at + 1 + (words[at] != "another"))
    if thing is None or thing.of or thing.article:
        return None
    end = thing.end
    while end < len(words) and words[end] in ("just", "exactly", PAUSE):
        end += 1
    model = words[end + 1 : end + 3]
    if words[end : end + 1] not in (["like"], ["as"]) or not model:
        return None
    if model[0] == "the" and set(model[1:]) & _THE_ALIKE:
        end += 3
    elif model[0] in _ALIKE:
        end += 2 + (model[1:] in (["one"], ["ones"]))
    else:
        return None
    return (thing, Became("duplicate", end, start=thing.end)) if ends(words, end) else None


def command(words: Sequence[str], at: int) -> Said | None:
    """ "remove the rock", "paint the door green", "take the car away"."""
    verb, is_gerund = _verb(words[at])
    after = at + 1 + (words[at + 1 : at + 2] in ([PAUSE], [END]))
    if verb in known.COLOURING:
        return _coloured(words, verb, after)
    if known.COMMANDS.get(verb) == "recolour" and (said := _given(words, verb, after)):
        return said if said[1].kind == "recolour" else None
    thing = named(words, after)
    if thing is None:
        return None
    certain = thing.article in ("the", "any")
    if verb in known.PARTICLES:
        return _taken(words, verb, thing)
    if thing.of == "size":
        return (thing, Became(known.SIZE_COMMANDS[verb], thing.end)) if verb in known.SIZE_COMMANDS else None
    if verb in known.CHANGING and (thing.of or certain):
        given = colour_to(words, thing.end)
        return (thing, given or Became("recolour", thing.end)) if given or thing.of else None
    if verb == "give" and certain:  # "give the sign another colour"
        given = colour_at(words, thing.end)
        return (thing, given) if given and words[given.end - 1] in known.COLOUR_NAMES else None
    if verb not in known.COMMANDS or (thing.of and known.COMMANDS[verb] != "recolour"):
        return None
    bare = thing.article == "" and verb in known.SURE_COMMANDS and not is_gerund
    one = thing.article == "a" and verb in known.WITH_ARTICLE and not is_gerund
    return _plainly(words, verb, thing) if certain or bare or one else None


def _plainly(words: Sequence[str], verb: str, thing: Named) -> Said | None:
    kind = known.COMMANDS[verb]
    if kind == "recolour":
        return thing, colour_to(words, thing.end) or Became(kind, thing.end)
    if verb == "resize":
        to_be = 2 if words[thing.end : thing.end + 2] == ["to", "be"] else 0
        if sized := larger_or_smaller(words, thing.end + to_be, state=True):
            return thing, sized
    return _done(thing, kind)


def _done(thing: Named, kind: known.ChangeKind) -> Said | None:
    return (thing, Became(kind, thing.end, start=thing.end))


def _given(words: Sequence[str], verb: str, after: int) -> Said | None:
    """The thing and its new colour behind one another. "Paint a cat black" may be a wish for a cat."""
    said = said_of(words, after, caused=True, certain=verb not in ("paint", "colour", "color"))
    return said if said and said[0].article else None


def _coloured(words: Sequence[str], verb: str, after: int) -> Said | None:
    """ "paint the door green", "turn the car into a red one"; and "turn the horse around"."""
    said = _given(words, verb, after)
    if said is None:
        thing = named(words, after)
        given = colour_to(words, thing.end) if thing and thing.article == "the" else None
        if thing and verb == "turn" and not given:
            given = turns(words, thing.end, verb)
        said = (thing, given) if thing and given else None
    if said is None or said[1].kind not in ("recolour", "mirror") or (said[1].kind == "mirror" and verb != "turn"):
        return None
    # "Paint something green" is a wish for a painting.
    return None if said[0].article == "any" and verb == "paint" else said


def _taken(words: Sequence[str], verb: str, thing: Named) -> Said | None:
    behind = words[thing.end : thing.end + REACH]
    cut = next((at for at, word in enumerate(behind) if word in (PAUSE, END, "and", "then", "but")), len(behind))
    for at, word in enumerate(behind[:cut]):
        kind = known.PARTICLES[verb].get(word)
        if kind and (word not in ("from", "off") or known.PICTURE & set(behind[at : at + 4])):
            at += thing.end
            return None if thing.of else (thing, Became(kind, at + 1, start=at))
        if at == 0 and word not in known.QUALIFIERS:
            break
    return None


def _verb(word: str) -> tuple[str, bool]:
    """The verb that a word is a form of, and whether it is the one of "would you mind removing ..."."""
    if not word.endswith("ing"):
        return word, False
    stem = word[:-3]
    verbs = known.COMMANDS.keys() | known.COLOURING | known.CHANGING
    verb = next((form for form in (stem, stem + "e", stem[:-1]) if form in verbs), None)
    return (verb, True) if verb else (word, False)
