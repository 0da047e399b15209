"""Checks of what a request asks of a change: before it is made, and of what was made. Nothing heavy is imported."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from services.generator.measuring.ranges import within
from services.generator.natural.wishes import wish_of, without_effect
from shared import sectors
from shared.bus.requests.generator import AskedRecipe
from shared.change import Change
from shared.errors import ChangeRefused, InvalidRequest
from shared.images import MAX_SIDE_PX
from shared.png_chunks import PNG_SIGNATURE
from shared.sectors import Region

_HEAD_CHARS, _HEAD_BYTES = 64, 24


def check_change(request: AskedRecipe, size: tuple[int, int]) -> None:
    """Raise InvalidRequest where what is said of a change does not go together, its mask is no PNG of a size that is
    taken, or its box does not lie in the sector that it is asked for, in a picture of a size (width, height)."""
    change = request.change
    if change is None:
        return
    if (wrong := _wrong(change)) is not None:
        raise InvalidRequest(f"change: {wrong}.", fields={"change": wrong})
    if change.box is None:
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


def _wrong(change: Change) -> str | None:
    """What of a change does not go together."""
    if change.colour is not None and change.kind not in ("recolour", "natural"):
        return f"a colour is for recolour, not for {change.kind}"
    if change.widen and (change.box is not None or change.mask is not None):
        return "widen goes with neither box nor mask: they say where the thing is"
    if change.mask is not None and not _is_mask(change.mask):
        return f"its mask is no PNG of 1 to {MAX_SIDE_PX} pixels a side"
    return None


def _is_mask(encoded: str) -> bool:
    """Whether a mask may be decoded: its size stands at the head of the PNG."""
    try:
        head = b64decode(encoded[:_HEAD_CHARS])
    except ValueError:
        return False
    if len(head) < _HEAD_BYTES or not head.startswith(PNG_SIGNATURE):
        return False
    width, height = struct.unpack(">II", head[16:24])
    return bool(1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX)


def refuse_what_is_unheeded(request: AskedRecipe) -> None:
    """For a request that is to be done as it was asked for, or not at all. Raises InvalidRequest: something of its
    prompt would not be done."""
    wish = wish_of(request.prompt, request.change, request.magnitude)
    reasons = [reason for reason in (wish.not_done, without_effect(request)) if reason]
    if reason := "; ".join(reasons):
        raise InvalidRequest(
            f"prompt: strict is asked for, and not all of it would be done: {reason}.", fields={"prompt": reason}
        )


def check_magnitude(request: AskedRecipe, notes: Mapping[str, Any]) -> None:
    """Raise ChangeRefused where a change is not of the size that is asked for. ``notes``: its size."""
    if request.magnitude is None:
        return
    if (problem := within(notes, request.magnitude.model_dump(exclude_none=True))) is not None:
        raise ChangeRefused(f"The change that was made is not of the size that is asked for: {problem}.")
