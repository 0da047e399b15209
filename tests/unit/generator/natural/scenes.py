"""A photograph's stand-in: sand with grain, and a ball on it that casts a shadow."""

from __future__ import annotations

import numpy as np

from services.generator.engine import Floats, Pixels
from services.generator.natural.raster import Mask, blurred
from services.generator.natural.surroundings import Surroundings
from services.generator.natural.things import Thing
from shared.sectors import Region

SIDE = 240
BALL = Region(90, 100, 130, 140)
"""In the sector."""


def sand(width: int = SIDE, height: int = SIDE, seed: int = 1) -> Pixels:
    """Grainy ground, lighter to the right."""
    draw = np.random.default_rng(seed)
    grain = blurred(draw.normal(0, 30, (height, width)), 1.2) + draw.normal(0, 2, (height, width))
    level = 120 + 40 * np.linspace(0, 1, width)[None, :] + grain
    return np.rint(level[:, :, None] * np.array([1.0, 0.9, 0.7])).clip(0, 255).astype(np.uint8)


def disc(region: Region = BALL, width: int = SIDE, height: int = SIDE) -> Floats:
    """Opacity of an ellipse that fills a region, height x width."""
    y, x = np.mgrid[:height, :width] + 0.5
    across = (x - (region.left + region.right) / 2) / (region.width / 2)
    down = (y - (region.top + region.bottom) / 2) / (region.height / 2)
    steepness = min(region.width, region.height) / 2
    return ((1 - np.hypot(across, down)) * steepness + 0.5).clip(0, 1).astype(np.float32)


def with_ball(ground: Pixels, colour: tuple[int, int, int] = (200, 40, 40), *, shadow: bool = True) -> Pixels:
    """A ball in a colour, lit from the left, and its shadow to the right of its foot."""
    height, width = ground.shape[:2]
    picture = ground.astype(np.float32)
    if shadow:
        foot = Region(BALL.left + 10, BALL.bottom - 10, BALL.right + 26, BALL.bottom + 6)
        picture *= 1 - 0.45 * disc(foot, width, height)[:, :, None]
    alpha = disc(BALL, width, height)[:, :, None]
    body = np.broadcast_to(np.array(colour, np.float32), picture.shape).copy()
    body[:, BALL.left : BALL.right] *= np.linspace(1.2, 0.7, BALL.width)[None, :, None]
    return np.rint(picture + alpha * (body - picture)).clip(0, 255).astype(np.uint8)


def ball() -> Thing:
    """As a segmenter would find it: with a soft edge, a little too large."""
    box = Region(BALL.left - 5, BALL.top - 5, BALL.right + 5, BALL.bottom + 5)
    return Thing(box, blurred(disc(), 1.0)[box.slices].copy(), 0.95)


def surroundings(picture: Pixels) -> Surroundings:
    height, width = picture.shape[:2]
    return Surroundings.of(picture, Region(0, 0, width, height))


def redness(picture: Pixels | Floats) -> Mask:
    """Where it is clearly red."""
    levels = np.asarray(picture, np.float32)
    return levels[:, :, 0] > levels[:, :, 1] + 60
