"""Grain is measured where it is, and texture is not taken for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from services.generator.painting import grain
from shared.sectors import Region

SIDE = 400
PINNED = [128, 193, 80]
"""The first grain of a seed: other bits would be other pictures."""
WHOLE, HOLE = Region(0, 0, SIDE, SIDE), Region(130, 130, 260, 260)


def noise(sigma: float, blur: float = 0.0, grey: bool = False) -> np.ndarray:
    drawn = np.random.default_rng(4).normal(0, sigma, (SIDE, SIDE, 1 if grey else 3))
    blurred = ndimage.gaussian_filter(drawn, (blur, blur, 0)) if blur else drawn
    return np.broadcast_to(blurred, (SIDE, SIDE, 3))


def levels(values: np.ndarray) -> np.ndarray:
    return values.round().clip(0, 255).astype(np.uint8)


def found_in(pixels: np.ndarray) -> grain.Grain | None:
    return grain.grain_of(grain.patches(pixels, WHOLE, HOLE))


def made(found: grain.Grain, seed: int = 1) -> np.ndarray:
    unit = grain.drawn(SIDE, SIDE, found.neighbour, seed)
    return grain.coloured(unit.astype(np.float32) - 128, found)


@pytest.mark.parametrize("sigma", [1.5, 5.0, 12.0])
@pytest.mark.parametrize("blur", [0.0, 0.4, 0.5])
def test_as_much_and_as_fine_is_made_as_there_is(sigma: float, blur: float) -> None:
    there = noise(sigma / (1 - blur) if blur else sigma, blur)
    found = found_in(levels(128 + there))
    assert found is not None
    again = made(found)
    assert again.std() == pytest.approx(there.std(), rel=0.1)
    assert _next(again) == pytest.approx(_next(there), abs=0.05)


def test_grey_grain_stays_grey() -> None:
    found = found_in(levels(128 + noise(6, grey=True)))
    assert found is not None
    again = made(found)
    assert np.corrcoef(again[:, :, 0].ravel(), again[:, :, 2].ravel())[0, 1] > 0.95


def test_it_is_seen_on_a_slope_beside_texture_and_beside_what_is_cut_off() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    base = 60 + x / 4 + 40 * np.sin(y * 0.8) * (x > 200)
    base = np.where(y > 320, 255.0, base)[:, :, None]
    found = found_in(levels(base + np.where(base < 255, noise(5), 0)))
    assert found is not None
    assert made(found).std() == pytest.approx(5, rel=0.12)


def _sines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 20 * np.sin(x * 0.7 + y * 0.3) + 20 * np.sin(x * 0.2 - y * 0.9) + 15 * np.sin(x * 1.3 + y * 1.1)


TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "plain": lambda x, y: 0 * x,
    "slope": lambda x, y: x / 8 + y / 16,
    "sines": _sines,
    "a fine net": lambda x, y: 40 * np.sin(2 * np.pi * x / 5) * np.sin(2 * np.pi * y / 5),
    "a chequerboard": lambda x, y: 40.0 * ((x // 4 + y // 4) % 2),
    "a chequerboard of pixels": lambda x, y: 40.0 * ((x + y) % 2),
    "bricks": lambda x, y: 30.0 * ((x // 16 + y // 8) % 2) + 20 * (y % 8 < 1),
    "rings": lambda x, y: 60 * np.sin(np.hypot(x - 200, y - 200) / 3),
    "slanted lines": lambda x, y: 60 * np.sign(np.sin((x + 0.37 * y) / 4)),
    "clouds": lambda x, y: ndimage.gaussian_filter(np.random.default_rng(3).normal(0, 60, x.shape), 1),
}


@pytest.mark.parametrize("texture", TEXTURES)
def test_texture_is_not_taken_for_grain(texture: str) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    found = found_in(np.repeat(levels(110 + TEXTURES[texture](x, y))[:, :, None], 3, axis=2))
    assert found is None or made(found).std() < 1


def test_the_same_seed_draws_the_same_and_the_bits_are_pinned() -> None:
    drawn = grain.drawn(5, 7, 0.0, 9)
    assert np.array_equal(drawn, grain.drawn(5, 7, 0.0, 9))
    assert not np.array_equal(drawn, grain.drawn(5, 7, 0.0, 10))
    assert drawn[0, 0].tolist() == PINNED
    many = grain.drawn(200, 200, 0.2, 3).astype(float)
    assert many.mean() == pytest.approx(128, abs=0.5)
    assert many.std() == pytest.approx(32, rel=0.02)


def test_too_small_a_place_has_none() -> None:
    assert len(grain.patches(np.zeros((40, 40, 3), np.uint8), Region(0, 0, 40, 40), Region(10, 10, 30, 30))) == 0
    assert grain.grain_of(np.zeros((0, 16, 16, 3), np.uint8)) is None
    assert grain.least_of(np.zeros((0, 16, 16, 3), np.uint8)) == 0


def _next(values: np.ndarray) -> float:
    """Correlation with the pixel beside."""
    return float(np.corrcoef(values[:, 1:, 0].ravel(), values[:, :-1, 0].ravel())[0, 1])
