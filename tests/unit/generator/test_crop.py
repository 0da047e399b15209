import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.painting import crop
from shared import sectors
from shared.sectors import Region

SIDES = st.integers(64, 4096)


@settings(max_examples=300)
@given(
    SIDES,
    SIDES,
    st.sampled_from([2, 3]),
    st.data(),
    st.sampled_from([(128, 8), (512, 64), (768, 64), (1024, 16), (1328, 16)]),
)
def test_the_crop_holds_the_sector_and_fits_the_picture_and_the_model(
    width: int, height: int, grid_size: int, data: st.DataObject, model: tuple[int, int]
) -> None:
    size, factor = model
    target = sectors.region(data.draw(st.sampled_from(sectors.names(grid_size))), grid_size, width, height)
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


def test_a_long_sector_gets_context_until_it_is_two_to_one() -> None:
    box = crop.plan(Region(0, 400, 900, 500), 1000, 1000, 512, 64).box
    assert (box.width, box.height) == (1000, 900)


@pytest.mark.parametrize("region", [Region(0, 0, 0, 5), Region(5, 0, 5, 5), Region(-1, 0, 5, 5), Region(0, 0, 101, 5)])
def test_a_sector_that_is_not_in_the_picture_is_refused(region: Region) -> None:
    with pytest.raises(ValueError, match="does not lie in a picture"):
        crop.plan(region, 100, 100, 512, 64)
