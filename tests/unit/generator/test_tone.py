"""A model's drift in tone: found as it is, whatever has been painted, and left alone where it is another picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from services.generator.painting import tone
from shared.sectors import Region

PAINTED = Region(40, 40, 120, 120)


def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (
        (128 + ndimage.gaussian_filter(rng.normal(0, 1, (160, 160, 3)), (6, 6, 0)) * 500).clip(40, 215).astype(np.uint8)
    )


@pytest.mark.parametrize("gain", [0.9, 0.95, 1.0, 1.05])
@pytest.mark.parametrize("offset", [(0, 0, 0), (9, -5, 3)])
def test_a_gain_and_an_offset_are_found_and_taken_out(gain: float, offset: tuple[int, int, int]) -> None:
    before = picture()
    after = (before * gain + np.array(offset)).astype(np.float32) / 255
    after[PAINTED.slices] = 0.9  # of what is new in the sector nothing is measured
    found = tone.drift(before, after, PAINTED)
    assert found.gain == pytest.approx(np.full(3, gain), abs=0.002)
    after = (before * gain + np.array(offset)).astype(np.float32) / 255
    assert np.abs(found.taken_out(after).astype(int) - before).max() <= 1


def test_blocks_that_the_model_has_changed_do_not_count() -> None:
    before = picture()
    after = (before * 0.95).astype(np.float32) / 255
    after[:32, :64] = 0.1
    assert tone.drift(before, after, PAINTED).gain == pytest.approx(np.full(3, 0.95), abs=0.005)


def test_surroundings_of_one_tone_tell_an_offset_alone() -> None:
    before = np.full((160, 160, 3), 100, np.uint8)
    found = tone.drift(before, np.full((160, 160, 3), 95 / 255, np.float32), PAINTED)
    assert found.gain == pytest.approx(np.ones(3))
    assert found.offset == pytest.approx(np.full(3, -5), abs=0.01)


@pytest.mark.parametrize("after", [np.zeros((160, 160, 3), np.float32), 1 - picture().astype(np.float32) / 255])
def test_another_picture_is_left(after: np.ndarray) -> None:
    found = tone.drift(picture(), after, PAINTED)
    assert np.array_equal(found.gain, np.ones(3))
    assert np.array_equal(found.offset, np.zeros(3))


def test_where_all_was_to_be_painted_nothing_is_compared() -> None:
    found = tone.drift(picture(), picture().astype(np.float32) / 300, Region(0, 0, 160, 160))
    assert np.array_equal(found.gain, np.ones(3))
