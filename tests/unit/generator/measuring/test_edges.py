"""Edges: how steep, how many, gained and lost."""

from __future__ import annotations

import numpy as np
import pytest

from services.generator.measuring.edges import complexity, edge_change, gradient


def ramp(step: float, *, down: bool = False) -> np.ndarray:
    levels = np.tile(np.arange(20, dtype=np.float32) * np.float32(step), (20, 1))
    return levels.T.copy() if down else levels


@pytest.mark.parametrize("down", [False, True])
def test_a_ramp_has_its_own_steepness(down: bool) -> None:
    assert gradient(ramp(3, down=down))[1:-1, 1:-1] == pytest.approx(3, rel=1e-5)


def test_a_flat_picture_has_no_edges_and_a_single_pixel_is_enough() -> None:
    assert not gradient(np.full((5, 5), 50, np.float32)).any()
    assert gradient(np.full((1, 1), 50, np.float32)).shape == (1, 1)


def test_what_is_gained_and_what_is_lost_are_told_apart() -> None:
    before, after = gradient(ramp(2)), gradient(ramp(2))
    after[:10] += 1
    after[10:] -= 0.5
    change = edge_change(before, after)
    assert (change.gained, change.lost) == pytest.approx((0.5, 0.25))
    assert change.energy == pytest.approx(after.mean() - before.mean(), abs=1e-5)


def test_complexity_grows_with_edges_from_nothing_towards_one() -> None:
    measured = [complexity(gradient(ramp(step))) for step in (0, 0.5, 2, 8, 90)]
    assert measured[0] == 0
    assert measured == sorted(set(measured))
    assert 0.9 < measured[-1] < 1
