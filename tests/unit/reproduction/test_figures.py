"""Figures of distance, against scikit-image on whole pictures and against pictures whose distance is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from reproduction.figures import difference_map, differing_outside, figures
from services.generator.engine import Pixels
from shared.sectors import Region


def noise(height: int = 64, width: int = 80, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_equal_pictures_have_no_distance() -> None:
    found = figures(noise(), noise())
    assert found.identical
    assert (found.differing_pixels, found.psnr_db, found.ssim) == (0, None, 1.0)


def test_one_level_in_one_channel_is_seen() -> None:
    picture = noise()
    other = picture.copy()
    other[5, 6, 1] ^= 1
    found = figures(picture, other)
    assert found.differing_pixels == 1
    assert found.psnr_db == pytest.approx(10 * math.log10(255**2 * picture.size))
    assert 0.99 < found.ssim < 1


def test_black_against_white_is_as_far_as_it_gets() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    found = figures(black, ~black)
    assert found.psnr_db == 0
    assert found.ssim < 0.001


@given(
    top=st.integers(0, 60),
    left=st.integers(0, 70),
    height=st.integers(1, 70),
    width=st.integers(1, 80),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_ssim_is_that_of_the_whole_picture(top: int, left: int, height: int, width: int, seed: int) -> None:
    picture = noise(seed=seed)
    other = picture.copy()
    patch = other[top : top + height, left : left + width]
    patch[...] = 255 - patch
    expected = structural_similarity(
        picture,
        other,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert figures(picture, other).ssim == pytest.approx(expected, abs=1e-12)


def test_only_what_lies_outside_the_region_counts() -> None:
    source, region = noise(), Region(10, 20, 30, 40)
    picture = source.copy()
    picture[20:40, 10:30] = 0
    assert differing_outside(picture, source, region) == 0
    for y, x in ((19, 10), (40, 29), (20, 9), (39, 30)):
        picture[y, x] ^= 1
    assert differing_outside(picture, source, region) == 4
    assert (picture[region.slices] == 0).all()


def test_different_sizes_cannot_be_compared() -> None:
    for compare in (figures, difference_map):
        with pytest.raises(ValueError, match="80 x 64 and 64 x 64"):
            compare(noise(), noise(64, 64))
    with pytest.raises(ValueError, match="its input 64 x 64"):
        differing_outside(noise(), noise(64, 64), Region(0, 0, 1, 1))


def test_a_map_is_black_where_nothing_differs_and_brighter_the_more_does() -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    other = picture.copy()
    other[0, 0, 2], other[0, 1], other[0, 2] = 101, 40, 255
    shown = difference_map(picture, other).astype(int).sum(axis=2)
    assert 0 < shown[0, 0] < shown[0, 1] < shown[0, 2]
    assert shown.sum() == shown[0, :3].sum()
    assert (difference_map(picture * 0, ~(picture * 0)) == 255).all()
