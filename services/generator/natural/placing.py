"""Where else in its sector a thing could stand: on ground that looks like its own, at about the same distance."""

from __future__ import annotations

import numpy as np

from services.generator.engine import Floats
from services.generator.natural.offsets import ring_of
from services.generator.natural.raster import Mask, blurred, differences_of, meets, shrunk

_SMALL_SIDE_PX = 160
_NEAR = 0.55
"""A thing goes at least so far, in parts of its larger side."""
_DOWN = 0.35
"""What stands on ground goes up or down by at most so much of its height: farther up it would be farther away, and
smaller."""
_MOST_DIFFERENCE = 7.0
"""Root mean square of the difference of two grounds, in Lab, from which they are not alike."""
_TAKEN_OF = 4


def places_for(lab: Floats, hole: Mask, free: Mask) -> list[tuple[int, int]]:
    """Steps down and across by which a thing can be moved, the best first.

    Args:
        lab: height x width x 3, float32: the picture without the thing.
        hole: height x width: the thing, its edge and its shadow.
        free: where it may come to lie.
    """
    height, width = hole.shape
    scale = max(1.0, max(height, width) / _SMALL_SIDE_PX)
    size = max(8, round(width / scale)), max(8, round(height / scale))
    small_hole, taken = shrunk(hole.astype(np.float32), size) > 0, shrunk((~free).astype(np.float32), size) > 0
    rows, columns = np.nonzero(small_hole)
    if not len(rows):
        return []
    extent = int(max(np.ptp(rows), np.ptp(columns))) + 1
    ground = blurred(shrunk(lab, size), max(1.0, extent / 8))
    part = small_hole | ring_of(small_hole, 3)
    rows, columns = np.nonzero(part)
    top, bottom, left, right = int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
    here = np.ascontiguousarray(ground[top:bottom, left:right])
    costs = np.sqrt(differences_of(ground, here, part[top:bottom, left:right]))
    covers = meets(taken, small_hole[top:bottom, left:right])
    down = np.arange(costs.shape[0])[:, None] - top
    across = np.arange(costs.shape[1])[None, :] - left
    too_near = np.maximum(np.abs(down), np.abs(across)) < _NEAR * extent
    too_far = np.abs(down) > max(1.0, _DOWN * (bottom - top))
    costs = np.where(covers | too_near | too_far | (costs > _MOST_DIFFERENCE), np.inf, costs)
    places = []
    apart = max(2, int(extent) // 3)
    for _ in range(_TAKEN_OF):
        row, column = divmod(int(costs.argmin()), costs.shape[1])
        if not np.isfinite(costs[row, column]):
            break
        places.append((round((row - top) * scale), round((column - left) * scale)))
        costs[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = np.inf
    return places
