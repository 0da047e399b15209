"""A hole in a photograph filled from the photograph itself: parts copied from where the surroundings look alike, cut
together along seams that hardly show, and lifted to the light at the hole's edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels
from services.generator.natural.labelling import Labelling
from services.generator.natural.membrane import membrane
from services.generator.natural.offsets import Offset, find_offsets, ring_of
from services.generator.natural.raster import Mask, blurred, enlarged, inset, shrunk, spread, to_lab

_SEARCH_SIDE_PX = 320
"""Offsets are looked for in a picture of at most this side,"""
_HOLE_PX = 2_500
"""and with a hole of at most about so many pixels."""
_RING_PX = 5
_REFINED_BY_PX = 2
_COMPARED = 4_000
"""Pixels that are looked at for each offset that is tried."""
_MOST_WHOLE, _MOST_OFFSETS = 4, 10
_MOST_LIFT = 20.0
"""Levels: what differs by more is another thing, not another light."""
_EDGE_PX = 3
_LIGHT_PX = 6.0
_FEATHER_PX = 3.0
_SEAM, _SEAM_ALWAYS = 1.4, 0.6
_MISMATCH, _MISMATCH_ALWAYS = 1.3, 0.8
"""What may differ, for each unit of texture, which hides it, and without any: read off fills of photographs."""
_STAY = Offset(0, 0, 0.0, is_whole=False)
"""Pixels of the hole that show no part of the thing may stay as they are."""

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled hole.

    Attributes:
        colour: height x width x 3, float32 levels; the picture's own outside the hole.
        seam: mean difference of neighbouring pixels along seams, in Lab (the sum over its three channels).
        texture: the same around the hole: what hides a seam.
        mismatch: root mean square difference, in Lab, of what lies around the hole and around its sources.
    """

    colour: Floats
    seam: float
    texture: float
    mismatch: float

    @property
    def is_convincing(self) -> bool:
        """Whether it would not show: what differs is hidden by the texture around it."""
        seam, mismatch = _SEAM * self.texture + _SEAM_ALWAYS, _MISMATCH * self.texture + _MISMATCH_ALWAYS
        return self.seam <= seam and self.mismatch <= mismatch


class NothingAlike(Exception):
    """There is nothing in the picture that the hole could be filled with."""


def fill(pixels: Pixels, hole: Mask, core: Mask, usable: Mask, grain: int = 1) -> Filled:
    """Fill a hole.

    Args:
        pixels: height x width x 3: the surroundings in which to search.
        hole: height x width.
        core: the part of the hole that has to go; seams lie in the rest of it.
        usable: what may be copied; the hole never is.
        grain: pixels between two that are compared to tell how much texture there is: a large picture is seen smaller.

    Raises NothingAlike: nothing around it may be copied.
    """
    usable = usable & ~hole
    scale = max(1.0, max(hole.shape) / _SEARCH_SIDE_PX, (hole.sum() / _HOLE_PX) ** 0.5)
    lab = to_lab(pixels)
    small_lab, small_hole, small_core, small_usable = _smaller(lab, hole, core, usable, scale)
    offsets = _best(find_offsets(small_lab, small_hole, small_usable, _RING_PX))
    if not offsets:
        raise NothingAlike
    labelling = Labelling(small_lab, small_hole, small_core, small_usable, [_STAY, *offsets])
    found = labelling.solve()
    if not labelling.is_filled(found):
        raise NothingAlike
    number = np.full(small_hole.shape, -1, np.int32)
    number[small_hole] = found
    labels = _enlarged(number, hole, core)
    steps = {0: (0, 0)}
    for each in np.unique(labels[hole & (labels > 0)]):
        steps[int(each)] = _refined(lab, hole, usable, labels == each, offsets[int(each) - 1], scale)
    copied = _copied(pixels, hole, labels, steps)
    replaced = hole & (labels > 0)
    around = usable | (hole & ~replaced)
    lifted = copied + _lift(pixels, replaced, around, labels, steps)
    opacity = _feather(replaced, core)
    colour = pixels + opacity[:, :, None] * (lifted - pixels)
    ring = ring_of(hole, 2 * _RING_PX * grain) & usable
    mismatch = _mismatch(lab, replaced, around, labels, steps)
    seam, texture = _gap(to_lab(colour.clip(0, 255)), hole | usable, grain, labels), _gap(lab, ring, grain)
    return Filled(colour.astype(np.float32), seam, texture, mismatch)


def _best(offsets: list[Offset]) -> list[Offset]:
    """Those of the whole ring first, then of its wedges, each by cost."""
    ranked = sorted(offsets, key=lambda offset: offset.cost)
    whole = [offset for offset in ranked if offset.is_whole][:_MOST_WHOLE]
    return [*whole, *[offset for offset in ranked if offset not in whole]][:_MOST_OFFSETS]


def _smaller(lab: Floats, hole: Mask, core: Mask, usable: Mask, scale: float) -> tuple[Floats, Mask, Mask, Mask]:
    if scale == 1.0:
        return lab, hole, core, usable
    height, width = hole.shape
    size = max(8, round(width / scale)), max(8, round(height / scale))

    holes, cores, sources = (shrunk(mask.astype(np.float32), size) for mask in (hole, core, usable))
    return shrunk(lab, size), holes > 0, cores > 0, (sources > 0.999) & (holes <= 0)


def _enlarged(number: Labels, hole: Mask, core: Mask) -> Labels:
    """Labels at the full size; pixels that the small hole missed take their neighbours', and none of the core stays."""
    labels = enlarged(spread(number.astype(np.float32), 2), (hole.shape[1], hole.shape[0])).astype(np.int32)
    missed = core & (labels <= 0)
    if missed.any():
        moving = np.where(labels > 0, labels, -1).astype(np.float32)
        labels = np.where(missed, spread(moving, 8 + int(max(hole.shape) / _SEARCH_SIDE_PX)), labels).astype(np.int32)
    return np.where(hole, np.maximum(labels, 0), -1).astype(np.int32)


def _refined(lab: Floats, hole: Mask, usable: Mask, part: Mask, offset: Offset, scale: float) -> tuple[int, int]:
    """An offset at the full size: of those near it, the one under which the part's edge differs least."""
    down, across = round(offset.down * scale), round(offset.across * scale)
    reach = _REFINED_BY_PX + int(scale)
    edge = ring_of(hole & part, 3) & usable
    rows, columns = _some_of(edge, _COMPARED)
    part_rows, part_columns = np.nonzero(hole & part)
    some = slice(None, None, 1 + len(part_rows) // _COMPARED)
    height, width = hole.shape
    best, best_cost = None, np.inf
    own = lab[rows, columns]
    for step_down in range(down - reach, down + reach + 1):
        for step_across in range(across - reach, across + reach + 1):
            far = part_rows + step_down, part_columns + step_across
            if min(far[0].min(), far[1].min()) < 0 or far[0].max() >= height or far[1].max() >= width:
                continue
            if not usable[far[0][some], far[1][some]].all():
                continue
            there = (rows + step_down).clip(0, height - 1), (columns + step_across).clip(0, width - 1)
            cost = float(((lab[there] - own) ** 2).mean()) if len(rows) else 0.0
            if cost < best_cost and usable[far].all():
                best, best_cost = (step_down, step_across), cost
    if best is None:
        raise NothingAlike
    return best


def _some_of(mask: Mask, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a mask's pixels; of very many an even part."""
    rows, columns = np.nonzero(mask)
    step = 1 + len(rows) // most
    return rows[::step], columns[::step]


def _copied(pixels: Pixels, hole: Mask, labels: Labels, steps: dict[int, tuple[int, int]]) -> Floats:
    """The picture with the hole's pixels copied from where their offsets point."""
    result = pixels.astype(np.float32)
    for number, (down, across) in steps.items():
        rows, columns = np.nonzero(hole & (labels == number))
        result[rows, columns] = pixels[rows + down, columns + across]
    return result


def _gaps(
    pixels: Floats, hole: Mask, usable: Mask, labels: Labels, steps: dict[int, tuple[int, int]]
) -> tuple[Floats, Mask]:
    """By pixel just outside the hole, by how much it differs from the one that the fill goes on with there, and where
    that is known. ``pixels``: height x width x channels."""
    height, width = hole.shape
    edge = ring_of(hole, _EDGE_PX) & usable
    near = spread(np.where(hole, labels, -1).astype(np.float32), _EDGE_PX + 1)
    gaps = np.zeros(pixels.shape, np.float32)
    known = np.zeros((height, width), bool)
    for number, (down, across) in steps.items():
        rows, columns = np.nonzero(edge & (near == number))
        there = rows + down, columns + across
        inside = (there[0] >= 0) & (there[0] < height) & (there[1] >= 0) & (there[1] < width)
        rows, columns, there = rows[inside], columns[inside], (there[0][inside], there[1][inside])
        good = usable[there]
        rows, columns, there = rows[good], columns[good], (there[0][good], there[1][good])
        gaps[rows, columns] = pixels[rows, columns] - pixels[there]
        known[rows, columns] = True
    return gaps, known


def _lift(pixels: Pixels, hole: Mask, usable: Mask, labels: Labels, steps: dict[int, tuple[int, int]]) -> Floats:
    """What is to be added so that the copy meets the picture at the hole's edge: the difference there, spread smoothly.
    Differences are those of small means: single pixels differ by their grain."""
    means = _local_means(pixels.astype(np.float32), usable)
    gaps, known = _gaps(means, hole, usable, labels, steps)
    return membrane(hole, known, gaps.clip(-_MOST_LIFT, _MOST_LIFT))


def _mismatch(lab: Floats, hole: Mask, usable: Mask, labels: Labels, steps: dict[int, tuple[int, int]]) -> float:
    """How much what lies around the hole differs from what lies around its sources, beside a difference of light that
    is lifted: root mean square, in Lab."""
    gaps, known = _gaps(lab, hole, usable, labels, steps)
    if not known.any():
        return np.inf
    weights = blurred(known.astype(np.float32), _LIGHT_PX)[:, :, None]
    light = (blurred(gaps, _LIGHT_PX) / np.maximum(weights, 1e-3)).clip(-_MOST_LIFT / 2.55, _MOST_LIFT / 2.55)
    return float((((gaps - light)[known]) ** 2).sum(axis=1).mean() ** 0.5)


def _local_means(pixels: Floats, usable: Mask) -> Floats:
    weights = blurred(usable.astype(np.float32), 2.0)
    return blurred(np.where(usable[:, :, None], pixels, 0), 2.0) / np.maximum(weights, 1e-3)[:, :, None]


def _feather(replaced: Mask, core: Mask) -> Floats:
    """How much of the copy shows: all of it over the core, less towards its edge."""
    return np.where(core, 1.0, (inset(replaced) / _FEATHER_PX).clip(0, 1)).astype(np.float32)


def _gap(lab: Floats, among: Mask, apart: int, labels: Labels | None = None) -> float:
    """Mean difference of pixels that are so many pixels apart; ``labels``: only of those whose labels differ."""
    everything, before, behind = slice(None), slice(None, -apart), slice(apart, None)
    found = []
    for here, there in (((before, everything), (behind, everything)), ((everything, before), (everything, behind))):
        at = among[here] & among[there]
        if labels is not None:
            at &= labels[here] != labels[there]
        found.append(np.abs(lab[here] - lab[there]).sum(axis=2)[at])
    every = np.concatenate(found)
    return float(every.mean()) if every.size else 0.0
