"""The grid: each pixel in one sector, each sector where its name says."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import sectors

grids = st.sampled_from([2, 3])
sizes = st.integers(64, 4096)
seeds = st.integers(0, 2**63 - 1)


@given(grids, sizes, sizes)
def test_the_sectors_cover_each_pixel_once(grid: int, width: int, height: int) -> None:
    regions = [sectors.region(name, grid, width, height) for name in sectors.names(grid)]
    assert sum(region.width * region.height for region in regions) == width * height
    for row in range(grid):
        in_row = regions[row * grid : (row + 1) * grid]
        assert in_row[0].left == 0
        assert in_row[-1].right == width
        assert all(one.right == other.left for one, other in pairwise(in_row))
        assert len({(region.top, region.bottom) for region in in_row}) == 1
    assert regions[0].top == 0
    assert regions[-1].bottom == height


@given(grids, sizes, sizes, st.data())
def test_a_pixel_lies_in_the_sector_that_its_centre_names(
    grid: int, width: int, height: int, data: st.DataObject
) -> None:
    column, row = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    # A pixel that an edge runs through belongs by the floor of the edge; away from edges both rules agree.
    edges = {i * width / grid for i in range(1, grid)}, {i * height / grid for i in range(1, grid)}
    if any(abs(column + 0.5 - edge) <= 1 for edge in edges[0]) or any(abs(row + 0.5 - edge) <= 1 for edge in edges[1]):
        return
    name = sectors.at_point((column + 0.5) / width, (row + 0.5) / height, grid)
    region = sectors.region(name, grid, width, height)
    assert region.left <= column < region.right
    assert region.top <= row < region.bottom


@pytest.mark.parametrize("grid", [2, 3])
@pytest.mark.parametrize(("x", "y", "corner"), [(0, 0, "TL"), (1, 0, "TR"), (0, 1, "BL"), (1, 1, "BR")])
def test_the_corners_of_the_picture_are_in_the_corner_sectors(
    grid: Literal[2, 3], x: float, y: float, corner: str
) -> None:
    assert sectors.at_point(x, y, grid) == corner


@given(grids, seeds, st.data())
def test_the_opposite_of_the_opposite_is_the_sector(grid: int, seed: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sectors.names(grid)))
    other = sectors.opposite(name, grid, seed)
    assert other != name
    if name != "MC":
        assert sectors.opposite(other, grid, seed) == name
    else:
        assert other in sectors.CORNERS


def test_the_centres_opposite_is_each_corner_for_some_seed() -> None:
    assert {sectors.opposite("MC", 3, seed) for seed in range(4)} == set(sectors.CORNERS)


def test_opposites_lie_across_the_centre() -> None:
    assert [sectors.opposite(name, 3, 0) for name in ("TL", "TC", "TR", "ML")] == ["BR", "BC", "BL", "MR"]
    assert [sectors.opposite(name, 2, 0) for name in sectors.names(2)] == ["BR", "BL", "TR", "TL"]


@given(grids, st.data())
def test_position_and_name_agree(grid: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sectors.names(grid)))
    row, column = sectors.position(name, grid)
    assert sectors.NAMES[grid][row][column] == name


@pytest.mark.parametrize(("name", "grid"), [("MC", 2), ("tl", 3), ("", 3), ("XX", 3)])
def test_a_sector_that_the_grid_lacks_is_refused_with_those_it_has(name: str, grid: int) -> None:
    with pytest.raises(ValueError, match="it has TL"):
        sectors.position(name, grid)


def test_edges_lie_at_the_floor() -> None:
    assert sectors.region("MC", 3, 100, 64).as_tuple() == (33, 21, 66, 42)
    assert sectors.region("BR", 2, 65, 65).as_tuple() == (32, 32, 65, 65)
