"""A smooth surface over a hole through given heights at its edge, by Laplace's equation (Pérez, Gangnet and Blake 2003,
"Poisson image editing")."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from services.generator.engine import Floats
from services.generator.natural.raster import Mask, resized, shrunk

_MOST_UNKNOWN = 6_000
"""A larger hole is solved at a smaller scale: the surface is smooth."""


def membrane(hole: Mask, known: Mask, heights: Floats) -> Floats:
    """The surface, of the hole's size and zero outside it.

    Args:
        hole: height x width, where it is wanted.
        known: where ``heights`` counts: pixels at the hole's edge. Where none are, the surface goes on level.
        heights: height x width x channels, float32.
    """
    surface = np.zeros_like(heights)
    if not (hole.any() and known.any()):
        return surface
    unknown, scale = int(hole.sum()), 1
    while unknown / scale**2 > _MOST_UNKNOWN:
        scale += 1
    if scale == 1:
        surface[hole] = _solved(hole, known, heights)
        return surface
    height, width = hole.shape
    small = -(-width // scale), -(-height // scale)
    weights = shrunk(known.astype(np.float32), small)
    sums = shrunk(np.where(known[:, :, None], heights, 0), small)
    small_hole = (shrunk(hole.astype(np.float32), small) > 0) & (weights <= 0)
    means = (sums.reshape(*weights.shape, -1) / np.maximum(weights, 1e-6)[:, :, None]).astype(np.float32)
    coarse = np.where((weights > 0)[:, :, None], means, 0).astype(np.float32)
    if small_hole.any():
        coarse[small_hole] = _solved(small_hole, weights > 0, means)
    fine = resized(coarse, (width, height)).reshape(heights.shape)
    surface[hole] = fine[hole]
    return surface


def _solved(hole: Mask, known: Mask, heights: Floats) -> Floats:
    """Pixels of the hole x channels: each is the mean of those of its neighbours that are in the hole or known."""
    height, width = hole.shape
    rows, columns = np.nonzero(hole)
    count = len(rows)
    number = np.full(hole.shape, -1, np.int64)
    number[hole] = np.arange(count)
    diagonal = np.full(count, 1e-4)
    right = np.zeros((count, heights.shape[2]))
    tails, heads = [], []
    for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        there = rows + down, columns + across
        inside = (there[0] >= 0) & (there[0] < height) & (there[1] >= 0) & (there[1] < width)
        there = there[0].clip(0, height - 1), there[1].clip(0, width - 1)
        in_hole, at_edge = inside & hole[there], inside & known[there] & ~hole[there]
        diagonal += in_hole
        diagonal += at_edge
        right[at_edge] += heights[there][at_edge]
        tails.append(np.nonzero(in_hole)[0])
        heads.append(number[there][in_hole])
    everyone = np.arange(count)
    matrix = sparse.coo_matrix(
        (
            np.concatenate([diagonal, np.full(sum(map(len, tails)), -1.0)]),
            (np.concatenate([everyone, *tails]), np.concatenate([everyone, *heads])),
        ),
        shape=(count, count),
    ).tocsc()
    solved: Floats = (
        splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(right).astype(np.float32)
    )
    return solved
