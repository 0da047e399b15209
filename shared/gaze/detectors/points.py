"""Samples as directions in which the eye looks, so that angles are exact wherever on the screen."""

from __future__ import annotations

from math import asin, degrees, dist, sqrt

from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

Direction = tuple[float, float, float]
"""To the right, downwards and towards the screen, as a vector of length 1."""
Point = tuple[int, float, float, Direction]
"""One valid sample: its time in nanoseconds, x and y as fractions of the screen, and the direction of that."""


def point_of(sample: Sample, screen: Screen) -> Point:
    """A sample that says where the eyes look, seen from the eyes."""
    x, y = sample.x, sample.y
    width_m, height_m = screen.m
    right_m, down_m, away_m = (x - 0.5) * width_m, (y - 0.5) * height_m, screen.distance_m
    length_m = sqrt(right_m * right_m + down_m * down_m + away_m * away_m)
    return sample.t_ns, x, y, (right_m / length_m, down_m / length_m, away_m / length_m)


def degrees_between(one: Direction, other: Direction) -> float:
    """The angle between two directions."""
    return degrees(2 * asin(min(1.0, dist(one, other) / 2)))
