"""Where two pictures differ, and by how much as it is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels
from services.generator.measuring.colour import ciede2000, lab
from shared.sectors import Region

VISIBLE_DELTA_E = 2.3
"""A just noticeable difference: M. Mahy, L. Van Eycken, A. Oosterlinck, "Evaluation of uniform color spaces developed
after the adoption of CIELAB and CIELUV", Color Research and Application 19(2), 1994. Theirs is of CIE 1976 units; of
CIEDE2000, which is mostly smaller, it is on the safe side."""
_SAMPLES = 16381
"""Pixels at most whose colour difference is worked out, spread evenly over those that differ. A prime, so that they do
not stand in columns in a sector of any usual width."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between two pictures.

    Attributes:
        box: what differs lies in it, in the picture's pixels; None: nothing differs.
        count: pixels that differ in any channel.
        delta_e: CIEDE2000 at some of them, each standing for as many others; at all where they are few.
        rows, columns: where in the picture these are.
    """

    box: Region | None
    count: int
    delta_e: Floats
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Which of the colour differences are noticed."""
        return self.delta_e > VISIBLE_DELTA_E

    def spread(self, felt: Floats, size: tuple[int, int], shape: tuple[int, int]) -> Floats:
        """The sum of ``felt``, a number for each of the colour differences, in each cell of a map of a picture.

        Args:
            size: height and width of the picture.
            shape: of the map.
        """
        cells = self.rows * shape[0] // size[0] * shape[1] + self.columns * shape[1] // size[1]
        sums = np.bincount(cells, weights=felt, minlength=shape[0] * shape[1])
        return sums.reshape(shape).astype(np.float64)


def differences(before: Pixels, sector: Pixels, region: Region) -> Differences:
    """Between a picture and one that has ``sector`` in its region."""
    bits = before[region.slices] ^ sector
    differs = (bits[..., 0] | bits[..., 1] | bits[..., 2]) != 0
    places = np.flatnonzero(differs)
    count = places.size
    if count > _SAMPLES:
        places = places[np.arange(_SAMPLES) * count // _SAMPLES]
    rows, columns = places // region.width, places % region.width
    was, now = before[rows + region.top, columns + region.left], sector[rows, columns]
    return Differences(
        _box(differs, region), count, ciede2000(lab(was), lab(now)), rows + region.top, columns + region.left
    )


def visible_part(delta_e: Floats) -> Floats:
    """What of a colour difference counts: nearly all of a large one, half of 1.3, little of one far below what can be
    noticed, so that the faint noise of a whole repainted sector does not add up to an object. It grows with each."""
    part: Floats = delta_e**2 / np.hypot(delta_e, VISIBLE_DELTA_E)
    return part


def _box(differs: NDArray[np.bool_], region: Region) -> Region | None:
    columns, rows = np.flatnonzero(differs.any(axis=0)), np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return None
    return Region(
        left=region.left + int(columns[0]),
        top=region.top + int(rows[0]),
        right=region.left + int(columns[-1]) + 1,
        bottom=region.top + int(rows[-1]) + 1,
    )
