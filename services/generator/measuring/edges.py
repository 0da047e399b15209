"""Edges of a picture: how strong they are, and how many."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from services.generator.engine import Floats

_EDGE_STEP = 2.0
"""L* from one pixel to the next that counts as half an edge."""


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """What a change does to the edges of a place, in L* a pixel, each a mean over the place.

    Attributes:
        gained: where the gradient has grown, by how much.
        lost: where it has shrunk, by how much; not negative.
    """

    gained: float
    lost: float

    @property
    def energy(self) -> float:
        """Mean gradient after, minus that before."""
        return self.gained - self.lost


def gradient(lightness: Floats) -> Floats:
    """The gradient's magnitude in L* a pixel: 32-bit height x width to the same.

    By the operator of H. Scharr ("Optimale Operatoren in der digitalen Bildverarbeitung", Heidelberg 2000), weights 3,
    10, 3, scaled so that a ramp of one L* a pixel gives 1. The border is continued by its own pixels.
    """
    across, down = (
        cv2.Scharr(lightness, cv2.CV_32F, *axis, scale=1 / 32, borderType=cv2.BORDER_REPLICATE)
        for axis in ((1, 0), (0, 1))
    )
    magnitude: Floats = np.sqrt(across * across + down * down)
    return magnitude


def edge_change(before: Floats, after: Floats) -> EdgeChange:
    """Of the gradients of one place."""
    grown = after - before
    return EdgeChange(
        gained=float(np.maximum(grown, 0).mean(dtype=np.float64)),
        lost=float(np.maximum(-grown, 0).mean(dtype=np.float64)),
    )


def complexity(gradients: Floats) -> float:
    """How much of a place is edges: 0 where all is flat, towards 1 where there is nothing else.

    Edge density is a common measure of visual clutter (M. L. Mack, A. Oliva, 2004; compared with others by
    R. Rosenholtz, Y. Li, L. Nakano, "Measuring visual clutter", Journal of Vision 7(2):17, 2007). Theirs counts the
    pixels that an edge detector finds; here each counts by how steep it is, so that no threshold makes it jump.
    """
    return float((gradients / (gradients + _EDGE_STEP)).mean(dtype=np.float64))
