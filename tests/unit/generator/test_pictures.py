"""Pictures by their hash: bounded, decoded once, and of what came of one the same as would be read of it."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from services.generator import decode, pictures, png
from services.generator.composing import compose
from services.generator.engine import Finished, into_picture
from services.generator.pictures import Picture, Pictures
from shared import sectors
from tests.support.profiles import PRINTED, SRGB, three_channel_profile


def encoded(seed: int = 0, width: int = 101, height: int = 130, **options: object) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "png", **options)
    return file.getvalue()


def test_the_same_bytes_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, data = Pictures(), encoded()
    first = kept.read(data)
    monkeypatch.setattr(decode, "decode", lambda data: pytest.fail("it was decoded again"))
    assert kept.read(data) is first
    assert kept.get(hashlib.sha256(data).hexdigest()) is first


def test_those_not_used_for_longest_go_and_the_newest_stays() -> None:
    first, second = Picture.read(encoded(1)), Picture.read(encoded(2))
    kept = Pictures(limit_bytes=first.held_bytes + second.held_bytes)
    for picture in (first, second):
        kept.put(picture)
    assert kept.held_bytes == first.held_bytes + second.held_bytes
    kept.get(first.sha256)
    third = Picture.read(encoded(3))
    kept.put(third)
    assert (kept.get(first.sha256), kept.get(second.sha256), kept.get(third.sha256)) == (first, None, third)
    large = Picture.read(encoded(4, 1000, 1000))
    kept.put(large)
    assert [kept.get(each.sha256) for each in (first, third, large)] == [None, None, large]


def test_many_small_ones_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "KEPT_PICTURES", 3)
    kept = Pictures()
    made = [Picture.read(encoded(seed, 64, 64)) for seed in range(5)]
    for each in made:
        kept.put(each)
    assert [kept.get(each.sha256) is not None for each in made] == [False, False, True, True, True]


@pytest.mark.parametrize("grid_size", [2, 3])
@pytest.mark.parametrize(
    "options", [{}, {"dpi": (300, 200)}, {"icc_profile": SRGB}, {"icc_profile": three_channel_profile(PRINTED)}]
)
def test_what_comes_of_a_change_is_what_would_be_read_of_it(grid_size: int, options: dict[str, object]) -> None:
    source = Picture.read(encoded(5, **options))
    for target in sectors.names(grid_size):
        region = sectors.region(target, grid_size, *source.size)
        changed = np.random.default_rng(len(target)).integers(0, 256, (region.height, region.width, 3), dtype=np.uint8)
        composed = compose(Finished(changed, region), source, target, grid_size)
        data = composed.encode({"parafovea": "{}"})
        whole = into_picture(source.decoded.pixels, region, changed)
        expected = png.encode(whole, {"parafovea": "{}"}, source.decoded.icc_profile, source.decoded.colour, grid_size)
        assert data == expected
        made, read = composed.picture("0" * 64, data), decode.decode(data)
        assert np.array_equal(made.decoded.pixels, read.pixels)
        assert (made.decoded.icc_profile, made.decoded.colour) == (read.icc_profile, read.colour)
        assert (made.format, made.size) == (read.format, (read.width, read.height))
        assert made.head == Picture.read(data).head
        # A change of what came of it, from parts that are known, and from the file.
        again = compose(Finished(changed[::-1], region), made, target, grid_size).encode({})
        assert again == compose(Finished(changed[::-1], region), Picture.read(data), target, grid_size).encode({})
        source = made
