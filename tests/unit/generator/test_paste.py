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
    assert mask[50, 99] < 0.005
    assert mask[99, 50] < 0.005
    assert paste.feather_mask(Region(100, 100, 200, 200), 300, 300)[[0, -1]].max() < 0.005
    assert paste.feather_mask(Region(0, 0, 300, 300), 300, 300).min() == 1


def test_no_step_of_the_feather_is_visible() -> None:
    mask = paste.feather_mask(Region(100, 100, 400, 400), 600, 600)
    assert np.abs(np.diff(mask, axis=0)).max() < 0.03
    assert np.abs(np.diff(mask, axis=1)).max() < 0.03


def test_paint_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fill"):
        paste.blend(np.zeros((64, 64, 3), np.uint8), Region(0, 0, 32, 32), np.zeros((32, 31, 3), np.uint8))


def test_a_drift_in_tone_is_taken_out_and_another_picture_is_left() -> None:
    rng = np.random.default_rng(0)
    original = rng.integers(60, 200, (80, 80, 3), dtype=np.uint8)
    target = Region(20, 20, 60, 60)
    drifted = original + np.array([5, 0, 251], np.uint8)  # 251 is -5 modulo 256
    assert np.array_equal(paste.match_tone(drifted, original, target), original)
    other = np.zeros_like(original)
    assert np.array_equal(paste.match_tone(other, original, target), other)
    assert np.array_equal(paste.match_tone(drifted, original, Region(0, 0, 80, 80)), drifted)
