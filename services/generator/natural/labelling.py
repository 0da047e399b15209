"""Which of several offsets each pixel of a hole is filled from: a graph cut with few, hardly visible seams.

Alpha expansion (Boykov, Veksler and Zabih 2001) with the seam cost of photomontage (Agarwala et al. 2004): going from
one offset to another costs as much as the two differ there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from services.generator.engine import Floats
from services.generator.natural.offsets import Offset
from services.generator.natural.raster import Mask

_UNIT = 16.0
"""Costs are whole numbers in the cut: sixteenths of a unit of Lab."""
_FORBIDDEN = 10_000_000
_SWEEPS = 2

Labels = NDArray[np.int32]


class Labelling:
    """The pixels of a hole, each with the number of an offset.

    Args:
        lab: height x width x 3, float32.
        core: the part of the hole that may not stay as it is; the rest may, under an offset of none.
        usable: what may be copied.
    """

    def __init__(self, lab: Floats, hole: Mask, core: Mask, usable: Mask, offsets: list[Offset]) -> None:
        self._rows, self._columns = np.nonzero(hole)
        self._count = len(self._rows)
        number = np.full(hole.shape, -1, np.int64)
        number[hole] = np.arange(self._count)
        self._pairs = self._neighbours(number)
        height, width = hole.shape
        colours, allowed = [], []
        for offset in offsets:
            rows, columns = self._rows + offset.down, self._columns + offset.across
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
            sources = usable if offset.down or offset.across else hole & ~core
            allowed.append(inside & sources[rows, columns])
            colours.append(lab[rows, columns])
        self._colours = np.stack(colours)
        self._allowed = np.stack(allowed)
        self._own = self._edge_costs(lab, hole, usable, offsets)

    @staticmethod
    def _neighbours(number: NDArray[np.int64]) -> NDArray[np.int64]:
        across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
        down = np.stack([number[:-1].ravel(), number[1:].ravel()])
        both = np.concatenate([across, down], axis=1)
        pairs: NDArray[np.int64] = both[:, (both >= 0).all(axis=0)]
        return pairs

    def _edge_costs(self, lab: Floats, hole: Mask, usable: Mask, offsets: list[Offset]) -> Floats:
        """By offset and pixel: how much it differs from the picture where the pixel lies at the hole's edge."""
        height, width = hole.shape
        costs = np.zeros((len(offsets), self._count), np.float32)
        for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            rows, columns = self._rows + down, self._columns + across
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
            outside = inside & ~hole[rows, columns]
            for number, offset in enumerate(offsets):
                there_rows = (rows + offset.down).clip(0, height - 1)
                there_columns = (columns + offset.across).clip(0, width - 1)
                known = outside & usable[there_rows, there_columns]
                gap = np.abs(lab[rows, columns] - lab[there_rows, there_columns]).sum(axis=1)
                costs[number] += np.where(known, gap, 0)
        costs[~self._allowed] = _FORBIDDEN / _UNIT
        return costs

    def solve(self) -> Labels:
        """The offsets' numbers, of the hole's pixels row by row."""
        start = int(self._own.sum(axis=1).argmin())
        labels = np.full(self._count, start, np.int32)
        best = self.energy(labels)
        for _ in range(_SWEEPS):
            before = best
            for number in range(len(self._own)):
                tried = self._expanded(labels, number)
                energy = self.energy(tried)
                if energy < best:
                    labels, best = tried, energy
            if best >= before:
                break
        return labels

    def is_filled(self, labels: Labels) -> bool:
        """Whether every pixel has a source."""
        return bool(self._allowed[labels, np.arange(self._count)].all())

    def _gap(self, one: Labels, other: Labels, at: NDArray[np.int64]) -> Floats:
        """How much two offsets differ at pixels."""
        gap: Floats = np.abs(self._colours[one, at] - self._colours[other, at]).sum(axis=1)
        return gap

    def _seams(self, first: Labels, second: Labels) -> Floats:
        """By pair of neighbours: what it costs that they have these offsets."""
        one, other = self._pairs
        seams: Floats = self._gap(first, second, one) + self._gap(first, second, other)
        return seams

    def energy(self, labels: Labels) -> float:
        """What a labelling costs: less is better."""
        one, other = self._pairs
        own = self._own[labels, np.arange(self._count)].sum()
        return float(own + self._seams(labels[one], labels[other]).sum())

    def _expanded(self, labels: Labels, number: int) -> Labels:
        """The best of all labellings in which pixels keep theirs or take ``number``."""
        one, other = self._pairs
        alpha = np.full(len(one), number, np.int32)
        both_keep = self._seams(labels[one], labels[other])
        first_keeps, second_keeps = self._seams(labels[one], alpha), self._seams(alpha, labels[other])
        keep = self._own[labels, np.arange(self._count)].astype(np.float64)
        take = self._own[number].astype(np.float64)
        # Kolmogorov and Zabih 2004: a pair's four costs as one arc and shifts of the pixels' own ones.
        keep += np.bincount(one, both_keep - second_keeps, self._count)
        keep += np.bincount(other, second_keeps, self._count)
        arcs = np.maximum(first_keeps + second_keeps - both_keep, 0)
        flow_in = np.rint(np.maximum(take - keep, 0) * _UNIT)
        flow_out = np.rint(np.maximum(keep - take, 0) * _UNIT)
        source, sink = self._count, self._count + 1
        pixels = np.arange(self._count)
        tails = np.concatenate([np.full(self._count, source), pixels, one])
        heads = np.concatenate([pixels, np.full(self._count, sink), other])
        caps = np.concatenate([flow_in, flow_out, np.rint(arcs * _UNIT)]).clip(0, _FORBIDDEN * 4).astype(np.int32)
        graph = sparse.csr_matrix((caps, (tails, heads)), shape=(self._count + 2,) * 2)
        graph.eliminate_zeros()
        residual = graph - maximum_flow(graph, source, sink).flow
        residual.data[residual.data < 0] = 0
        residual.eliminate_zeros()
        reached = breadth_first_order(residual, source, return_predecessors=False)
        keeps = np.zeros(self._count + 2, bool)
        keeps[reached] = True
        return np.where(keeps[: self._count], labels, number).astype(np.int32)
