"""The saliency map: what stands out is salient, where nothing does all is alike."""

from __future__ import annotations

import numpy as np
import pytest

from services.generator.measuring.saliency import MAP_SIDE_PX, saliency_map, saliency_of
from services.generator.measuring.scaling import shrunk
from tests.unit.generator.measuring.scenes import textured


def test_one_thing_on_a_plain_ground_stands_out() -> None:
    pixels = np.full((64, 64, 3), 120, np.uint8)
    pixels[40:46, 10:16] = (220, 40, 40)
    found = saliency_map(pixels)
    down, across = np.unravel_index(found.argmax(), found.shape)
    assert 39 <= down <= 46
    assert 9 <= across <= 16
    weights = np.zeros((64, 64))
    weights[40:46, 10:16] = 1
    assert saliency_of(found, weights) > 0.98


@pytest.mark.parametrize("level", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(64, 64), (8, 8), (1, 64), (64, 3), (1, 1)])
def test_in_a_plain_picture_all_is_alike(level: int, shape: tuple[int, int]) -> None:
    found = saliency_map(np.full((*shape, 3), level, np.uint8))
    assert (found == 0.5).all()


def test_percentiles_are_half_on_average_in_any_picture() -> None:
    found = saliency_map(shrunk(textured(), MAP_SIDE_PX))
    assert found.shape == (64, 64)
    assert found.mean() == pytest.approx(0.5)
    assert 0 < found.min() < 0.01
    assert 0.99 < found.max() < 1


def test_a_mirrored_picture_has_a_mirrored_map() -> None:
    small = shrunk(textured(), MAP_SIDE_PX)
    assert saliency_map(small[:, ::-1]) == pytest.approx(saliency_map(small)[:, ::-1], abs=0.01)
