import contextlib
import io
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from services.generator.decode import decode
from shared.errors import UnreadableImage
from shared.images import probe
from shared.png_chunks import chunk
from tests.unit.generator.paths import EXAMPLES

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (70, 100, 3), dtype=np.uint8)
RGB = Image.fromarray(PIXELS)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def save(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def raw_png(depth: int, colour: int, rows: bytes, size: tuple[int, int] = (100, 70)) -> bytes:
    header = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def fake_profile(space: bytes) -> bytes:
    return b"\0" * 16 + space + b"\0" * 16 + b"acsp" + b"\0" * 100


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA"])
def test_every_mode_of_png_is_its_colour_samples(mode: str) -> None:
    image = RGB.quantize(32) if mode == "P" else RGB.convert(mode)
    decoded = decode(save(image))
    assert np.array_equal(decoded.pixels, np.asarray(image.convert("RGB")))
    assert (decoded.format, decoded.width, decoded.height) == ("png", 100, 70)
    assert decoded.pixels.dtype == np.uint8
    assert not decoded.pixels.flags.writeable


def test_opacity_is_dropped_and_hidden_colours_are_kept() -> None:
    opacity = RNG.integers(0, 256, (70, 100, 1), dtype=np.uint8)
    rgba = Image.fromarray(np.concatenate([PIXELS, opacity], axis=2))
    assert np.array_equal(decode(save(rgba)).pixels, PIXELS)
    palette = RGB.quantize(32)
    assert np.array_equal(decode(save(palette, transparency=bytes(16))).pixels, np.asarray(palette.convert("RGB")))
    assert np.array_equal(decode(save(RGB, transparency=(1, 2, 3))).pixels, PIXELS)


@pytest.mark.parametrize(("colour", "samples"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_sixteen_bits_are_scaled_not_clipped(colour: int, samples: int) -> None:
    values = RNG.integers(0, 65536, (70, 100, samples))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    expected = np.broadcast_to(values[..., :1], (70, 100, 3)) if samples < 3 else values[..., :3]
    assert np.array_equal(decode(raw_png(16, colour, rows)).pixels, expected >> 8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_pictures_come_upright(kind: str, turned: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    data = save(RGB, kind, exif=exif.tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    decoded = decode(data)
    assert np.array_equal(decoded.pixels, np.asarray(expected))
    header = probe(data)
    assert (decoded.width, decoded.height) == (header.width, header.height) == expected.size


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpeg_of_other_colours(mode: str) -> None:
    data = save(RGB.convert(mode), "JPEG")
    assert np.array_equal(decode(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_phone_jpegs_with_a_second_picture_inside() -> None:
    data = save(RGB, "MPO", save_all=True, append_images=[RGB.rotate(180)])
    assert np.array_equal(decode(data).pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_lossless_lossy_and_the_first_frame_of_an_animation(mode: str) -> None:
    image = RGB.convert(mode)
    assert np.array_equal(decode(save(image, "WEBP", lossless=True)).pixels, PIXELS)
    assert decode(save(image, "WEBP")).format == "webp"
    animated = save(image, "WEBP", lossless=True, save_all=True, append_images=[image.rotate(180)])
    assert np.array_equal(decode(animated).pixels, PIXELS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_rgb_profile_is_handed_on(kind: str) -> None:
    assert decode(save(RGB, kind, icc_profile=SRGB)).icc_profile == SRGB
    assert decode(save(RGB, kind)).icc_profile is None


def test_any_other_profile_is_not() -> None:
    assert decode(save(RGB, icc_profile=b"not a profile")).icc_profile is None
    assert decode(save(RGB.convert("L"), icc_profile=fake_profile(b"GRAY"))).icc_profile is None
    cmyk = save(RGB.convert("CMYK"), "JPEG", icc_profile=fake_profile(b"CMYK"))
    decoded = decode(cmyk)
    assert decoded.icc_profile is None
    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(cmyk)).convert("RGB")))


def test_a_bomb_is_refused_on_its_header() -> None:
    bomb = raw_png(8, 2, bytes(100), size=(60_000, 60_000))
    with pytest.raises(UnreadableImage, match="60000 x 60000"):
        decode(bomb)


def test_a_header_that_lies_about_the_size_is_refused() -> None:
    data = bytearray(save(RGB, "WEBP", lossless=True, exif=b"Exif\0\0II*\0"))
    assert data[12:16] == b"VP8X"
    data[24:27] = (89).to_bytes(3, "little")
    with pytest.raises(UnreadableImage):
        decode(bytes(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_truncated_image_is_said(kind: str, share: float) -> None:
    data = save(RGB, kind)
    with pytest.raises(UnreadableImage, match="send"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a", bytes(1000)])
def test_what_is_no_image_is_said(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 0.999), value=st.integers(0, 255))
def test_damage_gives_pixels_or_the_error_and_no_warning(kind: str, at: float, value: int) -> None:
    data = bytearray(save(RGB, kind))
    data[int(at * len(data))] = value
    with warnings.catch_warnings(record=True) as warned, contextlib.suppress(UnreadableImage):
        decode(bytes(data))
    assert not warned


def test_the_examples_decode() -> None:

    for path in sorted(EXAMPLES.glob("*.jpg")):
        assert decode(path.read_bytes()).pixels.std() > 20
