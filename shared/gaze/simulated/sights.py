"""Turning the line of sight: unit vectors from the eyes to the screen, (right, down, ahead)."""

from __future__ import annotations

from math import atan2, cos, hypot, nan, radians, sin, sqrt

from shared.gaze.screen import Screen

Sight = tuple[float, float, float]


def sight_of(screen: Screen, x: float, y: float) -> Sight:
    """The line of sight to a place, which is a fraction of the screen's width and height."""
    right, down, ahead = (x - 0.5) * screen.m[0], (y - 0.5) * screen.m[1], screen.distance_m
    length = sqrt(right * right + down * down + ahead * ahead)
    return right / length, down / length, ahead / length


def place_of(screen: Screen, sight: Sight) -> tuple[float, float]:
    """Where a line of sight meets the screen's plane, as fractions; NaN where it never does."""
    if sight[2] <= 0:
        return nan, nan
    scale = screen.distance_m / sight[2]
    return 0.5 + sight[0] * scale / screen.m[0], 0.5 + sight[1] * scale / screen.m[1]


def way(sight: Sight, right: float, down: float) -> Sight:
    """The unit vector at right angles to a sight, towards which the eye turns; right and down: of any length but 0."""
    level = hypot(sight[0], sight[2])
    length = hypot(right, down)
    right, down = right / length / level, down / length / level
    return (
        right * sight[2] - down * sight[0] * sight[1],
        down * level * level,
        -right * sight[0] - down * sight[1] * sight[2],
    )


def way_between(start: Sight, end: Sight) -> tuple[Sight, float]:
    """The way from one sight to another, and the angle between them in radians. The two must differ."""
    along = start[0] * end[0] + start[1] * end[1] + start[2] * end[2]
    across = (end[0] - along * start[0], end[1] - along * start[1], end[2] - along * start[2])
    length = sqrt(across[0] ** 2 + across[1] ** 2 + across[2] ** 2)
    return (across[0] / length, across[1] / length, across[2] / length), atan2(length, along)


def turned(sight: Sight, towards: Sight, angle: float) -> Sight:
    """The sight after a turn by ``angle`` radians along a way."""
    stays, goes = cos(angle), sin(angle)
    return (
        stays * sight[0] + goes * towards[0],
        stays * sight[1] + goes * towards[1],
        stays * sight[2] + goes * towards[2],
    )


def fractions_per_degree(screen: Screen, x: float, y: float) -> tuple[float, float]:
    """How much of width and height a degree takes at a place: more, the further it is from the middle."""
    sight = sight_of(screen, x, y)
    # Half a degree to either side, so that it is right at the place and not beside it.
    half = radians(0.5)
    left, right = (place_of(screen, turned(sight, way(sight, sign, 0), half))[0] for sign in (-1, 1))
    above, below = (place_of(screen, turned(sight, way(sight, 0, sign), half))[1] for sign in (-1, 1))
    return right - left, below - above
