"""Strips of a picture: encoded each on its own, kept, and put together to the file that encoding it whole gives."""

from __future__ import annotations

import io
import struct
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from services.generator import png
from services.generator.decode import decode
from services.generator.engine import Pixels
from shared.png_chunks import bare, chunks
from shared.sectors import GridSize, names, region

PHOTOGRAPHS = sorted((Path(__file__).parents[3] / "examples").glob("*.jpg"))
HEIGHTS = [*range(1, 34), 127, 128, 129, 193, 256, 257, 385]
GRIDS = (1, 2, 3)
TEXT = {"parafovea": '{"seq": 1}'}


def noise(height: int, width: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def slope(height: int, width: int) -> Pixels:
    """Light and grain, such that all three filters are chosen somewhere."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    light = 90 * np.sin(x / 9) * (y // 24 % 3 != 1) + 70 * np.sin(y / 7) * (y // 24 % 3 != 0)
    grain = np.random.default_rng(2).normal(0, 2, (height, width))
    return np.repeat((120 + light + grain)[..., None], 3, axis=-1).clip(0, 255).astype(np.uint8)


def square(path: Path, side: int = 1024) -> Pixels:
    with Image.open(path) as image:
        edge = min(image.size)
        return np.asarray(image.convert("RGB").crop((0, 0, edge, edge)).resize((side, side)))


def shown(data: bytes) -> Pixels:
    """The pixels as Pillow reads them, which proves no checksum of a whole stream; :func:`stream` does."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def stream(data: bytes) -> bytes:
    """The filtered rows, by zlib: it proves the Adler-32, and that nothing is missing or left over."""
    names_found, deflated = [], b""
    for name, start, stop in chunks(data):
        names_found.append(name)
        assert zlib.crc32(data[start - 4 : stop]) == int.from_bytes(data[stop : stop + 4], "big"), name
        deflated += data[start:stop] if name == b"IDAT" else b""
    assert names_found.count(b"IDAT") == 1
    assert names_found[-1] == b"IEND"
    reader = zlib.decompressobj()
    rows = reader.decompress(deflated)
    assert reader.eof
    assert not reader.unused_data
    assert zlib.adler32(rows) == int.from_bytes(deflated[-4:], "big")
    return rows


def plainly_filtered(pixels: Pixels) -> bytes:
    """The rows of one strip filtered as the module's docstring says, row by row."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, 3 * width).astype(int)
    rows = np.vstack([np.zeros((1, 3 * width), int), rows])

    def residue(row: int, kind: int) -> np.ndarray:
        above = rows[row]
        left = np.concatenate([[0, 0, 0], rows[row + 1, :-3]])
        return (rows[row + 1] - [left, above, (left + above) // 2][kind - 1]) % 256

    made = b""
    for row in range(height):
        middle = min(row // 4 * 4 + 2, height - 1)
        costs = [sum(min(int(value), 256 - int(value)) for value in residue(middle, kind)) for kind in (1, 2, 3)]
        kind = 1 if row == 0 else 1 + costs.index(min(costs))
        made += bytes([kind]) + residue(row, kind).astype(np.uint8).tobytes()
    return made


def strips_of(pixels: Pixels, grid_size: int) -> list[png.Strip]:
    return [png.encode_strip(pixels, row, grid_size) for row in range(grid_size)]


# -- where strips lie --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [1, 2, 3, 64, 100, 769, 1024, 4095])
@pytest.mark.parametrize("grid_size", [2, 3])
def test_a_strip_is_a_row_of_sectors(height: int, grid_size: GridSize) -> None:
    rows = png.strip_rows(height, grid_size)
    for number, name in enumerate(names(grid_size)):
        sector = region(name, grid_size, 7, height)
        assert rows[number // grid_size] == (sector.top, sector.bottom)


@pytest.mark.parametrize("grid_size", GRIDS)
def test_strips_are_all_rows_without_a_gap(grid_size: int) -> None:
    for height in range(1, 200):
        rows = png.strip_rows(height, grid_size)
        assert len(rows) == grid_size
        assert [row for start, stop in rows for row in range(start, stop)] == list(range(height))


# -- what is in the file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid_size", GRIDS)
@pytest.mark.parametrize("width", [1, 2, 50])
def test_pictures_of_all_heights_come_back(width: int, grid_size: int) -> None:
    for height in HEIGHTS:
        for pixels in (noise(height, width), slope(height, width), np.full((height, width, 3), 200, np.uint8)):
            data = png.encode(pixels, TEXT, None, None, grid_size)
            assert np.array_equal(shown(data), pixels)
            assert len(stream(data)) == height * (1 + 3 * width)


@pytest.mark.parametrize("grid_size", GRIDS)
@pytest.mark.parametrize("height", [1, 2, 3, 5, 6, 7, 8, 66, 150, 203, 261])
def test_each_strip_is_filtered_by_the_rule_and_from_its_first_row_anew(height: int, grid_size: int) -> None:
    pixels = slope(height, 40)
    strips = [pixels[start:stop] for start, stop in png.strip_rows(height, grid_size)]
    assert stream(png.encode(pixels, grid_size=grid_size)) == b"".join(plainly_filtered(strip) for strip in strips)


def test_the_rule_is_tried_with_all_filters() -> None:
    assert set(plainly_filtered(slope(150, 40))[:: 1 + 3 * 40]) == {1, 2, 3}


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(GRIDS),
    st.sampled_from([(0, 1), (100, 104), (0, 256)]),
    st.integers(0, 2**32 - 1),
)
def test_random_pictures_come_back(height: int, width: int, grid_size: int, values: tuple[int, int], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(*values, (height, width, 3), np.uint8)
    data = png.encode(pixels, grid_size=grid_size)
    assert np.array_equal(shown(data), pixels)
    stream(data)


def test_a_strip_in_which_all_is_alike_stands_between_others() -> None:
    for flat in range(3):
        pixels = noise(300, 200)
        pixels[100 * flat : 100 * (flat + 1)] = 77
        data = png.encode(pixels, grid_size=3)
        assert np.array_equal(shown(data), pixels)
        stream(data)


def test_our_own_readers_take_it() -> None:
    pixels = slope(120, 90)
    data = png.encode(pixels, TEXT, grid_size=3)
    assert np.array_equal(decode(data).pixels, pixels)
    assert np.array_equal(shown(bare(data)), pixels)


def test_a_strip_says_what_it_holds() -> None:
    pixels = slope(100, 60)
    strip = png.encode_rows(pixels)
    rows = zlib.decompressobj(-15).decompress(strip.idat)
    assert rows == plainly_filtered(pixels)
    assert (strip.length, strip.adler, strip.crc) == (len(rows), zlib.adler32(rows), zlib.crc32(strip.idat))


# -- independence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid_size", [2, 3])
@pytest.mark.parametrize("height", [2, 3, 7, 65, 200])
def test_no_strip_depends_on_anothers_pixels(height: int, grid_size: int) -> None:
    pixels = slope(height, 50)
    for row, (start, stop) in enumerate(png.strip_rows(height, grid_size)):
        others = noise(height, 50, seed=row)
        others[start:stop] = pixels[start:stop]
        assert png.encode_strip(others, row, grid_size) == png.encode_strip(pixels, row, grid_size)
        assert png.encode_rows(pixels[start:stop].copy()) == png.encode_strip(pixels, row, grid_size)


@pytest.mark.parametrize("grid_size", GRIDS)
def test_strips_made_before_and_in_any_order_give_the_same_file(grid_size: int) -> None:
    before, after = slope(250, 120), slope(250, 120)
    start, stop = png.strip_rows(250, grid_size)[-1]
    after[start + 10 : stop - 5, 20:60] = noise(stop - start - 15, 40)
    kept = {row: png.encode_strip(before, row, grid_size) for row in reversed(range(grid_size))}
    kept[grid_size - 1] = png.encode_strip(after, grid_size - 1, grid_size)
    beginning = png.head(120, 250, b"profile", {b"gAMA": bytes(4)})
    whole = png.encode(after, TEXT, b"profile", {b"gAMA": bytes(4)}, grid_size)
    assert png.assemble(beginning, [kept[row] for row in range(grid_size)], TEXT) == whole


def test_strips_made_at_once_in_many_threads_are_the_same() -> None:
    pixels = slope(400, 300)
    expected = strips_of(pixels, 3)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda row: png.encode_strip(pixels, row, 3), [0, 1, 2] * 8))
    assert made == expected * 8


def test_strides_do_not_matter_and_nothing_is_written() -> None:
    wide = noise(90, 200)
    for view in (wide[:, 20:80], wide[::-1], wide[::2, ::3], wide[:, :, ::-1], wide.transpose(1, 0, 2)):
        view.setflags(write=False)
        for row in range(3):
            assert png.encode_strip(view, row, 3) == png.encode_strip(np.ascontiguousarray(view), row, 3)


def test_other_threads_run_while_a_strip_is_encoded() -> None:
    """Nobody takes the interpreter from a thread here: another one runs only where encoding lets go of it."""
    rows, go, ran = slope(341, 512), threading.Semaphore(0), []
    other = threading.Thread(target=lambda: ran.append(go.acquire()))
    other.start()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    try:
        go.release()
        encoded = 0
        while not ran and encoded < 1000:
            png.encode_rows(rows)
            encoded += 1
    finally:
        sys.setswitchinterval(interval_s)
    other.join()
    assert encoded < 1000


# -- putting together --------------------------------------------------------------------------------------------------


def test_what_stands_before_the_pixels_is_in_the_order_it_always_was() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colour = {b"gAMA": struct.pack(">I", 45455), b"cHRM": bytes(32)}
    data = png.encode(noise(80, 64), {"b": "1", "a": "2"}, profile, colour, 3)
    expected = [b"IHDR", b"gAMA", b"cHRM", b"iCCP", b"iTXt", b"iTXt", b"IDAT", b"IEND"]
    assert [name for name, _, _ in chunks(data)] == expected
    assert data.startswith(png.head(64, 80, profile, colour))
    assert decode(data).icc_profile == profile


def test_strips_of_another_picture_are_refused() -> None:
    strips = strips_of(noise(60, 20), 3)
    beginning = png.head(20, 60)
    png.assemble(beginning, strips)
    for wrong in (strips[:2], [*strips, strips[0]], [], strips_of(noise(61, 20), 3), strips_of(noise(60, 21), 3)):
        with pytest.raises(ValueError, match="20 x 60"):
            png.assemble(beginning, wrong)


def test_a_text_that_fits_no_png_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        png.assemble(png.head(4, 4), [png.encode_rows(noise(4, 4))], {"a": "\0"})


@pytest.mark.parametrize("wrong", [(4, 4), (4, 4, 4)])
def test_other_arrays_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="height x width x 3"):
        png.encode_rows(np.zeros(wrong, np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        png.encode_strip(np.zeros((4, 4, 3), np.int16), 0, 2)


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 300_000))
def test_adler32_is_combined(first: bytes, second: bytes, more: int) -> None:
    second += b"\xff" * more
    expected = zlib.adler32(first + second)
    assert png.adler32_combine(zlib.adler32(first), zlib.adler32(second), len(second)) == expected


@pytest.mark.parametrize("bad", ["adler", "crc"])
def test_the_checksums_are_the_strips_own(bad: str) -> None:
    """A reader that proves them finds a strip that was damaged since it was made."""
    strips = strips_of(slope(60, 20), 3)
    strips[1] = replace(strips[1], **{bad: getattr(strips[1], bad) ^ 1})
    data = png.assemble(png.head(20, 60), strips)
    with pytest.raises((zlib.error, AssertionError)):
        stream(data)


# -- photographs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_photographs_cost_no_more_in_strips(path: Path) -> None:
    pixels = square(path)
    whole, in_strips = png.encode(pixels), png.encode(pixels, grid_size=3)
    assert np.array_equal(shown(in_strips), pixels)
    assert len(stream(in_strips)) == pixels.size + len(pixels)
    assert len(in_strips) < 1.005 * len(whole)
