from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from services.generator.engine import Pixels
from services.generator.models.painters import size_in
from services.generator.painting import scene
from services.generator.painting.compositing import compose, lit
from services.generator.painting.cutout import cut_out
from services.generator.painting.placing import Pose, Wish
from services.generator.painting.rendering import render, tint
from services.generator.painting.scene import Light
from shared import sectors
from shared.sectors import Region
from tests.unit.generator.objects import ball

BALL = cut_out(ball())
SIDES = st.integers(64, 400)


def pose(width: float, **changes: object) -> Pose:
    values: dict[str, object] = {
        "x": 300.0, "y": 200.0, "width": width, "height": width * BALL.height / BALL.width,
        "flip": False, "turn_deg": 0.0, "hue_deg": 0.0, "saturation": 1.0, "gain": 1.0, "on_ground": False,
    }  # fmt: skip
    return Pose(**(values | changes))  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.sampled_from([2, 3]), st.data(), st.integers(0, 2**63 - 1), st.integers(1, 4))
def test_nothing_but_objects_and_shadows_changes(
    width: int, height: int, grid: int, data: st.DataObject, seed: int, count: int
) -> None:
    pixels = np.random.default_rng(seed % 1000).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = pixels.copy()
    region = sectors.region(data.draw(st.sampled_from(sectors.names(grid))), grid, width, height)
    composite = compose(pixels, region, BALL, Wish(count=count), seed)
    outside = np.ones((height, width), bool)
    outside[region.slices] = False
    assert np.array_equal(pixels, before)
    assert not composite.changed[outside].any()
    assert np.array_equal(composite.pixels[~composite.changed], before[~composite.changed])
    assert composite.changed.any()


def test_the_same_seed_gives_the_same_and_another_another(photo: Pixels) -> None:
    region = Region(70, 50, 140, 100)
    first, again, other = (compose(photo, region, BALL, Wish(), seed).pixels for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_shadow_on_the_ground_and_none_in_the_sky(photo: Pixels) -> None:
    below = Region(0, 100, 210, 150)
    ground = compose(photo, below, BALL, Wish(place="ground"), 1)
    standing = ground.poses[0]
    under = ground.pixels[int(standing.box[3]) + 1, int(standing.x) - 4 : int(standing.x) + 4].mean()
    assert under < 0.8 * photo[int(standing.box[3]) + 1, int(standing.x) - 4 : int(standing.x) + 4].mean()
    sky = compose(photo, Region(0, 0, 210, 50), BALL, Wish(), 1)
    left, top, right, bottom = sky.poses[0].box
    around = sky.changed.copy()
    around[int(top) - 3 : int(bottom) + 4, int(left) - 3 : int(right) + 4] = False
    assert not around.any()


def test_a_shadow_ends_softly_at_the_sectors_edge() -> None:
    pixels = np.random.default_rng(0).integers(80, 120, (300, 300, 3), dtype=np.uint8)
    region = Region(100, 100, 200, 200)
    for seed in range(20):
        composite = compose(pixels, region, BALL, Wish("large", "ground"), seed)
        edge = composite.pixels[199, 100:200].astype(int) - pixels[199, 100:200]
        assert np.abs(edge).max() <= 12


def test_an_enlarged_object_keeps_a_firm_edge_and_no_fringe() -> None:
    patch = render(BALL, pose(250))
    assert abs(patch.alpha.shape[1] - 256) < 14
    middle = patch.alpha[patch.alpha.shape[0] // 2]
    assert 0 < ((middle > 0.1) & (middle < 0.9)).sum() <= 6
    edge = (patch.alpha > 0.05) & (patch.alpha < 0.6)
    assert patch.colour[edge][:, 0].min() > 0.55
    assert patch.colour[edge][:, 1].max() < 0.3


@pytest.mark.parametrize("width", [8, 20, 75, 200, 700])
@pytest.mark.parametrize("turn", [0.0, 12.0])
def test_it_lies_where_its_pose_says(width: int, turn: float) -> None:
    patch = render(BALL, pose(width, turn_deg=turn))
    y, x = ndimage.center_of_mass(patch.alpha)
    assert patch.left + x + 0.5 == pytest.approx(300, abs=1.2 + 0.01 * width)
    assert patch.top + y + 0.5 == pytest.approx(200, abs=1.2 + 0.01 * width)
    assert np.sqrt(patch.alpha.sum() / (np.pi * BALL.height / BALL.width)) * 2 == pytest.approx(width, rel=0.12)


def test_a_flip_mirrors() -> None:
    plain, flipped = render(BALL, pose(100)), render(BALL, pose(100, flip=True))
    assert np.allclose(plain.alpha, flipped.alpha[:, ::-1], atol=0.02)
    assert plain.colour[:, -30:].mean() < plain.colour[:, :30].mean()
    assert flipped.colour[:, -30:].mean() > flipped.colour[:, :30].mean()


def test_a_tint_leaves_grey_grey_and_turns_colours() -> None:
    grey = np.full((2, 2, 3), 0.5, np.float32)
    assert np.allclose(tint(grey, pose(10, hue_deg=9)), grey, atol=1e-3)
    red = np.tile(np.array([0.8, 0.2, 0.2], np.float32), (2, 2, 1))
    assert tint(red, pose(10, hue_deg=9))[0, 0, 1] != pytest.approx(tint(red, pose(10, hue_deg=-9))[0, 0, 1], abs=0.02)
    assert np.allclose(tint(red, pose(10)), red, atol=1e-3)


def test_light_is_followed_part_of_the_way() -> None:
    grey = np.full((4, 4, 3), 0.6, np.float32)
    neutral = np.ones(3, np.float32)
    dim, bright = (lit(grey, Light(level, 0.0, neutral)).mean() for level in (0.1, 0.8))
    assert 0.35 < dim < 0.55 < 0.6 < bright < 0.7
    warm = lit(grey, Light(0.46, 0.0, np.array([1.4, 0.95, 0.4], np.float32)))[0, 0]
    assert warm[0] > warm[1] > warm[2] > 0.45
    assert lit(np.zeros((1, 1, 3), np.float32), Light(0.8, 0.7, neutral)).max() < 0.1


def test_an_object_is_as_soft_as_its_surroundings() -> None:
    squares = (np.indices((300, 300)) // 25).sum(axis=0) % 2 * 140.0 + 50
    region, found = Region(100, 100, 200, 200), []
    for sigma in (0.3, 2.5):
        pixels = np.repeat(ndimage.gaussian_filter(squares, sigma)[:, :, None], 3, axis=2).astype(np.uint8)
        composite = compose(pixels, region, BALL, Wish("large", "sky"), 2)
        left, top, right, bottom = (int(value) for value in composite.poses[0].box)
        alone = composite.pixels[top : bottom + 1, left : right + 1, 0].astype(np.float32) / 255
        found.append(scene.blur_of_luma(alone))
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] > 1.5 * found[0]


@pytest.mark.parametrize(
    ("prompt", "size"),
    [("a tiny bird", "small"), ("A BIG dog", "large"), ("a bird", "medium"), ("a bigram", "medium")],
)
def test_size_words(prompt: str, size: str) -> None:
    assert size_in(prompt) == size


def test_what_was_drawn_before_gives_the_same_picture(photo: Pixels) -> None:
    region, rendered = Region(70, 50, 140, 100), {}
    for number in range(3):
        picture = np.roll(photo, 7 * number, axis=1)
        fresh = compose(picture, region, BALL, Wish(count=2), 5)
        assert np.array_equal(compose(picture, region, BALL, Wish(count=2), 5, rendered).pixels, fresh.pixels)
        assert set(rendered) == set(fresh.poses)
