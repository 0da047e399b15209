"""A model's drift in tone, measured where it was to leave the picture as it was, at the size that it works at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator.engine import Floats, Pixels
from shared.sectors import Region

MAX_TONE_SHIFT = 24.0
"""Levels: a larger difference is no drift of a decoder but another picture, and is left."""
MAX_GAIN = 1.15
MAX_UNLIKE = 12.0
"""Levels by which the blocks may differ, in the median, once the drift is taken out; else it is another picture."""

_BLOCK_PX = 8
"""Means of blocks are compared: what the model makes sharper or softer is no matter of tone."""
_LEAST_BLOCKS = 4
_STEADY = 4.0
"""Squared levels: surroundings of one tone say nothing of a gain, which is then near 1."""
_ROUNDS = 3
_OUTLIER = 2.5 * 1.4826
_LEAST_OUTLIER = 1.0
"""A block is left out of the fit beyond so many median deviations, and levels."""


@dataclass(frozen=True, slots=True)
class Drift:
    """``after = gain * before + offset`` for each of three channels, in levels."""

    gain: Floats
    offset: Floats

    def taken_out(self, painted: Floats) -> Pixels:
        """What a model has painted, height x width x 3 from 0 to 1, in levels and without the drift."""
        factor, less = (255 / self.gain).astype(np.float32), (self.offset / self.gain).astype(np.float32)
        levels = painted * factor
        levels -= less
        np.clip(np.rint(levels, out=levels), 0, 255, out=levels)
        return levels.astype(np.uint8)


def none() -> Drift:
    """No drift."""
    return Drift(np.ones(3, np.float32), np.zeros(3, np.float32))


def drift(before: Pixels, after: Floats, painted: Region) -> Drift:
    """The drift from what a model was given to what it gave.

    An autoencoder shifts a picture's colours a little as a whole, and may take some of their contrast. Around what was
    to be painted the model was to leave the picture as it was: over the blocks there, a line is fitted by least
    squares, channel by channel, again without those that lie far from it.

    Args:
        before: height x width x 3, in levels.
        after: the same from 0 to 1, of the same size.
        painted: what the model was to paint; what lies around it is compared.

    Returns:
        :func:`none` where too little lies around it, or what does is another picture.
    """
    around = _around(painted, before.shape[0] // _BLOCK_PX, before.shape[1] // _BLOCK_PX)
    if around.sum() < _LEAST_BLOCKS:
        return none()
    x, y = _blocks(before)[around], 255 * _blocks(after)[around]
    if np.abs(y.mean(axis=0) - x.mean(axis=0)).max() > 2 * MAX_TONE_SHIFT:
        return none()
    fits = [_fit(x[:, channel], y[:, channel]) for channel in range(3)]
    if any(fit is None for fit in fits):
        return none()
    gain, offset = np.array(fits, np.float32).T
    return Drift(gain, offset)


def _fit(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Gain and offset of one channel; None: it is another picture."""
    kept = np.ones(len(x), bool)
    gain, offset, unlike = 1.0, 0.0, np.zeros(len(x))
    for _ in range(_ROUNDS):
        mean_x, mean_y = x[kept].mean(), y[kept].mean()
        from_mean = x[kept] - mean_x
        gain = (np.mean(from_mean * (y[kept] - mean_y)) + _STEADY) / (np.mean(from_mean**2) + _STEADY)
        offset = mean_y - gain * mean_x
        unlike = np.abs(y - gain * x - offset)
        kept = unlike <= max(_LEAST_OUTLIER, _OUTLIER * float(np.median(unlike)))
    shift = abs(y[kept].mean() - x[kept].mean())
    if not 1 / MAX_GAIN <= gain <= MAX_GAIN or shift > MAX_TONE_SHIFT or np.median(unlike) > MAX_UNLIKE:
        return None
    return float(gain), float(offset)


def _around(painted: Region, rows: int, columns: int) -> NDArray[np.bool_]:
    """Which blocks lie wholly outside what was painted."""
    around = np.ones((rows, columns), bool)
    down = slice(painted.top // _BLOCK_PX, -(-painted.bottom // _BLOCK_PX))
    across = slice(painted.left // _BLOCK_PX, -(-painted.right // _BLOCK_PX))
    around[down, across] = False
    return around


def _blocks(picture: NDArray[np.generic]) -> NDArray[np.float64]:
    """Means of the blocks: rows x columns x 3. First down, where whole rows are added up, as that is quick."""
    rows, columns = picture.shape[0] // _BLOCK_PX, picture.shape[1] // _BLOCK_PX
    whole = picture[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    down = whole.reshape(rows, _BLOCK_PX, columns * _BLOCK_PX, 3).sum(axis=1, dtype=np.float32)
    means: NDArray[np.float64] = down.reshape(rows, columns, _BLOCK_PX, 3).sum(axis=2, dtype=np.float64) / _BLOCK_PX**2
    return means
