"""Pictures at the sizes that they are measured at."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.generator.measuring.scaling import scaled, shrunk, widened
from shared.sectors import Region

sides = st.integers(1, 3000)


def test_a_small_picture_stays_as_it_is() -> None:
    pixels = np.zeros((40, 64, 3), np.uint8)
    assert shrunk(pixels, 64) is pixels


def test_each_pixel_is_the_mean_of_its_area_and_the_picture_may_be_read_only() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    means = pixels.reshape(16, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk(pixels, 32) - means).max() <= 0.5


def test_a_very_long_picture_keeps_a_row() -> None:
    assert shrunk(np.zeros((2, 3000, 3), np.uint8), 64).shape == (1, 64, 3)


@given(sides, sides, sides, sides, st.data())
def test_a_box_stays_one_within_the_picture(
    height: int, width: int, small_height: int, small_width: int, data: st.DataObject
) -> None:
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    to = min(height, small_height), min(width, small_width)
    box = scaled(Region(left, top, right, bottom), (height, width), to)
    assert 0 <= box.left < box.right <= to[1]
    assert 0 <= box.top < box.bottom <= to[0]
    assert box.left / to[1] <= left / width + 1e-9
    assert box.bottom / to[0] >= bottom / height - 1e-9


def test_a_box_is_widened_up_to_the_border() -> None:
    assert widened(Region(2, 5, 8, 9), 4, 1, (10, 10)) == Region(0, 4, 10, 10)


@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 40), st.data())
def test_no_pixel_is_left_out(height: int, width: int, side: int, data: st.DataObject) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    at = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    pixels[at] = 255
    small = shrunk(pixels, side)
    assert max(small.shape[:2]) <= max(side, 1)
    mean = 255 / (height * width)
    # Of a doubled row and column it counts four times at most; and what is below half a level rounds to nothing.
    assert small.mean() <= 4 * mean + 0.5
    if 255 * small.shape[0] * small.shape[1] / (height * width) > 5:
        assert small.any()
