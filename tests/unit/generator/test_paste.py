import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.engine import into_picture
from services.generator.painting import paste
from shared import sectors
from shared.sectors import Region

SIDES = st.integers(64, 400)


def outside(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape[:2], bool)
    mask[region.slices] = False
    return mask


@settings(max_examples=80, deadline=None)
@given(SIDES, SIDES, st.sampled_from([2, 3]), st.data(), st.integers(0, 2**32 - 1))
def test_nothing_outside_the_sector_changes(width: int, height: int, grid: int, data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    region = sectors.region(data.draw(st.sampled_from(sectors.names(grid))), grid, width, height)
    painted = rng.integers(0, 256, (region.height, region.width, 3), dtype=np.uint8)
    before = pixels.copy()
    result = into_picture(pixels, region, paste.blend(pixels, region, painted))
    changed = outside(region, pixels.shape)
    assert np.array_equal(result[changed], before[changed])
    assert np.array_equal(pixels, before)
    assert not np.array_equal(result, before)


def test_the_feather_is_none_where_the_picture_goes_on_and_full_at_its_border() -> None:
    mask = paste.feather_mask(Region(0, 0, 100, 100), 300, 300)
    assert mask[0, 0] == mask[50, 50] == mask[0, 50] == 1
    assert mask[50, 99] < 0.06
    assert mask[99, 50] < 0.06
    assert paste.feather_mask(Region(100, 100, 200, 200), 300, 300)[[0, -1]].max() < 0.06
    assert paste.feather_mask(Region(0, 0, 300, 300), 300, 300).min() == 1


@pytest.mark.parametrize(("width", "height"), [(512, 512), (1024, 1024), (2048, 1365), (4096, 4096), (640, 480)])
def test_a_middle_sector_shows_fully_in_most_of_it(width: int, height: int) -> None:
    mask = paste.feather_mask(sectors.region("MC", 3, width, height), width, height)
    assert (mask == 1).mean() >= 0.85


def test_the_feather_has_no_slope_at_either_end_and_no_step() -> None:
    mask = paste.feather_mask(Region(1000, 1000, 2000, 2000), 3000, 3000)
    ramp = 35
    steps = np.diff(np.concatenate([[0.0], mask[500, : ramp + 1]]))
    assert steps.max() <= 1.5 / ramp + 1e-6  # a smoothstep's steepest
    assert steps[0] < steps.max() / 20
    assert steps[-1] < steps.max() / 20


def test_a_drawn_objects_shadow_keeps_its_wide_room() -> None:
    room = paste.shadow_room(Region(100, 100, 400, 400), 600, 600)
    assert np.abs(np.diff(room, axis=0)).max() < 0.03
    assert room[:53].max() < 1 <= room[54, 150]


def test_where_old_and_new_are_mixed_there_is_as_much_grain() -> None:
    rng = np.random.default_rng(1)
    pixels = (128 + rng.normal(0, 8, (900, 900, 3))).astype(np.uint8)
    region = Region(300, 300, 600, 600)
    grain = rng.normal(0, 8, (300, 300, 3)).astype(np.float32)
    blended = paste.blend(pixels, region, np.full((300, 300, 3), 128, np.uint8), grain)
    for depth in range(12):
        assert blended[depth].std() == pytest.approx(8, rel=0.12)


def test_paint_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fill"):
        paste.blend(np.zeros((64, 64, 3), np.uint8), Region(0, 0, 32, 32), np.zeros((32, 31, 3), np.uint8))
