"""An object that a model can draw, and what a prompt was taken to ask of one."""

from __future__ import annotations

from dataclasses import dataclass

from services.generator.language.words import Place, Size


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
