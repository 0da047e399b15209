"""A recorded frame made again by the generator: as a background job, which waits behind every live one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from shared.bus.requests.generator import BACKGROUND_TIMEOUT_S, Generate
from shared.change import NATURAL_KIND, Engine
from shared.errors import GenerationTimeout, QueueFull, RecordingBacklogFull
from shared.frame import Recipe
from shared.refusals import invalid_request
from shared.session.format.recipes import NoRecipe

BUSY = (QueueFull, RecordingBacklogFull, GenerationTimeout)
"""Errors of a generator that has no time or room now: the same frame is asked for again."""


def engine_of(entry: Mapping[str, Any]) -> Engine:
    """Who made a recorded frame: which of them a prompt is for may be read otherwise by now."""
    model = entry.get("model")
    is_natural = isinstance(model, Mapping) and model.get("kind") == NATURAL_KIND
    return "natural" if is_natural else "model"


def background_job(recipe: Recipe, **more: Any) -> Generate:
    """The request for a frame of this recipe; ``more`` are its other fields, or of the recipe those that are changed.
    Raises NoRecipe: it was recorded with what cannot be asked for."""
    fields = {"timeout_ms": BACKGROUND_TIMEOUT_S * 1000, "priority": "background", **recipe.model_dump(), **more}
    try:
        return Generate.model_validate(fields)
    except ValidationError as error:
        raise NoRecipe(f"its entry is no request: {invalid_request(error).detail}") from None
