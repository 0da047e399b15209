"""Making recorded frames again: what a frame can be made from, and whether a session was made from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from shared import fields, sectors
from shared.frame import Recipe
from shared.refusals import invalid_request
from shared.session.format.kinds import differ

_NEEDED = {"seed": "seed", "grid_size": "grid", "target_sector": "target sector"}
_FOCUS = ("focus_sector", "focus_x", "focus_y")


class NoRecipe(Exception):
    """An entry does not say what its frame was made from; the message says what is missing or wrong."""


def recipe_of(entry: Mapping[str, Any]) -> Recipe:
    """What a frame was made from, with the values that the model chose then. Where the viewer looked is told as far as
    the entry says so in our terms: the picture does not hang on it. Raises NoRecipe where the entry does not say
    enough."""
    for key, name in _NEEDED.items():
        if entry.get(key) is None:
            raise NoRecipe(f"its entry does not say which {name} it was made with")
    told = {key: entry.get(key) for key in Recipe.model_fields if key not in _FOCUS}
    if told["steps"] == 0:
        told["steps"] = None  # it was made without any, as it will be again: none can be asked for
    try:
        return Recipe.model_validate({**told, **_focus(entry)})
    except ValidationError as error:
        raise NoRecipe(f"its entry is no request: {invalid_request(error).detail}") from None


def _focus(entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key in ("focus_x", "focus_y") if fields.fits(fields.Fraction, value := entry.get(key))}
    if entry.get("grid_size") in sectors.NAMES and entry.get("focus_sector") in sectors.names(entry["grid_size"]):
        told["focus_sector"] = entry["focus_sector"]
    return told


def is_parent(parent: Mapping[str, Any], named: object) -> bool:
    """Whether a session with the head ``parent`` is the one that a re-run was made from, whose own head says ``named``
    of it: ``session_id`` and ``created_at``. A name alone is no proof: folders are renamed, copied and made anew."""
    if not isinstance(named, Mapping):
        return False
    began, made = named.get("created_at"), parent.get("created_at")
    if began is not None and began == made:
        return True  # called otherwise by now, perhaps
    return named.get("session_id") == parent.get("session_id") and not differ(began, made)
