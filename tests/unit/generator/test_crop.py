import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.painting import crop
from shared.sectors import Region

SIDES = st.integers(64, 4096)
MODELS = [(128, 8), (512, 64), (768, 64), (1024, 16), (1328, 16)]
PICTURES = [(1024, 1024), (1024, 768), (2048, 1365), (640, 480), (1000, 700), (600, 1200)]
GRIDS = (2, 3, 4, 5)


def cell_of(grid: int, row: int, column: int, width: int, height: int) -> Region:
    """A sector of any grid: as :func:`shared.sectors.region`, by its place."""
    return Region(
        column * width // grid, row * height // grid, (column + 1) * width // grid, (row + 1) * height // grid
    )


@settings(max_examples=300)
@given(SIDES, SIDES, st.integers(2, 10), st.data(), st.sampled_from(MODELS))
def test_the_crop_holds_the_sector_and_fits_the_picture_and_the_model(
    width: int, height: int, grid: int, data: st.DataObject, model: tuple[int, int]
) -> None:
    size, factor = model
    row, column = data.draw(st.integers(0, grid - 1)), data.draw(st.integers(0, grid - 1))
    target = cell_of(grid, row, column, width, height)
    planned = crop.plan(target, width, height, size, factor)
    box, inner = planned.box, planned.target
    assert 0 <= box.left <= target.left < target.right <= box.right <= width
    assert 0 <= box.top <= target.top < target.bottom <= box.bottom <= height
    assert (inner.left + box.left, inner.top + box.top) == (target.left, target.top)
    assert (inner.width, inner.height) == (target.width, target.height)
    assert planned.work_width % factor == planned.work_height % factor == 0
    assert 0.75 < planned.work_width * planned.work_height / size**2 < 1.3
    assert 1 / 2.3 < planned.work_width / planned.work_height < 2.3
    # context on at least one side of each axis: no sector of a grid is the whole picture
    assert box.width > target.width
    assert box.height > target.height


def test_a_sector_inside_gets_the_same_context_all_around() -> None:
    assert crop.plan(Region(400, 400, 600, 600), 1000, 1000, 512, 64).box == Region(300, 300, 700, 700)


def test_context_missing_at_the_border_is_made_up_on_the_other_side() -> None:
    assert crop.plan(Region(800, 800, 1000, 1000), 1000, 1000, 512, 64).box == Region(600, 600, 1000, 1000)


def test_a_long_sector_gets_context_until_the_model_is_shown_no_longer_a_box_than_it_knows() -> None:
    box = crop.plan(Region(0, 400, 900, 500), 1000, 1000, 512, 8).box
    assert (box.width, box.height) == (1000, 910)


@pytest.mark.parametrize("region", [Region(0, 0, 0, 5), Region(5, 0, 5, 5), Region(-1, 0, 5, 5), Region(0, 0, 101, 5)])
def test_a_sector_that_is_not_in_the_picture_is_refused(region: Region) -> None:
    with pytest.raises(ValueError, match="does not lie in a picture"):
        crop.plan(region, 100, 100, 512, 64)


@pytest.mark.parametrize("factor", [8, 16, 32, 64])
@pytest.mark.parametrize("size", [512, 1024])
@pytest.mark.parametrize(("width", "height"), PICTURES)
def test_nothing_is_squeezed_and_the_box_ends_where_the_next_sector_does(
    width: int, height: int, size: int, factor: int
) -> None:
    for grid in GRIDS:
        for row in range(grid):
            for column in range(grid):
                planned = crop.plan(cell_of(grid, row, column, width, height), width, height, size, factor)
                across, down = planned.scale
                half_a_pixel = 0.5 / min(planned.box.width, planned.box.height)
                assert abs(across / down - 1) <= max(0.005, half_a_pixel)
                first = cell_of(grid, max(row - 1, 0), max(column - 1, 0), width, height)
                last = cell_of(grid, min(row + 1, grid - 1), min(column + 1, grid - 1), width, height)
                assert planned.box.left >= first.left
                assert planned.box.right <= last.right
                assert planned.box.top >= first.top
                assert planned.box.bottom <= last.bottom


@pytest.mark.parametrize(("width", "height"), [(64, 4096), (4096, 64), (64, 64), (100, 2000)])
def test_of_a_strip_the_aspect_is_what_its_border_allows(width: int, height: int) -> None:
    for grid in (2, 3, 10):
        target = cell_of(grid, grid // 2, grid // 2, width, height)
        box = crop.plan(target, width, height, 512, 64).box
        assert box.width == min(width, box.width)
        assert box.width >= min(width, target.width + crop.MIN_CONTEXT_PX)
        assert box.height >= min(height, target.height + crop.MIN_CONTEXT_PX)


@pytest.mark.parametrize("cell", [8, 16, 32, 64])
@pytest.mark.parametrize("size", [512, 1024])
@pytest.mark.parametrize(("width", "height"), [*PICTURES, (64, 64), (64, 4096), (101, 67)])
def test_every_pixel_of_the_sector_is_painted_and_some_around_it_is_not(
    width: int, height: int, size: int, cell: int
) -> None:
    for grid in (*GRIDS, 10):
        for row in range(grid):
            for column in range(grid):
                planned = crop.plan(cell_of(grid, row, column, width, height), width, height, size, max(cell, 8))
                left, top, right, bottom = planned.work_target
                mask = planned.mask(cell)
                assert mask.left <= max(left - crop.MASK_REACH_PX, 0)
                assert mask.top <= max(top - crop.MASK_REACH_PX, 0)
                assert mask.right >= min(right + crop.MASK_REACH_PX, planned.work_width)
                assert mask.bottom >= min(bottom + crop.MASK_REACH_PX, planned.work_height)
                assert not any(edge % cell for edge in mask.as_tuple())
                # no further than it must
                assert left - mask.left < crop.MASK_REACH_PX + cell
                assert mask.right - right < crop.MASK_REACH_PX + cell
                assert mask.width * mask.height < 0.9 * planned.work_width * planned.work_height


def test_of_a_sector_of_few_pixels_something_is_seen_all_the_same() -> None:
    for place in ((0, 0), (5, 5), (9, 9)):
        box = crop.plan(cell_of(10, *place, 64, 64), 64, 64, 512, 64).box
        assert min(box.width, box.height) >= 6 + crop.MIN_CONTEXT_PX
