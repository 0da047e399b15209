"""CIELAB and CIEDE2000, held to what is published of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.generator.measuring.colour import ciede2000, lab, lightness
from tests.unit.generator.measuring.sharma import PAIRS

colours = arrays.arrays(np.uint8, (4, 3))


def test_the_published_pairs_differ_by_what_is_published() -> None:
    one, other, published = (np.array([pair[part] for pair in PAIRS]) for part in range(3))
    assert len(PAIRS) == 34
    assert np.abs(ciede2000(one, other) - published).max() < 0.00005


def test_white_black_and_red_have_their_values_in_cielab() -> None:
    pixels = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8)
    assert lab(pixels) == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]]), abs=0.02)
    assert lightness(pixels) == pytest.approx(lab(pixels)[:, 0], abs=1e-4)


def test_a_grey_has_no_colour() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    assert np.abs(lab(greys)[:, 1:]).max() < 1e-3
    assert (np.diff(lab(greys)[:, 0]) > 0).all()


def test_it_agrees_with_scikit_image() -> None:
    color = pytest.importorskip("skimage.color")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5000, 3), dtype=np.uint8)
    one, other = lab(pixels)
    assert np.abs(lab(pixels) - color.rgb2lab(pixels)).max() < 0.02
    assert np.abs(ciede2000(one, other) - color.deltaE_ciede2000(one, other)).max() < 0.001


@given(colours, colours)
def test_it_is_a_difference(one: np.ndarray, other: np.ndarray) -> None:
    there, back = ciede2000(lab(one), lab(other)), ciede2000(lab(other), lab(one))
    assert np.isfinite(there).all()
    assert there == pytest.approx(back, abs=1e-3)
    assert (ciede2000(lab(one), lab(one)) == 0).all()
    assert ((there > 0) == (one != other).any(axis=1)).all()


@given(st.integers(0, 254), st.integers(1, 255))
def test_greys_differ_more_the_further_they_are_apart(level: int, more: int) -> None:
    greys = np.repeat(np.arange(level, min(level + more, 255) + 1, dtype=np.uint8)[:, None], 3, axis=1)
    from_first = ciede2000(lab(np.repeat(greys[:1], len(greys), axis=0)), lab(greys))
    assert (np.diff(from_first) > 0).all()
