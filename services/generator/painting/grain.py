"""Grain: how much of it a part of a picture has, and as much anew.

It is told from what is in the picture by three things. A second difference down of one across (J. Immerkaer, "Fast
noise variance estimation", Computer Vision and Image Understanding 64, 1996) sees neither plains and slopes nor
straight edges along the axes. Where a picture has texture, some patches have less than others: the smoothest count. And
grain knows nothing of its neighbours three pixels on, which patterns do, and leaves no pixel out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.generator.engine import Floats, Pixels
from shared.sectors import Region

LEAST_VARIANCE = 0.25
"""Squared levels: less is rounding."""
MOST_NEIGHBOUR = 0.35
"""How much of a neighbour is mixed into a pixel of grain at most; more than that is texture, or out of focus."""

_SIDES_PX = (32, 16)
"""Of patches: the first of which there are enough."""
_LEAST_PATCHES, _MOST_PATCHES = 6, 128
_LEAST_SHARE = 0.15
"""Where fewer of the patches have no pattern, none is trusted."""
_PATTERN = 0.3
"""Correlation with what lies some pixels on, from which a patch counts as a pattern's."""
_AWAY_PX = range(3, 7)
_SPARSE = 0.1
"""Where the median's share of the variance is less, few pixels stand out of many that do not: a pattern as well."""
_MEDIAN_TO_DEVIATION = 1.4826
_SMOOTHEST, _ALIKE = 0.25, 1.3
"""The share of patches that are smooth for sure, and how much more than they a patch may have and count too."""
_FULL = (6, 249)
"""Mean levels outside of which a patch is cut off, and its grain with it."""
_ROUNDING = 1 / 12
_UNIT_LEVELS = 32
"""Standard deviation at which grain is drawn, so that it has room and steps enough in 8 bits."""


@dataclass(frozen=True, slots=True)
class Grain:
    """Of a part of a picture.

    Attributes:
        covariance: 3 x 3, of the channels, in squared levels of what each pixel has of its own.
        neighbour: share of each of the four neighbours, and squared of the diagonal ones, that is mixed into it.
    """

    covariance: NDArray[np.float64]
    neighbour: float


def patches(pixels: Pixels, area: Region, hole: Region | None = None) -> Pixels:
    """Square patches of a part of a picture around a hole: n x side x side x 3, spread evenly; n is 0 where there is
    room for too few."""
    for side in _SIDES_PX:
        tops, lefts = (
            np.arange(area.top, area.bottom - side + 1, side),
            np.arange(area.left, area.right - side + 1, side),
        )
        places = np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=-1).reshape(-1, 2)
        if hole is not None:
            beside = (places[:, 0] + side <= hole.top) | (places[:, 0] >= hole.bottom)
            places = places[beside | (places[:, 1] + side <= hole.left) | (places[:, 1] >= hole.right)]
        if len(places) >= _LEAST_PATCHES:
            chosen = places[np.linspace(0, len(places) - 1, min(len(places), _MOST_PATCHES)).astype(int)]
            return np.stack([pixels[top : top + side, left : left + side] for top, left in chosen])
    return np.zeros((0, _SIDES_PX[-1], _SIDES_PX[-1], 3), np.uint8)


def grain_of(found: Pixels) -> Grain | None:
    """The grain that all the patches (n x side x side x 3) have; None: none, or it cannot be told from texture."""
    if not len(found):
        return None
    means = found.mean(axis=(1, 2, 3))
    full = (means >= _FULL[0]) & (means <= _FULL[1])
    residual = _residual(found[full], 1)
    counted = _without_pattern(residual)
    if counted.sum() < max(_LEAST_PATCHES // 2, _LEAST_SHARE * len(found)):
        return None
    residual = residual[counted]
    own = _variance(residual)
    smooth = own <= _ALIKE * np.quantile(own, _SMOOTHEST)
    flat = residual[smooth].reshape(-1, 3).astype(np.float64)
    covariance = flat.T @ flat / len(flat) - _ROUNDING * np.eye(3)
    if np.trace(covariance) / 3 < LEAST_VARIANCE:
        return None
    wider = _residual(found[full][counted][smooth], 2).astype(np.float64)
    neighbour = _neighbour(float(np.mean(wider**2) - _ROUNDING) / float(np.trace(covariance) / 3))
    if neighbour >= MOST_NEIGHBOUR:
        return None
    return Grain(covariance / _seen(neighbour), neighbour)


def least_of(found: Pixels) -> float:
    """Variance, in squared levels, that the smoothest of the patches have, of grain or anything else as fine."""
    return float(np.quantile(_variance(_residual(found, 1)), _SMOOTHEST)) if len(found) else 0.0


def drawn(height: int, width: int, neighbour: float, seed: int) -> Pixels:
    """Grain of mean 128 and a standard deviation of 32 levels for each of three channels: height x width x 3.

    Of the generator only its bits are used, which are the same in all of numpy's versions; a sum of four bytes is
    near enough a normal draw.
    """
    count = height * width * 3
    bits = np.random.PCG64(seed).random_raw(-(-count // 2)).astype("<u8").view("<u4")[:count]
    pairs = (bits & 0x00FF00FF) + ((bits >> 8) & 0x00FF00FF)
    sums = (((pairs + (pairs >> 16)) & 0xFFFF).astype(np.float32) - 510).reshape(height, width, 3)
    sums *= np.float32(_UNIT_LEVELS / np.sqrt(4 * (256**2 - 1) / 12))
    if neighbour:
        for axis in (0, 1):
            sums = sums + np.float32(neighbour) * (np.roll(sums, 1, axis) + np.roll(sums, -1, axis))
        sums /= np.float32(1 + 2 * neighbour**2)
    unit: Pixels = np.rint(128 + sums).clip(0, 255).astype(np.uint8)
    return unit


def coloured(unit: Floats, grain: Grain) -> Floats:
    """Grain as :func:`drawn`, less its mean, made as strong as another, and its channels as much alike; in levels."""
    strength = 1 + 2 * grain.neighbour**2
    variances, ways = np.linalg.eigh(grain.covariance)
    mixed = (ways * np.sqrt(variances.clip(0))) @ ways.T * (strength / _UNIT_LEVELS)
    red, green, blue = mixed.astype(np.float32)  # not a matrix product: its last bits hang on the count of threads
    levels: Floats = unit[:, :, :1] * red + unit[:, :, 1:2] * green + unit[:, :, 2:] * blue
    return levels


def as_kept(unit: Pixels, work: tuple[int, int]) -> Floats:
    """What is left of grain, less its mean, once it was scaled to a model's size (width, height) and back."""
    there = Image.fromarray(unit).resize(work, Image.Resampling.LANCZOS)
    back = there.resize((unit.shape[1], unit.shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(back).astype(np.float32) - 128


def _residual(found: Pixels, step: int) -> NDArray[np.float32]:
    """Second differences down of those across, over ``step`` pixels; of white grain its standard deviation is kept."""
    values = found.astype(np.int16)
    down = values[:, : -2 * step] - 2 * values[:, step:-step] + values[:, 2 * step :]
    both = down[:, :, : -2 * step] - 2 * down[:, :, step:-step] + down[:, :, 2 * step :]
    residual: NDArray[np.float32] = both.astype(np.float32) / 6
    return residual


def _variance(residual: NDArray[np.float32]) -> Floats:
    """Of each patch, the mean of its channels."""
    variance: Floats = np.mean(residual**2, axis=(1, 2, 3))
    return variance


def _without_pattern(residual: NDArray[np.float32]) -> NDArray[np.bool_]:
    grey = residual.mean(axis=3)
    own = np.maximum(np.mean(grey**2, axis=(1, 2)), 1e-9)
    most = np.zeros(len(grey), np.float32)
    for away in _AWAY_PX:
        down = np.mean(grey[:, away:] * grey[:, :-away], axis=(1, 2))
        across = np.mean(grey[:, :, away:] * grey[:, :, :-away], axis=(1, 2))
        most = np.maximum(most, np.maximum(np.abs(down), np.abs(across)) / own)
    most_are = (_MEDIAN_TO_DEVIATION * np.median(np.abs(grey), axis=(1, 2))) ** 2
    without: NDArray[np.bool_] = (most < _PATTERN) & (most_are > _SPARSE * own)
    return without


def _seen(neighbour: float) -> float:
    """Share of its pixels' own variance that grain with so much of its neighbours shows in the residual."""
    one, two = 2 * neighbour, neighbour**2
    return ((6 * (1 + 2 * two) - 8 * one + 2 * two) / 6) ** 2


def _neighbour(ratio: float) -> float:
    """How much of its neighbours grain has whose residual over two pixels is ``ratio`` times that over one, squared."""
    shares = np.linspace(0, MOST_NEIGHBOUR, 36)
    two = shares**2
    ratios = ((6 * (1 + 2 * two) - 8 * two) / (6 * (1 + 2 * two) - 16 * shares + 2 * two)) ** 2
    return float(np.interp(ratio, ratios, shares))
