"""Where in its sector an object stands, how large, and how it is turned and tinted: drawn from the seed.

The draws are numpy's PCG64, whose numbers are the same on every platform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator.language.words import Place, Size
from services.generator.painting.scene import sky_share
from shared.sectors import Region

EXTENT: dict[Size, tuple[float, float]] = {"small": (0.28, 0.36), "medium": (0.46, 0.60), "large": (0.72, 0.84)}
"""The object's longer side as a share of the sector's shorter one, from and to."""
MIN_EXTENT_PX = 8
MAX_COUNT = 8

_CANDIDATES = 16
_GROUND_TURN_DEG, _FREE_TURN_DEG = 7.0, 14.0
_HUE_DEG, _ASKED_HUE_DEG = 9.0, 3.0
_OVERLAP_COST = 4.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the prompt says of how its object is to be placed. ``colour_asked``: it names a colour, which a tint must
    not change."""

    size: Size = "medium"
    place: Place = "any"
    count: int = 1
    colour_asked: bool = False


@dataclass(frozen=True, slots=True)
class Pose:
    """One object in the picture; lengths in the picture's pixels.

    Attributes:
        x, y: its centre.
        width, height: before it is turned.
        turn_deg: counter-clockwise, after the flip.
        hue_deg, saturation, gain: its tint.
        on_ground: it stands on something, and so has a shadow.
    """

    x: float
    y: float
    width: float
    height: float
    flip: bool
    turn_deg: float
    hue_deg: float
    saturation: float
    gain: float
    on_ground: bool

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the turned object."""
        half_width, half_height = _turned(self.width / 2, self.height / 2, self.turn_deg)
        return self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height


def place(
    seed: int,
    region: Region,
    aspect: float,
    wish: Wish,
    sky: NDArray[np.bool_],
    picture_size: tuple[int, int],
    margin_px: float = 0.0,
) -> list[Pose]:
    """Poses for all objects of a prompt, the farthest (highest in the picture) first.

    Args:
        region: the sector; no pose reaches beyond it.
        aspect: the object's width over its height.
        sky: from :func:`services.generator.painting.scene.sky_map`.
        margin_px: kept free along the sector's edges, for blur.
    """
    draw = np.random.default_rng(seed)
    count = min(max(wish.count, 1), MAX_COUNT)
    margin = 1 + margin_px + 0.02 * min(region.width, region.height)
    poses: list[Pose] = []
    for _ in range(count):
        turn = draw.uniform(-1, 1) * (_GROUND_TURN_DEG if wish.place == "ground" else _FREE_TURN_DEG)
        width, height = _extent(draw, region, aspect, wish.size, count, turn, margin)
        hue = draw.uniform(-1, 1) * (_ASKED_HUE_DEG if wish.colour_asked else _HUE_DEG)
        tint = (hue, draw.uniform(0.92, 1.08), draw.uniform(0.94, 1.06))
        flip = bool(draw.random() < 0.5)
        half_width, half_height = _room(width / 2, height / 2, turn)
        candidates: list[tuple[float, Pose]] = []
        for across, down in draw.random((_CANDIDATES, 2)).tolist():
            x = _between(across, region.left + margin + half_width, region.right - margin - half_width)
            y = _between(down, region.top + margin + half_height, region.bottom - margin - half_height)
            foot = (x - half_width / 2, y + 0.8 * half_height, x + half_width / 2, y + 1.1 * half_height)
            foot_in_sky = sky_share(sky, foot, *picture_size)
            on_ground = wish.place != "sky" and foot_in_sky < 0.5
            pose = Pose(x, y, width, height, flip, turn if not on_ground else turn / 2, *tint, on_ground)
            score = _score(wish, down, foot_in_sky, sky_share(sky, pose.box, *picture_size))
            score -= _OVERLAP_COST * sum(overlap(pose, other) for other in poses)
            candidates.append((score, pose))
        poses.append(max(candidates, key=lambda candidate: candidate[0])[1])
    return sorted(poses, key=lambda pose: pose.box[3])


def _extent(
    draw: np.random.Generator, region: Region, aspect: float, size: Size, count: int, turn: float, margin: float
) -> tuple[float, float]:
    """Width and height, at the drawn scale, or as large as fits."""
    low, high = EXTENT[size]
    longer = draw.uniform(low, high) * min(region.width, region.height) / math.sqrt(count)
    # An elongated object is given more length, so that its area is nearer to that of a round one.
    longer *= max(aspect, 1 / aspect) ** 0.25
    longer = max(longer, MIN_EXTENT_PX)
    width, height = (longer, longer / aspect) if aspect >= 1 else (longer * aspect, longer)
    room_width, room_height = _room(width, height, turn)
    fit = min(1.0, (region.width - 2 * margin) / room_width, (region.height - 2 * margin) / room_height)
    fit = max(fit, 0.0)
    return max(width * fit, 1.0), max(height * fit, 1.0)


def _score(wish: Wish, down: float, foot_in_sky: float, body_in_sky: float) -> float:
    if wish.place == "ground":
        return (1 - foot_in_sky) + 0.25 * down
    if wish.place == "sky":
        return body_in_sky - 0.1 * down
    return abs(foot_in_sky - 0.5) * 0.5  # on either side of the horizon rather than on it


def overlap(one: Pose, other: Pose) -> float:
    """The boxes' common area, as a share of the smaller box."""
    a, b = one.box, other.box
    common = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return common / max(1e-6, min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])))


def _between(share: float, low: float, high: float) -> float:
    return low + share * (high - low) if high > low else (low + high) / 2


def _room(width: float, height: float, turn_deg: float) -> tuple[float, float]:
    """What an object needs, whether it is turned as drawn or, on the ground, by half of that."""
    whole, half = _turned(width, height, turn_deg), _turned(width, height, turn_deg / 2)
    return max(whole[0], half[0]), max(whole[1], half[1])


def _turned(width: float, height: float, turn_deg: float) -> tuple[float, float]:
    """Bounds of a box turned about its centre."""
    cos, sin = abs(math.cos(math.radians(turn_deg))), abs(math.sin(math.radians(turn_deg)))
    return width * cos + height * sin, width * sin + height * cos
