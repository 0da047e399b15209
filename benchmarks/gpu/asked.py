"""What is asked for, alike of an engine by itself and over HTTP: each time another photograph and another prompt, so
that nothing is known from before."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from benchmarks.pictures import always_new

SIDE_PX = 1024
SECTOR, FOCUS, GRID = "MC", "TL", 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One change.

    Attributes:
        photograph: a JPEG of 1024 x 1024 pixels.
    """

    photograph: bytes
    prompt: str
    seed: int


def asked(count: int, first: int = 0) -> list[Asked]:
    """So many changes, all made before anything is timed; ``first``: number of the first one."""
    photographs = itertools.islice(always_new(SIDE_PX, "jpeg"), first, first + count)
    return [Asked(one, f"a bee, number {seed}", seed) for seed, one in enumerate(photographs, first)]
