"""A layer model's raw RGBA becomes a clean object: firm alpha, no specks, colours that are right up to the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from services.generator.engine import Floats

_ALPHA_FLOOR, _ALPHA_CEILING = 0.08, 0.94
"""Opacity below the floor is a decoder's haze, above the ceiling its solid."""
_SOLID = 0.5
_SPECK = 0.04
"""A part with less than this share of the largest part's area is a speck."""
_REACH_PX = 3
"""How far the soft edge of a solid part reaches."""
_STRAIGHT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object cut to its bounds, with a border of one transparent pixel.

    Attributes:
        colour: height x width x 3, sRGB from 0 to 1, not multiplied by opacity. Beyond the object's edge it goes on
            with the nearest colours, so that resampling never mixes in a background.
        alpha: height x width, 0 to 1.
    """

    colour: Floats
    alpha: Floats

    @property
    def width(self) -> int:
        return int(self.alpha.shape[1])

    @property
    def height(self) -> int:
        return int(self.alpha.shape[0])


class NothingDrawn(Exception):
    """The model left its layer empty."""


def cut_out(rgba: Floats) -> Cutout:
    """Clean a layer: height x width x 4, 0 to 1. Whether its colours are multiplied by opacity or straight is seen from
    the values: multiplied ones are never above their opacity. Raises NothingDrawn: no part of it is solid."""
    raw_alpha = rgba[:, :, 3].clip(0, 1)
    alpha = _drop_specks(((raw_alpha - _ALPHA_FLOOR) / (_ALPHA_CEILING - _ALPHA_FLOOR)).clip(0, 1))
    solid = alpha > _SOLID
    if not solid.any():
        raise NothingDrawn
    colour = rgba[:, :, :3].clip(0, 1)
    if _is_premultiplied(colour, raw_alpha):
        colour = (colour / np.maximum(raw_alpha, _ALPHA_FLOOR)[:, :, None]).clip(0, 1)
    colour = _extend(colour, solid)
    rows, columns = np.nonzero(alpha.any(axis=1))[0], np.nonzero(alpha.any(axis=0))[0]
    bounds = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(
        colour=np.pad(colour[bounds], ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float32),
        alpha=np.pad(alpha[bounds], 1).astype(np.float32),
    )


def _drop_specks(alpha: Floats) -> Floats:
    """Only the large solid parts, each with its own soft edge."""
    parts, count = ndimage.label(alpha > _SOLID, structure=np.ones((3, 3)))
    if count == 0:
        return alpha
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    kept = (areas >= _SPECK * areas.max())[parts]
    near = ndimage.distance_transform_edt(~kept) <= _REACH_PX
    return np.where(near, alpha, np.float32(0))


def _is_premultiplied(colour: Floats, alpha: Floats) -> bool:
    soft = (alpha > _ALPHA_FLOOR) & (alpha < _ALPHA_CEILING)
    if not soft.any():
        return True
    return bool((colour.max(axis=2) > alpha + 0.1)[soft].mean() < _STRAIGHT_SHARE)


def _extend(colour: Floats, solid: NDArray[np.bool_]) -> Floats:
    """Colours of solid pixels carried outwards: where little of a colour was drawn, dividing by opacity gives noise."""
    nearest = ndimage.distance_transform_edt(~solid, return_distances=False, return_indices=True)
    extended: Floats = colour[nearest[0], nearest[1]]
    return extended
