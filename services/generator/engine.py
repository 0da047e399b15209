"""The seam between the job queue and a model: an engine runs one edit at a time.

Nothing on this side of the seam imports torch: the queue, the backlog and the frame stream see only these types, so
that an engine can be a diffusers pipeline in a thread, a sleeping stand-in in a benchmark, or an actor elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from services.generator.language.vocabulary import Vocabulary
from shared.change import NATURAL_KIND, Change, Magnitude
from shared.frame import Model, Recipe
from shared.sectors import Region

Pixels = NDArray[np.uint8]
"""Height x width x 3, 8-bit RGB, row-major."""
Floats = NDArray[np.floating[Any]]
"""Colours or opacity from 0 to 1, or what is worked out of them."""

ModelKind = Literal["inpaint", "edit", "layer"]
Rounding = Literal["nearest", "up"]
"""To a multiple."""


OnLoading = Callable[[str, int, int], None]
"""Called with a sentence on how far loading is, and bytes that are here of those that are fetched; 0 of 0 where nothing
is. From the thread that loads."""


def say_nothing(said: str, done_bytes: int, of_bytes: int) -> None:
    """An :data:`OnLoading` for whoever does not want to know."""


@dataclass(frozen=True, slots=True)
class WorkSize:
    """What a repainting model works at, in pixels.

    Attributes:
        size: side of the square that it was trained on.
        factor: what its sides are to be multiples of.
        cell: side of one cell of its latents, the smallest thing that it can paint or leave. Where it differs between
            models that have a size, the larger is safe: 16 holds a cell of 8 as well.
        chooses: how it rounds the sides of what it is given, by their ratio alone: then only sides are taken that it
            leaves as they are. None: it takes the sides that it is given.
    """

    size: int
    factor: int
    cell: int = 16
    chooses: Rounding | None = None


class Inputs(Protocol):
    """What a model is given of a picture, made on another thread before its run. Only its engine looks into them, and
    makes its own where they are not for the edit that they came with."""

    @property
    def held_bytes(self) -> int:
        """Memory that they take."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: repaint (or put an object into) ``region`` of ``pixels``. None means the model's own default.

    Attributes:
        inputs: of this edit for a model of its ``info.work``, made ahead; None: :meth:`Engine.run` makes them itself.
            The pixels that come of the edit are the same.
        change: what is to become of a thing that is there, in place of the prompt.
        magnitude: how large the change is to be. An engine that cannot aim at it leaves it to whoever measures.
        elsewhere: other sectors by name, in which the change may be made where ``region`` has nothing for it.
    """

    pixels: Pixels
    region: Region
    prompt: str
    seed: int
    negative_prompt: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    strength: float | None = None
    inputs: Inputs | None = None
    change: Change | None = None
    magnitude: Magnitude | None = None
    elsewhere: tuple[tuple[str, Region], ...] = ()

    @classmethod
    def of(cls, recipe: Recipe, pixels: Pixels, region: Region, inputs: Inputs | None = None) -> Edit:
        """The edit of a recipe, on the pixels of its input."""
        named = {"prompt", "seed", "negative_prompt", "steps", "guidance_scale", "strength"}
        return cls(
            *(pixels, region),
            **recipe.model_dump(include=named),
            inputs=inputs,
            change=recipe.change,
            magnitude=recipe.magnitude,
        )


class Painted(Protocol):
    """What a model has made for a sector, before it is in the picture.

    Putting it there is a function of its own, so that it runs on another thread than the model, and again for another
    picture. The same pixels give the same sector, and no pixel but those that it says it reads counts.
    """

    @property
    def seen(self) -> Region | None:
        """The part of the picture that the model was given: where that changes, what it made is worth nothing any more.
        None: it was given none of it."""
        ...

    @property
    def reads(self) -> Region:
        """The part of the picture that :meth:`sector` reads; the target lies in it."""
        ...

    @property
    def held_bytes(self) -> int:
        """Memory that it takes."""
        ...

    def sector(self, pixels: Pixels) -> Pixels:
        """The target's new pixels in a picture, of the target's size. ``pixels``: the whole picture, of the size that
        the edit had; it is not written to. Called from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A :class:`Painted` whose pixels are final as long as what it reads is the same.

    Attributes:
        pixels: the target's.
        seen: what they were made from.
    """

    pixels: Pixels
    seen: Region

    @property
    def reads(self) -> Region:
        return self.seen

    @property
    def held_bytes(self) -> int:
        return self.pixels.nbytes

    def sector(self, pixels: Pixels) -> Pixels:
        return self.pixels


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit gave: the sector, to be put into the picture, and the values really used.

    ``notes`` holds what a client should know beside them: a prompt that was understood as another object, say.
    ``change``: what kind of change it is, and of what: a part of the notes that its size goes into. ``target_sector``:
    the one of the edit's ``elsewhere`` that was changed; None: the one that was asked for.
    """

    painted: Painted
    steps: int
    guidance_scale: float | None
    strength: float | None
    notes: dict[str, Any] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)
    target_sector: str | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a frame's metadata says of its maker, enough to tell whether another run had the same one."""

    model: Model
    device: str
    dtype: str
    versions: dict[str, str]
    environment: dict[str, Any] = field(default_factory=dict)
    """Attention, thread count, CPU capability: what may change a picture in its last bits."""
    vocabulary: Vocabulary | None = None
    """What it can be asked for; None: it takes any text."""
    advice: str | None = None
    """What its owner should know of how it was loaded, in a sentence; None: nothing."""
    work: WorkSize | None = None
    """At what it is given a crop of the picture; None: it is given none."""

    @property
    def is_natural(self) -> bool:
        """Whether it is no model, but changes what is there: the same beside every model."""
        return self.model.kind == NATURAL_KIND


def into_picture(pixels: Pixels, region: Region, sector: Pixels) -> Pixels:
    """A copy of a picture with other pixels in a region. Every pixel outside equals the input's, by construction: only
    the region's slice is written. Raises ValueError: ``sector`` is not of the region's size."""
    if sector.shape != (region.height, region.width, 3):
        raise ValueError(f"{sector.shape} does not fill a sector of {region.width} x {region.height}")
    result = pixels.copy()
    result[region.slices] = sector
    return result


def edited_picture(edit: Edit, edited: Edited) -> Pixels:
    """The whole picture that an edit gave."""
    return into_picture(edit.pixels, edit.region, edited.painted.sector(edit.pixels))


class EditCancelled(Exception):
    """Raised out of :meth:`Engine.run` after the step at which ``cancelled`` first returned True."""


class Engine(Protocol):
    """One model on one device. ``run`` is called from one thread only; the other members from any."""

    @property
    def info(self) -> ModelInfo: ...

    def run(self, edit: Edit, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Edited:
        """Run one edit to its end.

        Args:
            on_step: called with (steps done, steps in all) after each denoising step.
            cancelled: asked after each step; once it says True the run stops.

        Raises:
            EditCancelled: ``cancelled`` said True.
            shared.errors.GenerationFailed: out of memory, or an error of the pipeline; the engine stays usable.
        """
        ...

    def close(self) -> None: ...
