"""What a prompt that was read comes to: object, colour, size, number, manner; and a sentence on what does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.generator.language import foreign, lexicon
from services.generator.language.reading import Match, Reading
from services.generator.language.tokens import END, PAUSE, quoted, said
from services.generator.language.words import Place, Size, word_set

NOTHING_DRAWN = "nothing is drawn and the sector stays as it is, for the model can only add objects"
NOT_ENGLISH = "the prompt does not seem to be in English, the only language that the model knows"

_BEFORE_COLOUR = word_set("that which is are in of with a an the coloured colored colour color ") | {PAUSE}
_ADJECTIVES = lexicon.ADJECTIVES - lexicon.DETERMINERS
_NUMBER_REACH = 5
"""Words before an object among which its number may stand: "a pair of very small cats"."""


@dataclass(frozen=True)
class KnownObject:
    """One thing the model draws: its name, where it belongs, and the colours it can be asked for in."""

    name: str
    plural: str
    place: Place
    colours: tuple[str, ...]
    natural: tuple[str, ...]
    """Colours it has anyway: asked for one of these, it is drawn as it is and nothing was left out."""
    styles: tuple[str, ...]
    """The manners in which the model draws it."""
    coloured_styles: tuple[str, ...]
    """Those of them that take a colour."""


@dataclass(frozen=True)
class ResolvedPrompt:
    """What a prompt was taken to mean.

    Attributes:
        object: what is to be drawn; None: nothing, the prompt only refuses or changes what is there.
        fallback: what of the prompt is not done, and what is drawn in its place; None where all of it is done.
        by_name: the prompt names the object itself, not something that it stands in for.
    """

    caption: str
    object: str | None
    colour: str | None
    size: Size
    place: Place
    count: int
    fallback: str | None
    styles: tuple[str, ...] = ()
    by_name: bool = False

    def caption_for(self, seed: int) -> str:
        """The caption with one of the manners of drawing the model knows for this object, chosen by the seed. The
        captions name the manner because one manner at a time is sharp, and because two seeds then differ."""
        if not self.styles or self.object is None:
            return self.caption
        # Knuth's multiplicative hash: neighbouring seeds fall on different manners, in no visible order.
        style = self.styles[(seed * 2654435761 % 2**32 >> 16) % len(self.styles)]
        return caption(self.object, self.colour, style)


def caption(name: str, colour: str | None = None, style: str | None = None) -> str:
    """The form the model was trained on: article, manner, colour, object."""
    words = " ".join(word for word in (style, colour, name) if word)
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def resolve(reading: Reading, objects: Mapping[str, KnownObject], fallback: str) -> ResolvedPrompt:
    """Work it out. ``objects``: by name; ``fallback`` is drawn where nothing that is wished for is known."""
    return _Answer(reading, objects, fallback).give()


class _Answer:
    def __init__(self, reading: Reading, objects: Mapping[str, KnownObject], fallback: str) -> None:
        self._reading = reading
        self._words = reading.words
        self._objects = objects
        self._fallback = fallback
        self._used: set[int] = set()
        self._reasons: list[str] = []

    def give(self) -> ResolvedPrompt:
        main = self._reading.main
        if main is None:
            return self._without_object()
        item = self._objects[main.object]
        self._used.update(range(main.start, main.end))
        if main.nearest:
            self._used.update(range(self._reading.noun_start, main.end))
            asked = said(self._words[self._reading.noun_start : main.end])
            self._reasons.append(f"{asked!r} is not in the model's vocabulary; the nearest it knows is {item.name}")
        count = self._count(main)
        colour = self._colour(main, item)
        style = self._style(item, colour)
        size, place = self._size(main), self._place() or item.place
        self._used |= self._reading.alternatives()
        self._say_what_is_left()
        return ResolvedPrompt(
            caption(item.name, colour, style),
            item.name,
            colour,
            size,
            place,
            count,
            "; ".join(self._reasons) or None,
            (style,) if style else item.coloured_styles if colour else item.styles,
            by_name=not main.nearest,
        )

    def _without_object(self) -> ResolvedPrompt:
        if not self._reading.wishes or self._fallback in self._reading.refused:
            self._say_what_is_left()
            reasons = "; ".join([NOTHING_DRAWN, *self._reasons])
            return ResolvedPrompt("", None, None, self._size(None), "any", 1, reasons)
        item = self._objects[self._fallback]
        self._reasons.append(f"nothing in the prompt is in the model's vocabulary; its fallback is {item.name}")
        self._say_what_is_undone()
        size, place, reasons = self._size(None), self._place() or item.place, "; ".join(self._reasons)
        return ResolvedPrompt(caption(item.name), item.name, None, size, place, 1, reasons, item.styles)

    # -- what is said -------------------------------------------------------------------------------------------------

    def _say_what_is_left(self) -> None:
        reading = self._reading
        if left := quoted(self._words, reading.passed_over(self._used), reading.glue()):
            self._reasons.append(f"left out: {left}")
        self._say_what_is_undone()

    def _say_what_is_undone(self) -> None:
        if undone := quoted(self._words, self._reading.undone(), self._reading.glue()):
            self._reasons.append(f"not done: {undone}")
        if any(foreign.is_foreign(word) for word in self._words if word not in (END, PAUSE)):
            self._reasons.append(NOT_ENGLISH)

    # -- what is heeded -----------------------------------------------------------------------------------------------

    def _before(self, main: Match) -> range:
        return range(main.start - 1, self._reading.phrase_start - 1, -1)

    def _count(self, main: Match) -> int:
        """How many are asked for: a number before the object, else two for a bare plural."""
        for at in range(main.start - 1, max(-1, main.start - 1 - _NUMBER_REACH), -1):
            word = self._words[at]
            if word in (END, "and", "with") or self._reading.stances[at] != "add":
                break
            if (word.isascii() and word.isdigit()) or word in lexicon.LARGER_COUNTS or word in lexicon.COUNTS:
                between = self._words[at + 1 : main.start]
                if not (at >= self._reading.phrase_start or between[:1] == ["of"]):
                    break
                if not main.plural and any(not self._reading.is_plain(other) for other in between):
                    break  # "a three-legged dog"
                self._used.add(at)
                asked = lexicon.COUNTS.get(word) or lexicon.LARGER_COUNTS.get(word) or int(word)
                if asked > lexicon.MOST:
                    self._reasons.append(f"{word!r} are more than the {lexicon.MOST} that go into one sector")
                return max(1, min(asked, lexicon.MOST))
            if word in ("a", "an", "single", "the") and not main.plural:
                return 1
        return 2 if main.plural else 1

    def _colour(self, main: Match, item: KnownObject) -> str | None:
        before = [at for at in self._before(main) if self._words[at] in lexicon.COLOUR_WORDS]
        at = self._colour_after(main)
        asked = before + ([at] if at is not None else [])
        taken = next((at for at in asked if lexicon.COLOUR_WORDS[self._words[at]] in item.colours), None)
        for at in asked:
            colour = lexicon.COLOUR_WORDS[self._words[at]]
            own = taken is None and colour in item.natural
            either = taken is not None and "or" in (*self._words[at + 1 : at + 2], *self._words[max(0, at - 1) : at])
            same = taken is not None and colour == lexicon.COLOUR_WORDS[self._words[taken]]
            if own or either or same:
                self._heed_colour(at)
        missing = [at for at in asked if at not in self._used]
        if missing and taken is None:
            self._used.update(missing)
            names = ", ".join(repr(lexicon.COLOUR_WORDS[self._words[at]]) for at in missing)
            self._reasons.append(f"{item.name} is drawn in its own colours, without {names}")
        return None if taken is None else lexicon.COLOUR_WORDS[self._words[taken]]

    def _heed_colour(self, at: int) -> None:
        self._used.add(at)
        while at and self._words[at - 1] in lexicon.COLOUR_SHADES:
            at -= 1
            self._used.add(at)

    def _colour_after(self, main: Match) -> int | None:
        """A colour said of the object behind it, "a balloon that is red", where nothing else has that colour."""
        at = main.end
        while at < len(self._words) and (self._words[at] in _BEFORE_COLOUR or self._words[at] in lexicon.COLOUR_SHADES):
            at += 1
        if at == len(self._words) or self._words[at] not in lexicon.COLOUR_WORDS or self._reading.stances[at] != "add":
            return None
        end = at + 1
        if self._words[end : end + 1] in (["colour"], ["color"]):
            self._used.add(end)
            end += 1
        following = self._words[end : end + 1]
        return at if not following or following[0] in (END, PAUSE) else None

    def _style(self, item: KnownObject, colour: str | None) -> str | None:
        for style in item.coloured_styles if colour else item.styles:
            if style in self._words:
                self._used.update(at for at, word in enumerate(self._words) if word == style)
                return style
        return None

    def _size(self, main: Match | None) -> Size:
        near = list(self._before(main)) if main else []
        sizes = [
            at for at, word in enumerate(self._words) if word in lexicon.SMALL | lexicon.LARGE and self._is_free(at)
        ]
        for at in [*(at for at in near if at in sizes), *sizes]:
            size: Size = "small" if self._words[at] in lexicon.SMALL else "large"
            same = lexicon.SMALL if size == "small" else lexicon.LARGE
            self._used.update(other for other in sizes if self._words[other] in same)
            return size
        return "medium"

    def _is_free(self, at: int) -> bool:
        """Whether an adjective there is not said of another thing: "with a small hat"."""
        main = self._reading.main
        if self._reading.stances[at] != "add":
            return False
        if main is None or self._reading.phrase_start <= at < main.end:
            return True
        end = at + 1
        while end < len(self._words) and self._words[end] in lexicon.ADJECTIVES:
            end += 1
        alone = end == len(self._words) or self._words[end] in (END, PAUSE)
        return alone and not set(self._words[max(0, at - 2) : at]) & lexicon.ARTICLES

    def _place(self) -> Place | None:
        """Where the prompt says the object is to be, if it says."""
        named: Place | None = None
        for at, word in enumerate(self._words):
            if word not in lexicon.SKY_WORDS | lexicon.GROUND_WORDS or self._reading.stances[at] != "add":
                continue
            if not self._is_wished_for(at):
                self._used.add(at)
            named = "sky" if word in lexicon.SKY_WORDS or named == "sky" else "ground"
        return named

    def _is_wished_for(self, at: int) -> bool:
        """Whether a thing is one more that is wished for: "on a table", but not "on the table" or "on grass"."""
        while at and self._words[at - 1] in _ADJECTIVES:
            at -= 1
        return at > 0 and self._words[at - 1] in lexicon.ARTICLES
