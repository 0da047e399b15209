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
from shared.frame import Model, Recipe
from shared.sectors import Region

Pixels = NDArray[np.uint8]
"""Height x width x 3, 8-bit RGB, row-major."""
Floats = NDArray[np.floating[Any]]
"""Colours or opacity from 0 to 1, or what is worked out of them."""

ModelKind = Literal["inpaint", "edit", "layer"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: repaint (or put an object into) ``region`` of ``pixels``. None means the model's own default."""

    pixels: Pixels
    region: Region
    prompt: str
    seed: int
    negative_prompt: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    strength: float | None = None

    @classmethod
    def of(cls, recipe: Recipe, pixels: Pixels, region: Region) -> Edit:
        """The edit of a recipe, on the pixels of its input."""
        named = {"prompt", "seed", "negative_prompt", "steps", "guidance_scale", "strength"}
        return cls(pixels, region, **recipe.model_dump(include=named))


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit gave: the whole picture, equal to the input outside the region, and the values really used.

    ``notes`` holds what a client should know beside them: a prompt that was understood as another object, say.
    """

    pixels: Pixels
    steps: int
    guidance_scale: float | None
    strength: float | None
    notes: dict[str, Any] = field(default_factory=dict)


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
