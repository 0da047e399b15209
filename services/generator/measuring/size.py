"""The size of a change as numbers, by which a study balances its stimuli."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels, into_picture
from services.generator.measuring.colour import lightness
from services.generator.measuring.differences import differences, visible_part
from services.generator.measuring.difficulty import Ingredients
from services.generator.measuring.edges import EdgeChange, complexity, edge_change, gradient
from services.generator.measuring.rounding import rounded
from services.generator.measuring.saliency import MAP_SIDE_PX, saliency_map, saliency_of
from services.generator.measuring.scaling import WORK_SIDE_PX, scaled, shrunk, widened
from shared.sectors import Region

_PEAK_PERCENTILE = 99
_MIN_SURROUNDINGS_PX = 8
"""Of the surroundings whose clutter counts, to each side, at the working size."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a change.

    Attributes:
        box: the pixels that differ lie in it, in the picture's pixels; None: nothing differs.
        area: share of the picture's pixels that differ in any channel, 0 to 1.
        area_visible: share that differs visibly, by a CIEDE2000 above 2.3 (``VISIBLE_DELTA_E``).
        delta_e: mean CIEDE2000 of the visibly different pixels, so that the faint rim of a repainted sector does not
            water it down; where there are none, of all that differ. So it is above 2.3 where anything is visible, and
            else at most that.
        delta_e_peak: 99th percentile of the same.
        edges: what becomes of the edges in the box, in L* a pixel of the picture shrunk to 512 pixels.
        ingredients: saliency of the changed place, each part of it counted by how visibly it changes, and what else
            makes it hard to see. Where nothing differs, the region is the place.
    """

    box: Region | None
    area: float
    area_visible: float
    delta_e: float
    delta_e_peak: float
    edges: EdgeChange
    ingredients: Ingredients

    def notes(self) -> dict[str, Any]:
        """For JSON: the box as left, top, right, bottom, and numbers of four significant digits, all finite."""
        made = self.ingredients
        numbers = {
            "area": self.area,
            "area_visible": self.area_visible,
            "delta_e": self.delta_e,
            "delta_e_peak": self.delta_e_peak,
            "edge_energy": self.edges.energy,
            "edges_gained": self.edges.gained,
            "edges_lost": self.edges.lost,
            "saliency_before": made.saliency_before,
            "saliency_after": made.saliency_after,
            "saliency_change": made.saliency_after - made.saliency_before,
            "difficulty": made.difficulty,
            "ma_2013": made.ma_2013,
            "verma_2010": made.verma_2010,
        }
        return {
            "box": None if self.box is None else list(self.box.as_tuple()),
            **{name: rounded(value) for name, value in numbers.items()},
            "le_moan_2019": {name: rounded(value) for name, value in made.le_moan_2019.items()},
        }


def measure(before: Pixels, sector: Pixels, region: Region) -> Size:
    """The size of a change of one region. The same pixels give the same numbers.

    Box and area are exact. Where more than some ten thousand pixels differ, what is said of their colours is that of an
    even sample of them.

    Args:
        before: the whole picture before the change; only read.
        sector: the region's pixels after it: region.height x region.width x 3.

    Raises ValueError: ``sector`` is not of the region's size.
    """
    after = into_picture(before, region, sector)
    size = before.shape[0], before.shape[1]
    found = differences(before, sector, region)
    area = found.count / (size[0] * size[1])
    visible, felt = found.visible, visible_part(found.delta_e)
    counted = found.delta_e[visible] if visible.any() else found.delta_e

    small, small_after = shrunk(before, WORK_SIDE_PX), shrunk(after, WORK_SIDE_PX)
    gradients, gradients_after = gradient(lightness(small)), gradient(lightness(small_after))
    within = gradients.shape[0], gradients.shape[1]
    place = scaled(found.box or region, size, within)
    around = widened(place, 1, 1, within)  # the edge of a change stands beside it as well
    across, down = (max(side // 2, _MIN_SURROUNDINGS_PX) for side in (place.width, place.height))
    surroundings = widened(place, across, down, within)

    maps = saliency_map(shrunk(small, MAP_SIDE_PX)), saliency_map(shrunk(small_after, MAP_SIDE_PX))
    shape = maps[0].shape[0], maps[0].shape[1]
    weights = found.spread(felt, size, shape) if felt.any() else _filled(scaled(region, size, shape), shape)
    return Size(
        box=found.box,
        area=area,
        area_visible=area * _mean(visible),
        delta_e=_mean(counted),
        delta_e_peak=float(np.percentile(counted, _PEAK_PERCENTILE)) if counted.size else 0.0,
        edges=edge_change(gradients[around.slices], gradients_after[around.slices]),
        ingredients=Ingredients(
            magnitude=float(np.sqrt(area * _mean(felt**2))),
            complexity=complexity(gradients),
            clutter=complexity(gradients[surroundings.slices]),
            saliency_before=saliency_of(maps[0], weights),
            saliency_after=saliency_of(maps[1], weights),
        ),
    )


def _filled(place: Region, shape: tuple[int, int]) -> Floats:
    """The place of a change that did not come about, on a map."""
    weights: Floats = np.zeros(shape)
    weights[place.slices] = 1
    return weights


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else 0.0
