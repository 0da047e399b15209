"""Each change of a ball on sand: what becomes of the ball, of its shadow, and of all that is neither."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from services.generator.engine import Floats, Pixels
from services.generator.natural.changing import CHANGES, CannotDo, Subject
from services.generator.natural.raster import Mask, grown, luma
from services.generator.natural.shadows import shadow_of
from services.generator.natural.surroundings import EDGE_PX
from services.generator.natural.things import Thing
from services.generator.natural.wishes import KINDS
from shared.sectors import Region
from tests.unit.generator.natural.scenes import BALL, ball, disc, redness, sand, surroundings, with_ball

GROUND = sand()
PICTURE = with_ball(GROUND)


def subject(picture: Pixels = PICTURE, thing: Thing | None = None, others: Mask | None = None) -> Subject:
    around = surroundings(picture)
    return Subject(around, thing or ball(), np.zeros(picture.shape[:2], bool) if others is None else others)


def changed(kind: str, seed: int = 1, colour: str | None = None, of: Subject | None = None) -> Floats:
    return CHANGES[kind](of or subject(), np.random.default_rng(seed), colour, 1.0)


def middle(mask: Mask) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


def test_there_is_a_change_for_each_kind() -> None:
    assert set(CHANGES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_edges_of_a_sector_stay(kind: str) -> None:
    levels = np.rint(changed(kind))
    edge = np.ones(levels.shape[:2], bool)
    edge[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] = False
    assert np.array_equal(levels[edge], PICTURE[edge])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same(kind: str) -> None:
    assert np.array_equal(changed(kind, 5), changed(kind, 5))


def test_a_removed_thing_is_gone_with_its_shadow() -> None:
    levels = changed("remove")
    assert redness(PICTURE).sum() > 800
    assert not redness(levels).any()
    foot = np.zeros(levels.shape[:2], bool)
    foot[BALL.bottom + 1 : BALL.bottom + 5, BALL.left + 20 : BALL.right + 15] = True
    assert luma(PICTURE)[foot].mean() < 0.75 * luma(GROUND)[foot].mean()
    assert luma(levels)[foot].mean() == pytest.approx(luma(GROUND)[foot].mean(), rel=0.12)


def test_far_from_a_removed_thing_nothing_changes() -> None:
    far = ~grown(disc() > 0, 32)
    assert np.array_equal(changed("remove")[far], PICTURE[far])


def test_a_recoloured_thing_keeps_its_shading_and_leaves_its_ground() -> None:
    levels = changed("recolour", colour="blue")
    inside = disc() > 0.99
    assert (levels[inside][:, 2] > levels[inside][:, 0]).mean() > 0.95
    was, now = luma(PICTURE)[inside], luma(levels.astype(np.float32))[inside]
    assert np.corrcoef(was, now)[0, 1] > 0.95
    outside = ~grown(disc() > 0, 5)
    assert np.array_equal(np.rint(levels[outside]), PICTURE[outside])


def test_another_colour_is_clearly_another() -> None:
    inside = disc() > 0.99
    for seed in range(6):
        assert np.abs(changed("recolour", seed) - PICTURE)[inside].mean() > 15


def test_what_has_no_colour_is_only_given_one_that_is_asked_for() -> None:
    grey = subject(with_ball(GROUND, (130, 130, 130)))
    with pytest.raises(CannotDo, match="no colour"):
        changed("recolour", of=grey)
    green = changed("recolour", colour="green", of=grey)[disc() > 0.99].mean(axis=0)
    assert green[1] > green[0] + 10


def test_a_moved_thing_is_whole_elsewhere_and_its_shadow_with_it() -> None:
    levels = changed("move")
    now = redness(levels)
    assert now.sum() == pytest.approx(redness(PICTURE).sum(), rel=0.15)
    across = middle(now)[0] - middle(redness(PICTURE))[0]
    down = middle(now)[1] - middle(redness(PICTURE))[1]
    assert abs(across) > 0.5 * BALL.width
    assert abs(down) < 0.5 * BALL.height
    x, y = round(middle(now)[0]) + 12, round(middle(now)[1]) + BALL.height // 2 + 2
    assert luma(levels)[y - 1 : y + 2, x - 6 : x + 6].mean() < 0.85 * luma(GROUND)[y - 1 : y + 2, x - 6 : x + 6].mean()


def test_a_way_to_move_is_heeded() -> None:
    for way, sign in (("left", -1), ("right", 1)):
        of = Subject(surroundings(PICTURE), ball(), np.zeros(PICTURE.shape[:2], bool), way)  # type: ignore[arg-type]
        assert sign * (middle(redness(changed("move", of=of)))[0] - middle(redness(PICTURE))[0]) > 0


def test_a_duplicate_stands_beside_its_original() -> None:
    levels = changed("duplicate")
    assert redness(levels).sum() == pytest.approx(2 * redness(PICTURE).sum(), rel=0.15)
    inside = disc() > 0.99
    assert np.array_equal(np.rint(levels[inside]), PICTURE[inside])


@pytest.mark.parametrize(("kind", "low", "high"), [("shrink", 0.3, 0.68), ("grow", 1.4, 2.1)])
def test_a_resized_thing_stands_on_the_same_foot(kind: str, low: float, high: float) -> None:
    now = redness(changed(kind))
    assert low < now.sum() / redness(PICTURE).sum() < high
    assert np.nonzero(now.any(axis=1))[0][-1] == pytest.approx(BALL.bottom, abs=10)
    assert middle(now)[0] == pytest.approx(middle(redness(PICTURE))[0], abs=8)


def test_a_mirrored_thing_is_lit_from_the_other_side() -> None:
    levels = changed("mirror")
    left, right = levels[115:125, 95:105].mean(), levels[115:125, 115:125].mean()
    was_left, was_right = PICTURE[115:125, 95:105].mean(), PICTURE[115:125, 115:125].mean()
    assert was_left > was_right + 10
    assert right > left + 5


def test_what_is_the_same_from_both_sides_is_not_mirrored() -> None:
    flat = GROUND.astype(np.float32)
    flat += disc()[:, :, None] * (np.array([200, 40, 40], np.float32) - flat)
    with pytest.raises(CannotDo, match="both sides"):
        changed("mirror", of=subject(np.rint(flat).astype(np.uint8)))


def test_other_things_are_neither_copied_nor_covered() -> None:
    picture = PICTURE.copy()
    others = np.zeros(picture.shape[:2], bool)
    others[60:110, 170:235] = True
    picture[others] = (20, 20, 250)
    for kind in ("remove", "move", "duplicate"):
        levels = changed(kind, of=subject(picture, others=others))
        assert np.array_equal(np.rint(levels[others]), picture[others])
        assert not (levels[~others][:, 2] > 200).any()


def test_what_reaches_to_the_edge_cannot_be_lifted() -> None:
    at_edge = Thing(Region(0, 100, 50, 150), np.ones((50, 50), np.float32), 0.9)
    picture = sand()
    picture[100:150, :50] = (200, 30, 30)
    with pytest.raises(CannotDo):
        changed("remove", of=subject(picture, at_edge))


def test_a_shadow_is_found_where_there_is_one() -> None:
    find = partial(shadow_of, thing=disc() > 0.5)
    shadow = find(surroundings(PICTURE).lab)
    assert shadow[BALL.bottom + 2, BALL.left + 28]
    assert not shadow[: BALL.top].any()
    assert find(surroundings(with_ball(GROUND, shadow=False)).lab).sum() < 0.05 * shadow.sum() + 40
