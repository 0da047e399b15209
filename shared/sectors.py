"""The grid: names of sectors, their regions in pixels, and their opposites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GridSize = Literal[2, 3]

NAMES: dict[int, tuple[tuple[str, ...], ...]] = {
    2: (("TL", "TR"), ("BL", "BR")),
    3: (("TL", "TC", "TR"), ("ML", "MC", "MR"), ("BL", "BC", "BR")),
}
"""Names by grid size, then row, then column."""

ALL_NAMES: tuple[str, ...] = tuple(name for row in NAMES[3] for name in row)

CORNERS: tuple[str, ...] = ("TL", "TR", "BL", "BR")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in pixels: left and top inside, right and bottom outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array of pixels."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def as_tuple(self) -> tuple[int, int, int, int]:
        return (self.left, self.top, self.right, self.bottom)


def names(grid_size: int) -> tuple[str, ...]:
    """The sector names of a grid, row by row. Raises KeyError: ``grid_size`` is neither 2 nor 3."""
    return tuple(name for row in NAMES[grid_size] for name in row)


def position(sector: str, grid_size: int) -> tuple[int, int]:
    """Row and column of a sector, 0-based. Raises ValueError: the grid has no sector of that name."""
    for row, row_names in enumerate(NAMES[grid_size]):
        if sector in row_names:
            return row, row_names.index(sector)
    raise ValueError(f"a grid of {grid_size} has no sector {sector!r}; it has {', '.join(names(grid_size))}")


def region(sector: str, grid_size: int, width: int, height: int) -> Region:
    """The pixels of a sector in a picture of ``width`` by ``height``: edges lie at ``floor(i * size / grid_size)``."""
    row, column = position(sector, grid_size)
    return Region(
        left=column * width // grid_size,
        top=row * height // grid_size,
        right=(column + 1) * width // grid_size,
        bottom=(row + 1) * height // grid_size,
    )


def at_point(x: float, y: float, grid_size: int) -> str:
    """The sector that holds a point given as fractions (0 to 1) of width and height from the top left."""
    last = grid_size - 1
    return NAMES[grid_size][min(int(y * grid_size), last)][min(int(x * grid_size), last)]


def opposite(sector: str, grid_size: int, seed: int) -> str:
    """The sector across the centre; for the centre itself, a corner drawn from the seed."""
    row, column = position(sector, grid_size)
    last = grid_size - 1
    if grid_size == 3 and (row, column) == (1, 1):
        return CORNERS[seed % len(CORNERS)]
    return NAMES[grid_size][last - row][last - column]
