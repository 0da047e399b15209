import numpy as np
import pytest

from services.generator.painting.cutout import NothingDrawn, cut_out
from tests.unit.generator.objects import ball


def test_an_object_is_cut_to_its_bounds_with_a_transparent_border() -> None:
    cutout = cut_out(ball(radius=40))
    assert abs(cutout.width - 82) <= 4
    assert abs(cutout.height - 75) <= 4
    assert not cutout.alpha[[0, -1]].any()
    assert not cutout.alpha[:, [0, -1]].any()
    assert cutout.colour.shape == (cutout.height, cutout.width, 3)


def test_its_colour_is_right_up_to_the_edge_and_beyond() -> None:
    cutout = cut_out(ball(colour=(0.9, 0.2, 0.1)))
    assert np.abs(cutout.colour[:, :, 0] - 0.9).min() < 0.02
    assert cutout.colour[:, :, 0].min() > 0.6  # the shaded part; no black fringe
    assert cutout.colour[:, :, 1].max() < 0.25


def test_straight_colours_are_not_divided_again() -> None:
    straight = ball()
    straight[:, :, :3] = [0.9, 0.2, 0.1]
    assert np.allclose(cut_out(straight).colour, [0.9, 0.2, 0.1], atol=0.01)


def test_specks_and_haze_are_dropped_and_real_parts_are_kept() -> None:
    plain = cut_out(ball(radius=30))
    dirty = ball(radius=30)
    dirty[2:6, 2:6] = [0.5, 0.5, 0.5, 1]
    dirty[100:120, 90:120] = [0.02, 0.02, 0.02, 0.06]
    cleaned = cut_out(dirty)
    assert (cleaned.width, cleaned.height) == (plain.width, plain.height)
    second = ball(radius=30)
    second[2:20, 2:20] = [0.5, 0.5, 0.5, 1]
    assert cut_out(second).width > plain.width


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_an_empty_layer_is_said(level: float) -> None:
    with pytest.raises(NothingDrawn):
        cut_out(np.full((64, 64, 4), level, np.float32))
