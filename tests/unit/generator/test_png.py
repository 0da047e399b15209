import io
import sys
import threading
import zlib
from collections import Counter
from types import FrameType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, PngImagePlugin

from services.generator import png
from shared.png_chunks import read_text


def opened(data: bytes) -> PngImagePlugin.PngImageFile:
    image = Image.open(io.BytesIO(data))
    assert isinstance(image, PngImagePlugin.PngImageFile)
    image.load()
    return image


def photo(height: int, width: int) -> np.ndarray:
    """Smooth light, an edge and grain, with a part as flat as a diagram."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    rng = np.random.default_rng(7)
    light = 120 + 70 * np.sin(5 * x + 3 * y) + 30 * (x > 0.4) + rng.normal(0, 4, (height, width))
    picture = np.stack([light, 0.8 * light, 1.1 * light], axis=-1).clip(0, 255).astype(np.uint8)
    picture[: height // 4] = 250
    return picture


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 140), st.integers(1, 9), st.just(3))))
def test_every_pixel_comes_back(pixels: np.ndarray) -> None:
    assert np.array_equal(np.asarray(opened(png.encode(pixels))), pixels)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64), (65, 31), (301, 499)])
def test_photographs_come_back_whatever_their_shape(shape: tuple[int, int]) -> None:
    pixels = photo(*shape)
    assert np.array_equal(np.asarray(opened(png.encode(pixels))), pixels)


def test_strides_do_not_matter() -> None:
    pixels = photo(80, 60)
    turned = pixels.transpose(1, 0, 2)[::-1, ::2]
    assert np.array_equal(np.asarray(opened(png.encode(turned))), turned)
    assert png.encode(turned) == png.encode(np.ascontiguousarray(turned))


def test_the_same_input_gives_the_same_bytes() -> None:
    assert png.encode(photo(200, 300), {"a": "b"}) == png.encode(photo(200, 300), {"a": "b"})


def test_the_stream_is_what_the_standard_asks_for() -> None:
    data = png.encode(photo(70, 90), {"a": "b"})
    names, at, deflated = [], 8, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(name + body) == int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        names.append(name)
        deflated += body if name == b"IDAT" else b""
        at += 12 + length
    assert names == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]
    rows = zlib.decompress(deflated)
    assert len(rows) == 70 * (1 + 3 * 90)
    assert set(rows[:: 1 + 3 * 90]) <= {1, 2, 3}


def test_text_and_profile_are_carried() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = png.encode(photo(64, 64), {"parafovea": "🐞 \n", "Software": "x"}, profile)
    image = opened(data)
    assert image.info["icc_profile"] == profile
    assert dict(image.text) == read_text(data) == {"parafovea": "🐞 \n", "Software": "x"}


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="height x width x 3"):
        png.encode(pixels)
    with pytest.raises(ValueError, match="uint8"):
        png.encode(np.zeros((4, 4, 3), np.float32))


def test_it_is_small_beside_pillow() -> None:
    pixels = photo(1024, 1024)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    assert len(png.encode(pixels)) < 1.3 * len(buffer.getvalue())


def test_it_does_not_choose_filters_row_by_row() -> None:
    """What makes it fast: one row in four is tried, and whole blocks are filtered."""
    calls: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, function: object) -> None:
        calls[event] += event in ("call", "c_call")

    pixels = photo(1024, 1024)
    sys.setprofile(profile)
    try:
        png.encode(pixels)
    finally:
        sys.setprofile(None)
    assert calls.total() < 1024, "Python is called less than once a row"


def test_other_threads_run_meanwhile() -> None:
    """Nobody takes the interpreter from a thread here: another one runs only where encoding lets go of it."""
    pixels, go, ran = photo(512, 512), threading.Semaphore(0), []
    other = threading.Thread(target=lambda: ran.append(go.acquire()))
    other.start()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    try:
        go.release()
        encoded = 0
        while not ran and encoded < 1000:
            png.encode(pixels)
            encoded += 1
    finally:
        sys.setswitchinterval(interval_s)
    other.join()
    assert encoded < 1000
