"""Where in a picture its parts look like the surroundings of a hole: offsets from which the hole can be filled.

A ring around the hole is compared with the picture under every offset, as a whole and in wedges: what lies left of the
hole may go on like one place, what lies right of it like another. He and Sun 2012 ("Statistics of patch offsets for
image completion") show that few offsets do for most holes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.generator.engine import Floats
from services.generator.natural.raster import Mask, differences_of, grown, meets

WEDGES = 6
_PER_WEDGE, _PER_RING = 2, 6
_SPREAD = 0.02
"""How much one unit of distance, in parts of the search's size, costs: of two places that look alike the nearer one has
the light, the sharpness and the scale of the hole's."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Rows and columns from a pixel of the hole to the one that it is filled from; ``cost``: mean squared difference of
    the ring, in Lab; ``is_whole``: of all of the ring, not of a wedge."""

    down: int
    across: int
    cost: float
    is_whole: bool


def ring_of(hole: Mask, width: int) -> Mask:
    """The pixels within ``width`` of a hole, without it."""
    return grown(hole, width) & ~hole


def find_offsets(lab: Floats, hole: Mask, usable: Mask, ring_width: int) -> list[Offset]:
    """The offsets under which the surroundings of a hole look most like themselves, the best first.

    Args:
        lab: height x width x 3, float32, CIE Lab.
        hole: what is to be filled.
        usable: what may be copied; not the hole.
    """
    ring = ring_of(hole, ring_width) & usable
    rows, columns = np.nonzero(hole | ring)
    if not ring.any():
        return []
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    template = np.ascontiguousarray(lab[top:bottom, left:right])
    ring_here, hole_here = ring[top:bottom, left:right], hole[top:bottom, left:right]
    blocked = meets(~usable, hole_here | ring_here)
    distance = _distances(blocked.shape, int(top), int(left))
    size = max(bottom - top, right - left)
    span = max(lab.shape[0], lab.shape[1])
    found: dict[tuple[int, int], Offset] = {}
    wedges = _wedges(ring_here, hole_here)
    for number, part in enumerate([ring_here, *wedges]):
        if part.sum() < 8:
            continue
        costs = differences_of(lab, template, part)
        whole = number == 0
        is_blocked = blocked if whole else meets(~usable, part)
        costs = np.where(is_blocked | (distance < (0.5 if whole else 0.25) * size), np.inf, costs)
        ranked = costs * (1 + _SPREAD * distance / span)
        for row, column in _best(ranked, _PER_RING if whole else _PER_WEDGE, max(2, ring_width // 2)):
            key = (row - int(top), column - int(left))
            found.setdefault(key, Offset(*key, float(costs[row, column]), whole))
    return list(found.values())


def _distances(shape: tuple[int, ...], top: int, left: int) -> Floats:
    down = np.arange(shape[0], dtype=np.float32)[:, None] - top
    across = np.arange(shape[1], dtype=np.float32)[None, :] - left
    result: Floats = np.hypot(down, across)
    return result


def _wedges(ring: Mask, hole: Mask) -> list[Mask]:
    """The ring in parts by the angle about the hole's middle."""
    rows, columns = np.nonzero(hole)
    down = np.arange(ring.shape[0])[:, None] - rows.mean()
    across = np.arange(ring.shape[1])[None, :] - columns.mean()
    angle = np.mod(np.arctan2(down, across), 2 * np.pi)
    number = (angle / (2 * np.pi) * WEDGES).astype(int) % WEDGES
    return [ring & (number == wedge) for wedge in range(WEDGES)]


def _best(costs: Floats, count: int, apart: int) -> list[tuple[int, int]]:
    """The places of the lowest costs, no two of them near each other."""
    left = costs.copy()
    best: list[tuple[int, int]] = []
    for _ in range(count):
        row, column = divmod(int(left.argmin()), left.shape[1])
        if not np.isfinite(left[row, column]):
            break
        best.append((row, column))
        left[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = np.inf
    return best
