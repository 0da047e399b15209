"""How far from where a viewer looks a change lies. Not part of its size: it is known only once there is a viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot

from services.generator.measuring.rounding import rounded
from shared.sectors import Region

Point = tuple[float, float]
"""x and y as fractions of the picture, from its top left."""
DegreesBetween = Callable[[Point, Point], float]
"""Visual angle between two points of the picture, as ``View.degrees`` of a trial gives it for its screen."""


@dataclass(frozen=True, slots=True)
class Eccentricity:
    """Distance from the focus to a change.

    Attributes:
        centre: to the middle of its box, as a share of the picture's diagonal.
        edge: to the nearest point of its box, in the same; 0 within it.
        centre_deg, edge_deg: the same in degrees of visual angle; None: nothing is known of the screen.
    """

    centre: float
    edge: float
    centre_deg: float | None = None
    edge_deg: float | None = None

    def notes(self) -> dict[str, float]:
        """For JSON, beside those of the size; what is not known is not there."""
        named = {
            "eccentricity_centre": self.centre,
            "eccentricity_edge": self.edge,
            "eccentricity_centre_deg": self.centre_deg,
            "eccentricity_edge_deg": self.edge_deg,
        }
        return {name: rounded(value) for name, value in named.items() if value is not None}


def eccentricity(
    box: Region, focus: Point, picture_size: tuple[int, int], degrees_between: DegreesBetween | None = None
) -> Eccentricity:
    """Of a box in pixels of a picture of ``picture_size`` (width, height), seen from a focus."""
    width, height = picture_size
    middle = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
    nearest = (
        min(max(focus[0], box.left / width), box.right / width),
        min(max(focus[1], box.top / height), box.bottom / height),
    )
    diagonal = hypot(width, height)
    centre, edge = (
        hypot((to[0] - focus[0]) * width, (to[1] - focus[1]) * height) / diagonal for to in (middle, nearest)
    )
    if degrees_between is None:
        return Eccentricity(centre, edge)
    return Eccentricity(centre, edge, degrees_between(focus, middle), degrees_between(focus, nearest))


def by_pixels_per_degree(pixels_per_degree: float, picture_size: tuple[int, int]) -> DegreesBetween:
    """For a lab that knows its screen by this one number, of the picture's pixels; exact near the middle of the screen
    alone. Raises ValueError: it is not above 0."""
    if not pixels_per_degree > 0:
        raise ValueError(f"pixels per degree have to be above 0, not {pixels_per_degree}")
    width, height = picture_size

    def degrees_between(one: Point, other: Point) -> float:
        return hypot((other[0] - one[0]) * width, (other[1] - one[1]) * height) / pixels_per_degree

    return degrees_between
