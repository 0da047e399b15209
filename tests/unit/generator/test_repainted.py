"""From a model's array to the sector: nothing is lost that the model has kept, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from services.generator.engine import Pixels, WorkSize, into_picture
from services.generator.painting.inputs import ModelInputs, make_inputs
from services.generator.painting.repainted import Repainted
from shared.sectors import Region
from tests.unit.generator.test_crop import cell_of

Model = Callable[[np.ndarray, ModelInputs], np.ndarray]
PHOTOGRAPHS = sorted((Path(__file__).parents[3] / "examples").glob("*.jpg"))
WORK = WorkSize(512, 64, 8)


def identity(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
    return given


def flat(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
    made = given.copy()
    made[inputs.painted.slices] = 0.5
    return made


def painted(pixels: Pixels, model: Model, work: WorkSize = WORK, region: Region | None = None, seed: int = 1) -> Pixels:
    """The sector (the middle one of nine, unless another is named) after a model."""
    height, width = pixels.shape[:2]
    inputs = make_inputs(pixels, region or cell_of(3, 1, 1, width, height), work)
    made = model(np.asarray(inputs.picture).astype(np.float32) / 255, inputs).clip(0, 1).astype(np.float32)
    return Repainted.of(made, inputs, seed).sector(pixels)


def before(pixels: Pixels) -> Pixels:
    return pixels[cell_of(3, 1, 1, pixels.shape[1], pixels.shape[0]).slices]


def psnr(one: Pixels, other: Pixels) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((one.astype(float) - other) ** 2))))


@cache
def photograph(path: Path, side: int) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((side, side * image.height // image.width)))


@cache
def scene(side: int) -> Pixels:
    """Slopes, hard edges, fine lines and some grain."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    base = 110 + 50 * np.sin(x / 190) * np.cos(y / 140) + 40 * (np.hypot(x - side / 2, y - side / 2) < side / 7)
    base += 30 * np.sign(np.sin((x + 0.4 * y) / 2.2)) * (x > side / 2)
    grain = np.random.default_rng(2).normal(0, 2, (side, side, 3))
    return (base[:, :, None] + grain).clip(20, 235).astype(np.uint8)


@cache
def grainy(side: int) -> Pixels:
    """Grey, with grain of 5 levels."""
    return (128 + np.random.default_rng(0).normal(0, 5, (side, side, 3))).round().astype(np.uint8)


@pytest.mark.skipif(not PHOTOGRAPHS, reason="examples/ has no photographs here")
@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_what_a_model_leaves_as_it_was_comes_back_as_it_was(path: Path) -> None:
    pixels = photograph(path, 2048)
    assert psnr(painted(pixels, identity, WorkSize(1024, 64, 8)), before(pixels)) >= 48


@pytest.mark.parametrize(("side", "size"), [(1024, 512), (1024, 1024), (2048, 1024), (300, 512)])
@pytest.mark.parametrize(("gain", "offset"), [(1, (0, 0, 0)), (0.95, (0, 0, 0)), (1, (9, -5, 3)), (0.95, (6, 2, -4))])
def test_a_drift_of_the_model_does_not_show(side: int, size: int, gain: float, offset: tuple[int, int, int]) -> None:
    def drifting(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
        return given * gain + np.array(offset) / 255

    assert psnr(painted(scene(side), drifting, WorkSize(size, 64, 8)), before(scene(side))) >= 48


@pytest.mark.parametrize("model", [identity, flat])
@pytest.mark.parametrize(("side", "size"), [(1024, 512), (1024, 1024), (2048, 512), (2048, 1024), (4096, 1024)])
def test_a_sector_has_the_grain_of_its_surroundings(side: int, size: int, model: Model) -> None:
    made = painted(grainy(side), model, WorkSize(size, 64, 8))
    assert 0.9 <= made.std() / before(grainy(side)).std() <= 1.1
    edge = side // 3 // 16
    assert 0.9 <= made[edge:-edge, edge:-edge].std() / before(grainy(side)).std() <= 1.1


def test_a_models_own_grain_counts() -> None:
    def as_grainy(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
        made = flat(given, inputs)
        own = np.random.default_rng(5).normal(0, 5 / 255, made.shape)
        made[inputs.painted.slices] += own[inputs.painted.slices]
        return made

    work = WorkSize(1024, 64, 8)
    once = painted(grainy(1536), as_grainy, work)  # a box of 1024, so that the model works at the picture's own scale
    assert 0.9 <= once.std() / before(grainy(1536)).std() <= 1.1


def test_no_grain_is_laid_over_a_picture_without_any() -> None:
    y, x = np.mgrid[0:1024, 0:1024].astype(np.float32)
    texture = 120 + 30 * np.sin(x * 0.7 + y * 0.3) + 30 * np.sin(x * 0.2 - y * 0.9) + y / 20
    pixels = np.repeat(texture.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    made = painted(pixels, flat)[40:-40, 40:-40].astype(float)
    assert made.std() < 1


def test_in_half_a_sector_that_is_kept_nothing_is_lost_and_in_the_other_nothing_shines_through() -> None:
    pixels = scene(1024)

    def half(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
        made, area = given.copy(), inputs.painted
        made[area.top : area.bottom, (area.left + area.right) // 2 : area.right] = 0.3
        return made

    made, was = painted(pixels, half), before(pixels)
    assert psnr(made[:, :130], was[:, :130]) >= 48
    new = made[30:-30, 210:-30].astype(float) - 0.3 * 255
    assert abs(new.mean()) < 1
    lines = was[30:-30, 210:-30].astype(float)
    assert abs(np.corrcoef(new.ravel(), (lines - lines.mean()).ravel())[0, 1]) < 0.02


def test_the_seams_of_something_new_do_not_show_where_the_model_has_made_none() -> None:
    """No step at the sector's edge that the picture itself has not: of rows along it, the mean changes as slowly."""

    def warmer(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
        made = np.zeros(given.shape[:2], np.float32)
        made[inputs.painted.slices] = 1
        return given + ndimage.gaussian_filter(made, 40)[:, :, None] * np.array([0.1, 0.02, -0.05])

    y, x = np.mgrid[0:1024, 0:1024].astype(np.float32)
    pixels = np.stack([90 + x / 12, 110 + y / 15, 140 - x / 20], axis=-1).astype(np.uint8)
    region = cell_of(3, 1, 1, 1024, 1024)
    after = into_picture(pixels, region, painted(pixels, warmer)).astype(float)
    rows = after[region.top - 30 : region.top + 60, region.left + 60 : region.right - 60].mean(axis=(1, 2))
    assert np.abs(np.diff(rows)).max() < 1.5


@pytest.mark.parametrize("shape", [(64, 64), (4096, 64), (64, 4096), (67, 101), (300, 900)])
@pytest.mark.parametrize("grid", range(2, 11))
def test_any_size_of_picture_and_sector(shape: tuple[int, int], grid: int) -> None:
    height, width = shape
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    unchanged = pixels.copy()
    for place in ((0, 0), (grid // 2, grid // 2), (grid - 1, 0)):
        region = cell_of(grid, *place, width, height)
        made = painted(pixels, flat, WorkSize(128, 16, 8), region)
        assert made.shape == (region.height, region.width, 3)
        after = into_picture(pixels, region, made)
        outside = np.ones(shape, bool)
        outside[region.slices] = False
        assert np.array_equal(after[outside], unchanged[outside])
    assert np.array_equal(pixels, unchanged)


def test_only_the_crop_is_read_and_the_same_seed_gives_the_same() -> None:
    pixels = grainy(1024)
    region = cell_of(3, 0, 0, 1024, 1024)
    box = make_inputs(pixels, region, WORK).crop.box
    other = np.zeros_like(pixels)
    other[box.slices] = pixels[box.slices]
    made = painted(pixels, flat, region=region)
    assert np.array_equal(made, painted(other, flat, region=region))
    assert not np.array_equal(made, painted(pixels, flat, region=region, seed=2))


def test_a_model_may_give_another_size_and_a_fourth_channel() -> None:
    pixels = scene(300)

    def larger(given: np.ndarray, inputs: ModelInputs) -> np.ndarray:
        made = np.asarray(Image.fromarray((given * 255).astype(np.uint8)).resize((640, 576))).astype(np.float32) / 255
        return np.dstack([made, np.ones(made.shape[:2], np.float32)])

    assert psnr(painted(pixels, larger), before(pixels)) > 30
