"""Whether a change is of the size that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

MEASURES: tuple[str, ...] = (
    *("area", "area_visible", "delta_e", "delta_e_peak"),
    *("edge_energy", "edges_gained", "edges_lost"),
    *("saliency_before", "saliency_after", "saliency_change"),
    *("difficulty", "ma_2013", "verma_2010"),
    *("eccentricity_centre", "eccentricity_edge", "eccentricity_centre_deg", "eccentricity_edge_deg"),
)
"""The numbers of a change's notes that a range can be asked of."""


def ranges(magnitude: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """What is asked for, by measure: the lowest and the highest number. Raises ValueError: a name is none of
    :data:`MEASURES`, or a range is not two finite numbers of which the first is not the larger."""
    found = {}
    for name, asked in magnitude.items():
        if name not in MEASURES:
            raise ValueError(f"a change has no measure {name!r}; it has {', '.join(MEASURES)}")
        if not isinstance(asked, list | tuple) or len(asked) != 2 or not all(_is_finite(one) for one in asked):
            raise ValueError(f"the range of {name} has to be two numbers, the lowest and the highest")
        low, high = float(asked[0]), float(asked[1])
        if low > high:
            raise ValueError(f"the range of {name} goes from {low:g} down to {high:g}; the lower number comes first")
        found[name] = (low, high)
    return found


def within(notes: Mapping[str, Any], magnitude: Mapping[str, Any]) -> str | None:
    """Which numbers of a change lie outside of what is asked for, in a sentence; None: none does. Both ends of a range
    belong to it. Raises ValueError: as :func:`ranges`."""
    outside = []
    for name, (low, high) in ranges(magnitude).items():
        value = notes.get(name)
        if value is None:
            outside.append(f"its {name} is not known, and {low:g} to {high:g} is asked for")
        elif not low <= value <= high:
            outside.append(f"its {name} is {value:g}, and {low:g} to {high:g} is asked for")
    return "; ".join(outside) or None


def _is_finite(value: Any) -> bool:
    # True is an int to Python, and no number to anybody else. An int too large for a float is none that a range has.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False
