from __future__ import annotations

import itertools

import numpy as np
import pytest

from services.generator.engine import Pixels
from services.generator.natural.filling import NothingAlike, fill
from services.generator.natural.labelling import Labelling
from services.generator.natural.membrane import membrane
from services.generator.natural.offsets import Offset, find_offsets, ring_of
from services.generator.natural.raster import Mask, grown, to_lab
from tests.unit.generator.natural.scenes import SIDE, disc, sand


def holes(region_disc: Mask | None = None) -> tuple[Mask, Mask]:
    """A hole with some margin, and its core."""
    core = (disc() > 0.5) if region_disc is None else region_disc
    return grown(core, 6), core


def stripes(period: int) -> Pixels:
    rows = (np.arange(SIDE) // (period // 2)) % 2
    level = np.where(rows == 0, 60, 190)[:, None] + np.random.default_rng(2).normal(0, 2, (SIDE, SIDE))
    return np.repeat(np.rint(level)[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)


def test_nothing_outside_the_hole_changes_and_all_of_the_core_does() -> None:
    picture = sand()
    hole, core = holes()
    spoiled = picture.copy()
    spoiled[core] = (0, 255, 0)
    filled = fill(spoiled, hole, core, ~hole)
    assert np.array_equal(filled.colour[~hole], spoiled[~hole])
    green = filled.colour[:, :, 1] - filled.colour[:, :, 0]
    assert green[core].max() < 60


def test_what_is_behind_is_like_what_is_around() -> None:
    picture = sand()
    hole, core = holes()
    filled = fill(picture, hole, core, ~hole)
    assert filled.is_convincing
    there, around = filled.colour[core], picture[ring_of(hole, 12)].astype(np.float32)
    assert np.abs(there.mean(axis=0) - around.mean(axis=0)).max() < 5
    assert there.std(axis=0) == pytest.approx(around.std(axis=0), rel=0.25)  # its grain is as strong


def test_lines_go_on_through_the_hole() -> None:
    picture = stripes(16)
    hole, core = holes()
    spoiled = picture.copy()
    spoiled[core] = 255
    filled = fill(spoiled, hole, core, ~hole)
    assert filled.is_convincing
    assert np.abs(filled.colour - picture)[core].mean() < 8  # 65 where the stripes were put anywhere


def test_the_light_of_the_place_is_kept() -> None:
    ramp = np.linspace(40, 220, SIDE)[None, :].repeat(SIDE, axis=0) + np.random.default_rng(3).normal(
        0, 1, (SIDE, SIDE)
    )
    picture = np.repeat(np.rint(ramp)[:, :, None], 3, axis=2).astype(np.uint8)
    hole, core = holes()
    filled = fill(picture, hole, core, ~hole)
    assert np.abs(filled.colour - picture)[core].mean() < 4


def test_a_hole_in_what_is_like_nothing_else_is_not_convincing() -> None:
    picture = np.full((SIDE, SIDE, 3), (30, 60, 200), np.uint8)
    picture[:120, :110], picture[:120, 110:] = (200, 60, 30), (60, 180, 60)  # three meet in the hole, and nowhere else
    hole, core = holes()
    assert not fill(picture, hole, core, ~hole).is_convincing


def test_without_anything_to_copy_there_is_nothing_alike() -> None:
    hole, core = holes()
    with pytest.raises(NothingAlike):
        fill(sand(), hole, core, np.zeros_like(hole))


def test_what_may_not_be_copied_is_not() -> None:
    picture = sand()
    picture[:, 170:] = (0, 0, 255)
    hole, core = holes()
    usable = ~hole
    usable[:, 170:] = False
    filled = fill(picture, hole, core, usable)
    assert (filled.colour[hole][:, 2] < filled.colour[hole][:, 0]).all()


def test_a_membrane_through_a_plane_is_that_plane() -> None:
    y, x = np.mgrid[:40, :50].astype(np.float32)
    plane = (0.5 * x - 0.25 * y)[:, :, None]
    hole = np.zeros((40, 50), bool)
    hole[10:30, 12:40] = True
    assert np.abs(membrane(hole, ~hole, plane) - plane)[hole].max() < 0.05


@pytest.mark.parametrize("side", [60, 220])
def test_a_membrane_of_any_size_stays_between_its_edges(side: int) -> None:
    hole = np.zeros((side, side), bool)
    hole[4:-4, 4:-4] = True
    heights = np.random.default_rng(1).uniform(-10, 20, (side, side, 3)).astype(np.float32)
    surface = membrane(hole, ~hole, heights)
    assert surface[hole].min() >= -10.1
    assert surface[hole].max() <= 20.1
    assert not surface[~hole].any()


def test_offsets_are_of_whole_periods() -> None:
    picture = stripes(24)
    hole, _ = holes()
    found = [offset for offset in find_offsets(to_lab(picture), hole, ~hole, 5) if offset.is_whole]
    assert found
    assert all(offset.down % 24 == 0 for offset in found)


def test_the_graph_cut_finds_the_best_of_all_labellings() -> None:
    """Against every labelling of a hole so small that all can be tried."""
    draw = np.random.default_rng(4)
    lab = draw.uniform(0, 50, (9, 24, 3)).astype(np.float32)
    hole = np.zeros((9, 24), bool)
    hole[3:6, 10:13] = True
    offsets = [Offset(0, -7, 0, is_whole=True), Offset(0, 7, 0, is_whole=True)]
    labelling = Labelling(lab, hole, hole, ~hole, offsets)
    every = (np.array(each, np.int32) for each in itertools.product((0, 1), repeat=9))
    best = min(labelling.energy(each) for each in every)
    assert labelling.energy(labelling.solve()) == pytest.approx(best, rel=1e-3)


def test_a_graph_cut_of_many_labels_is_no_worse_than_any_single_one() -> None:
    draw = np.random.default_rng(6)
    lab = draw.uniform(0, 50, (30, 60, 3)).astype(np.float32)
    hole = np.zeros((30, 60), bool)
    hole[8:20, 24:36] = True
    offsets = [Offset(down, across, 0, is_whole=True) for down in (-3, 0, 5) for across in (-18, 17)]
    labelling = Labelling(lab, hole, hole, ~hole, offsets)
    found = labelling.solve()
    assert labelling.is_filled(found)
    singles = [labelling.energy(np.full(hole.sum(), number, np.int32)) for number in range(len(offsets))]
    assert labelling.energy(found) <= min(singles)


def test_the_core_never_stays() -> None:
    picture = sand()
    hole, core = holes()
    lab = to_lab(picture)
    stay = Offset(0, 0, 0, is_whole=False)
    labelling = Labelling(lab, hole, core, ~hole, [stay, *find_offsets(lab, hole, ~hole, 5)])
    found = np.zeros(hole.shape, np.int32)
    found[hole] = labelling.solve()
    assert (found[core] > 0).all()
