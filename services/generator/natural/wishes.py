"""What a request asks this engine for, by its change or by its prompt. Nothing heavy is imported, as every request is
asked whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from services.generator.language.changes import Direction, PromptedChange, change_in
from services.generator.language.words import Size
from shared.bus.requests.generator import AskedRecipe
from shared.change import Change, Magnitude
from shared.sectors import Region

KINDS: tuple[str, ...] = ("remove", "recolour", "move", "mirror", "shrink", "grow", "duplicate")
_ANY = "natural"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be changed, and how.

    Attributes:
        kinds: those that will do.
        box: of the thing, in the picture's pixels; None: it is chosen.
        mask: of the thing, a PNG in base64; None: it is found.
        colour: to recolour it to; None: any other.
        size: that the thing has; None: any.
        way: to move it; None: any.
        thing: the words for it; None: any will do.
        unheeded: what of a prompt is not done.
        magnitude: how large the change is to be.
    """

    kinds: tuple[str, ...] = KINDS
    box: Region | None = None
    mask: str | None = None
    colour: str | None = None
    size: Size | None = None
    way: Direction | None = None
    thing: str | None = None
    unheeded: str | None = None
    magnitude: Magnitude | None = None

    @property
    def is_pointed_at(self) -> bool:
        """Whether the caller says which thing it is."""
        return self.box is not None or self.mask is not None

    @property
    def not_done(self) -> str | None:
        """What of a prompt is not done, or not known to be."""
        reasons = [self.unheeded] if self.unheeded else []
        if self.thing is not None:
            reasons.append(f"things are not known by name: one that stands out stands for {self.thing!r}; give its box")
        return "; ".join(reasons) or None


class Settings(Protocol):
    """What a request says of a model."""

    @property
    def negative_prompt(self) -> str | None: ...
    @property
    def steps(self) -> int | None: ...
    @property
    def guidance_scale(self) -> float | None: ...
    @property
    def strength(self) -> float | None: ...


def without_effect(asked: Settings) -> str | None:
    """Which of a request's settings are for a model alone, in a sentence."""
    names = ("negative_prompt", "steps", "guidance_scale", "strength")
    given = [name for name in names if getattr(asked, name) is not None]
    return f"{', '.join(given)} {'have' if len(given) > 1 else 'has'} no effect on a natural change" if given else None


def is_natural(request: AskedRecipe) -> bool:
    """Whether a request is for a change of what is there, and not for the model."""
    if request.engine is not None:
        return request.engine == "natural"
    return request.change is not None or _said(request.prompt) is not None


def wish_of(prompt: str, change: Change | None, magnitude: Magnitude | None) -> Wish:
    """What a request that is natural asks for; a prompt that names no change leaves it to the engine."""
    if change is not None:
        return Wish(
            kinds=_kinds(change),
            box=Region(*change.box) if change.box is not None else None,
            mask=change.mask,
            colour=change.colour,
            magnitude=magnitude,
        )
    said = _said(prompt)
    if said is None:
        unheeded = "the prompt names no change of what is there; any was made" if prompt.strip() else None
        return Wish(unheeded=unheeded, magnitude=magnitude)
    return Wish(
        kinds=(said.kind,),
        colour=said.colour,
        size=said.size,
        way=said.place,
        thing=said.thing,
        unheeded=said.unheeded,
        magnitude=magnitude,
    )


def _kinds(change: Change) -> tuple[str, ...]:
    if change.kind != _ANY:
        return (change.kind,)
    return KINDS if change.colour is None else ("recolour",)


@lru_cache(256)
def _said(prompt: str) -> PromptedChange | None:
    return change_in(prompt)
