"""The size of a change: each number means what it says, and every picture has one."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generator.engine import Pixels
from services.generator.measuring.colour import ciede2000, lab
from services.generator.measuring.size import measure
from shared.sectors import Region
from shared.sectors import region as region_of
from tests.unit.generator.measuring.scenes import disc, textured

PICTURE = textured()
REGION = region_of("TR", 3, 256, 256)
BRIGHT = (250, 30, 20)


def notes(before: Pixels, sector: Pixels, region: Region = REGION) -> dict[str, Any]:
    return measure(before, sector, region).notes()


def assert_sound(found: dict[str, Any]) -> None:
    numbers = {name: value for name, value in found.items() if name not in ("box", "le_moan_2019")}
    assert all(isfinite(value) for value in (*numbers.values(), *found["le_moan_2019"].values()))
    shares = ("area", "area_visible", "saliency_before", "saliency_after", "difficulty", "ma_2013")
    assert all(0 <= found[name] <= 1 for name in shares)
    assert found["area_visible"] <= found["area"]
    assert found["edges_gained"] >= 0
    assert found["edges_lost"] >= 0
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_change_of_nothing_has_no_size() -> None:
    found = notes(PICTURE, PICTURE[REGION.slices].copy())
    assert_sound(found)
    assert found["box"] is None
    zero = ("area", "area_visible", "delta_e", "delta_e_peak", "edge_energy", "edges_gained", "edges_lost")
    assert not any(found[name] for name in (*zero, "saliency_change", "ma_2013"))
    assert found["le_moan_2019"]["magnitude"] == 0
    assert found["le_moan_2019"]["complexity"] > 0
    assert found["verma_2010"] == 1
    assert found["difficulty"] == 1


def test_box_and_area_are_those_of_the_pixels_that_differ() -> None:
    sector = PICTURE[REGION.slices].copy()
    sector[10:20, 5:35] ^= 255
    found = notes(PICTURE, sector)
    assert found["box"] == [REGION.left + 5, 10, REGION.left + 35, 20]
    assert found["area"] == pytest.approx(300 / 256**2, rel=1e-3)
    assert found["area_visible"] == found["area"]


def test_the_colour_difference_of_two_plain_colours_is_theirs() -> None:
    before = np.full((90, 90, 3), 119, np.uint8)
    region = Region(30, 30, 60, 60)
    sector = np.full((30, 30, 3), 145, np.uint8)
    found = notes(before, sector, region)
    # Of greys only the term of lightness is left: L* 50.03 and 60.17, and S_L at their mean.
    expected = (60.17 - 50.03) / (1 + 0.015 * 5.1**2 / (20 + 5.1**2) ** 0.5)
    assert found["delta_e"] == pytest.approx(expected, abs=0.02)
    assert found["delta_e_peak"] == pytest.approx(found["delta_e"], abs=1e-3)


def test_what_is_too_faint_to_see_does_not_water_down_what_is_seen() -> None:
    sector = disc(PICTURE, REGION, BRIGHT)
    alone = notes(PICTURE, sector)
    untouched = (sector == PICTURE[REGION.slices]).all(axis=2)
    sector[untouched] ^= 1
    rimmed = notes(PICTURE, sector)
    assert rimmed["area"] == pytest.approx(REGION.width * REGION.height / 256**2, rel=1e-3)
    assert rimmed["area_visible"] == pytest.approx(alone["area_visible"], rel=0.02)
    assert rimmed["delta_e"] == pytest.approx(alone["delta_e"], rel=0.02)
    assert rimmed["saliency_after"] == pytest.approx(alone["saliency_after"], abs=0.05)
    assert rimmed["difficulty"] == pytest.approx(alone["difficulty"], abs=0.02)


def test_a_bright_sticker_is_larger_than_a_faint_recolour_of_the_same_area() -> None:
    bright = notes(PICTURE, disc(PICTURE, REGION, BRIGHT))
    faint = notes(PICTURE, disc(PICTURE, REGION, BRIGHT, strength=0.05))
    assert bright["area"] == pytest.approx(faint["area"], rel=0.01)
    assert bright["delta_e"] > 4 * faint["delta_e"]
    assert bright["saliency_change"] > faint["saliency_change"] + 0.3
    assert bright["verma_2010"] > faint["verma_2010"]
    assert bright["ma_2013"] > 3 * faint["ma_2013"]
    assert bright["difficulty"] < 0.3 < 0.6 < faint["difficulty"]


@pytest.mark.parametrize("seed", range(5))
def test_the_stronger_a_change_the_larger_and_easier(seed: int) -> None:
    picture = textured(seed=seed)
    found = [notes(picture, disc(picture, REGION, BRIGHT, strength)) for strength in (0.04, 0.12, 0.3, 0.6, 1)]
    for name in ("delta_e", "delta_e_peak", "ma_2013"):
        measured = [one[name] for one in found]
        assert measured == sorted(set(measured)), name
    magnitudes = [one["le_moan_2019"]["magnitude"] for one in found]
    assert magnitudes == sorted(set(magnitudes))
    difficulties = [one["difficulty"] for one in found]
    assert difficulties == sorted(set(difficulties), reverse=True)


def test_an_object_put_in_has_edges_and_one_taken_out_loses_them() -> None:
    plain = np.full((256, 256, 3), 128, np.uint8)
    with_disc = plain.copy()
    with_disc[REGION.slices] = disc(plain, REGION, BRIGHT)
    put_in = notes(plain, with_disc[REGION.slices])
    taken_out = notes(with_disc, plain[REGION.slices])
    assert put_in["edge_energy"] > 0
    assert put_in["edges_lost"] == 0
    assert taken_out["edges_gained"] == 0
    assert taken_out["edge_energy"] == -put_in["edge_energy"]
    assert taken_out["saliency_change"] == -put_in["saliency_change"] < 0
    assert taken_out["delta_e"] == pytest.approx(put_in["delta_e"], rel=1e-3)


def test_the_same_change_is_harder_to_see_among_many_edges() -> None:
    rng = np.random.default_rng(0)
    calm = textured()
    busy = (calm + rng.integers(-40, 41, (*calm.shape[:2], 1))).clip(0, 255).astype(np.uint8)
    in_calm, in_busy = (notes(one, disc(one, REGION, (200, 90, 80), 0.4)) for one in (calm, busy))
    assert in_busy["le_moan_2019"]["complexity"] > in_calm["le_moan_2019"]["complexity"]
    assert in_busy["difficulty"] > in_calm["difficulty"]


def test_a_picture_twice_as_large_has_about_the_same_numbers() -> None:
    picture = textured(512)
    region, twice = region_of("ML", 3, 512, 512), region_of("ML", 3, 1024, 1024)
    sector = disc(picture, region, BRIGHT)
    large = picture.repeat(2, axis=0).repeat(2, axis=1)
    after = picture.copy()
    after[region.slices] = sector
    one = notes(picture, sector, region)
    other = notes(large, after.repeat(2, axis=0).repeat(2, axis=1)[twice.slices], twice)
    for name in ("area", "delta_e", "delta_e_peak", "edges_gained", "saliency_after", "difficulty"):
        assert other[name] == pytest.approx(one[name], rel=0.03), name


def test_a_sample_of_a_large_sector_says_what_all_its_pixels_say() -> None:
    picture = textured(512)
    region = region_of("BL", 2, 512, 512)
    sector = picture[region.slices][::-1, ::-1].copy()
    every = ciede2000(lab(picture[region.slices]), lab(sector))
    found = notes(picture, sector, region)
    assert found["delta_e"] == pytest.approx(every[every > 2.3].mean(), rel=0.02)
    assert found["delta_e_peak"] == pytest.approx(np.percentile(every[every > 2.3], 99), rel=0.03)
    assert found["area_visible"] == pytest.approx((every > 2.3).sum() / 512**2, rel=0.02)


@pytest.mark.parametrize("at", [(0, 0), (0, 84), (85, 0), (40, 40)])
def test_a_single_pixel_is_found_also_at_the_border(at: tuple[int, int]) -> None:
    region = region_of("BR", 3, 256, 256)
    sector = PICTURE[region.slices].copy()
    sector[at] = 255 - sector[at]
    found = notes(PICTURE, sector, region)
    assert_sound(found)
    left, top = region.left + at[1], region.top + at[0]
    assert found["box"] == [left, top, left + 1, top + 1]
    assert found["area"] == pytest.approx(1 / 256**2, rel=1e-3)
    assert found["difficulty"] > 0.75


def test_inputs_are_left_as_they_are_and_may_be_read_only() -> None:
    picture, sector = PICTURE.copy(), disc(PICTURE, REGION, BRIGHT)
    kept = picture.copy(), sector.copy()
    picture.flags.writeable = sector.flags.writeable = False
    first = notes(picture, sector)
    assert (picture == kept[0]).all()
    assert (sector == kept[1]).all()
    assert notes(picture, sector) == first


def test_a_sector_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fill"):
        measure(PICTURE, PICTURE, REGION)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["noise", "grey", "black", "white"]), st.data())
def test_every_picture_has_sound_numbers(height: int, width: int, kind: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    levels = {"grey": 128, "black": 0, "white": 255}
    picture = np.full((height, width, 3), levels.get(kind, 0), np.uint8)
    if kind == "noise":
        picture = rng.integers(0, 256, picture.shape, dtype=np.uint8)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    region = Region(left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
    sector = picture[region.slices].copy()
    changed = data.draw(st.integers(0, sector.size))
    sector.reshape(-1)[:changed] = rng.integers(0, 256, changed, dtype=np.uint8)
    found = notes(picture, sector, region)
    assert_sound(found)
    assert found["area"] == pytest.approx(
        (picture[region.slices] != sector).any(axis=2).sum() / (height * width), rel=1e-3
    )
    assert (found["box"] is None) == (found["area"] == 0)
    assert found == notes(picture, sector, region)


@pytest.mark.parametrize("sector", ["TL", "TC", "MC", "BR"])
def test_the_smallest_picture_is_measured(sector: str) -> None:
    picture = textured(8)
    region = region_of(sector, 3, 8, 8)
    assert_sound(notes(picture, 255 - picture[region.slices], region))
