"""Checks of what a request asks of a change: before it is made, and of what was made. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.generator.measuring.ranges import within
from services.generator.natural.wishes import wish_of
from shared import sectors
from shared.bus.requests.generator import AskedRecipe
from shared.errors import ChangeRefused, InvalidRequest
from shared.sectors import Region


def check_change(request: AskedRecipe, size: tuple[int, int]) -> None:
    """Raise InvalidRequest where a change's box does not lie in the sector that it is asked for, in a picture of a size
    (width, height)."""
    change = request.change
    if change is None or change.box is None:
        return
    box, sector = Region(*change.box), sectors.region(request.target_sector, request.grid_size, *size)
    if not (
        sector.left <= box.left < box.right <= sector.right and sector.top <= box.top < box.bottom <= sector.bottom
    ):
        problem = (
            f"its box {list(box.as_tuple())} does not lie in the sector {request.target_sector}, which is "
            f"{list(sector.as_tuple())} in a picture of {size[0]} x {size[1]} pixels"
        )
        raise InvalidRequest(f"change: {problem}.", fields={"change": problem})


def refuse_what_is_unheeded(request: AskedRecipe) -> None:
    """For a request that is to be done as it was asked for, or not at all. Raises InvalidRequest: something of its
    prompt would not be done."""
    wish = wish_of(request.prompt, request.change, request.magnitude)
    if (reason := wish.not_done) is not None:
        raise InvalidRequest(
            f"prompt: strict is asked for, and not all of it would be done: {reason}.", fields={"prompt": reason}
        )


def check_magnitude(request: AskedRecipe, notes: Mapping[str, Any]) -> None:
    """Raise ChangeRefused where a change is not of the size that is asked for. ``notes``: its size."""
    if request.magnitude is None:
        return
    if (problem := within(notes, request.magnitude.model_dump(exclude_none=True))) is not None:
        raise ChangeRefused(f"The change that was made is not of the size that is asked for: {problem}.")
